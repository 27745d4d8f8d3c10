"""`contango bench`."""

from pathlib import Path
from typing import Annotated

import typer


def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Benchmarks to run; none: all of them.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the results to this file.")] = None,
    catalog: Annotated[Path, typer.Option(help="Sample catalog (built when missing).")] = Path("catalog"),
    runs: Annotated[int, typer.Option(help="Repetitions; the median is reported.", min=1)] = 3,
    peer_python: Annotated[
        Path | None, typer.Option(help="Interpreter of an environment with nautilus_trader, for the comparison.")
    ] = None,
) -> None:
    """Measure speed as ratios within one run, beside peers where they are installed."""
    from contango_research.bench.run import run_benchmarks

    run_benchmarks(names or [], json_file, catalog, runs, peer_python)

"""`contango bench`: measure what was asked for, show it, write it."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_research.bench.registry import Benchmark, chosen, wanted
from contango_research.bench.result import Result
from contango_research.bench.screen import results_table
from contango_research.bench.setting import Setting
from contango_research.cli.screen import console, count_bar

PEER_PYTHON = "CONTANGO_TEST_PEER_PYTHON"


def run_benchmarks(
    names: list[str], json_file: Path | None, catalog: Path, runs: int, peer_python: Path | None = None
) -> None:
    """Run the named benchmarks (none: all), print a table and write ``json_file``.

    ``peer_python`` is the interpreter of an environment with the peers (else the one that the environment variable
    CONTANGO_TEST_PEER_PYTHON names). Raises UserError for an unknown name, a missing interpreter or a file that cannot
    be written, before anything is measured.
    """
    benchmarks = chosen(names)
    peer = _peer(peer_python)
    _check_target(json_file)
    if any(benchmark.needs_catalog for benchmark in benchmarks):
        _ensure_catalog(catalog)
    _say(_machine())
    results: list[Result] = []
    for benchmark in benchmarks:
        with tempfile.TemporaryDirectory(prefix="contango-bench-") as work:
            results += _measure(benchmark, catalog, Path(work), runs, peer)
    shown = [r for r in results if not names or any(wanted(r.name, name) for name in names)]
    console.print(results_table(shown))
    if json_file is not None:
        _write(json_file, shown)


def _measure(benchmark: Benchmark, catalog: Path, work: Path, runs: int, peer: Path | None) -> list[Result]:
    with count_bar(benchmark.module) as tell:
        return benchmark.measure(Setting(catalog, work, runs, peer, _say, tell))


def _peer(given: Path | None) -> Path | None:
    named = os.environ.get(PEER_PYTHON)
    path = given or (Path(named) if named else None)
    if path is not None and not os.access(path, os.X_OK):
        raise UserError(f"{path} is no interpreter: name the python of an environment with the peers")
    return path


def _ensure_catalog(catalog: Path) -> None:
    if (catalog / "catalog.yaml").exists():
        return
    from contango_market_data.sample.build import build_sample

    with count_bar("sample data") as tell:
        build_sample(catalog, progress=tell)


def _check_target(json_file: Path | None) -> None:
    if json_file is not None and (json_file.is_dir() or not os.access(json_file.absolute().parent, os.W_OK)):
        raise UserError(f"{json_file} cannot be written: name a file in an existing folder with --json")


def _write(json_file: Path, results: Sequence[Result]) -> None:
    """Whole or not at all."""
    half = json_file.with_name(f".{json_file.name}.new")
    half.write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n", encoding="utf-8")
    half.replace(json_file)
    _say(f"written: {json_file}")


def _machine() -> str:
    load = os.getloadavg()[0]
    busy = "" if load < 0.5 else "; others are at work here: only the ratios mean something"
    return f"{os.cpu_count()} cores, load {load:.1f}{busy}"


def _say(text: str) -> None:
    console.print(text, style="dim", highlight=False)

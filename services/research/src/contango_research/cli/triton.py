"""`contango demo-triton`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from contango_research.cli.screen import console, count_bar


def demo_triton(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for report.html and summary.json.")] = Path(
        "reports/demo-triton"
    ),
) -> None:
    """Every answer of a real Triton server on loopback beside the embedded backend's; exit code 1 where one differs.

    Asks singly, all at once and in batches, kills the server in the middle and starts it again. `make setup-train`
    installs what it needs.
    """
    from importlib.util import find_spec

    from contango_common.domain.errors import UserError

    if find_spec("tritonclient") is None:
        raise UserError("demo-triton: tritonclient is not installed; run make setup-train")
    from contango_research.demo_triton import HEAD, TOLERANCE, rows, run_demo

    with count_bar("Triton") as tell:
        found = run_demo(out, tell)
    table = Table(*HEAD, title=f"{found.model}@{found.version[:16]}")
    for row in rows(found):
        table.add_row(*row)
    console.print(table)
    batches = ", ".join(f"{n} × {count}" for n, count in sorted(found.executions.items()))
    print(f"executions by batch: {batches}")
    for reason in found.absences:
        print(f"absent while it was dead: {reason}")
    print(f"answered again {found.back_after_s:.1f} s after it was ready")
    print(f"report: {out / 'report.html'}")
    print(f"within {TOLERANCE:g} on every probability: {'yes' if found.holds else 'NO'}")
    if not found.holds:
        sys.exit(1)

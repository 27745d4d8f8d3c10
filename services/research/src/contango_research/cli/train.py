"""`contango train`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from contango_common.domain.errors import UserError
from contango_research.cli.options import day
from contango_research.cli.screen import console, count_bar


def train(
    catalog: Annotated[Path | None, typer.Option("--catalog", help="Catalog whose daily bars to learn from.")] = None,
    log: Annotated[Path | None, typer.Option("--log", help="Run directory whose recorded rows to learn from.")] = None,
    name: Annotated[str, typer.Option("--name", help="What the model is called.")] = "index_daily",
    symbol: Annotated[str, typer.Option("--symbol", help="Whose sessions.")] = "SPX",
    since: Annotated[str | None, typer.Option("--from", help="First session, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Last session; later data is not read.")] = None,
    earns_from: Annotated[
        str | None, typer.Option("--earns-from", help="First day on which it may have weight; else the day after.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Models folder.")] = Path("models"),
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings of the training (YAML).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a training of the same was stopped.")] = False,
) -> None:
    """Train the Mamba-2 forecaster, judge it walk-forward against HAR and persistence, and write it with its verdict.

    It earns weight only where it beats the better baseline; else it is written all the same, with weight 0.
    """
    from contango_research.training.config import load_config
    from contango_research.training.run import check_name, need_torch, train_to

    need_torch()
    check_name(name)
    settings = load_config(config)
    dates = day(since, "--from"), day(until, "--until"), day(earns_from, "--earns-from")
    if dates[0] is not None and dates[1] is not None and dates[0] > dates[1]:
        raise UserError(f"--from {since} is after --until {until}")
    source = _source(catalog, log, symbol, dates[0], dates[1], settings)
    with count_bar("training") as tell:
        path, manifest, _ = train_to(
            out, name, source, settings.settings(), earns_from=dates[2], resume=resume, tell=tell
        )
    console.print(_table(manifest))
    print(f"model: {path}")
    print(f"report: {path / 'report.html'}")


def _source(
    catalog: Path | None, log: Path | None, symbol: str, since: int | None, until: int | None, settings: Any
) -> Any:
    from contango_research.training.dataset import from_catalog, from_log

    if (catalog is None) == (log is None):
        raise UserError("name what to learn from: either --catalog or --log")
    with count_bar("features") as tell:
        if log is not None:
            return from_log(log, symbol, since, until, tell)
        assert catalog is not None
        return from_catalog(catalog, symbol, since, until, settings.signals, tell)


def _table(manifest: Any) -> Table:
    """The verdicts as the terminal shows them."""
    from contango_research.report.numbers import number, percent

    table = Table(title=f"{manifest.name}@{manifest.version[:16]}", title_justify="left")
    for column in ("target", "weight", "against", "skill", "95 % interval", "p"):
        table.add_column(column, justify="left" if column in ("target", "against") else "right")
    for v in manifest.verdicts:
        p = "–" if v.p_value is None else f"{v.p_value:.2g}"
        interval = f"{percent(v.low, 1)} to {percent(v.high, 1)}"
        table.add_row(v.target, number(v.weight), v.baseline.replace("_", " "), percent(v.skill, 1), interval, p)
    return table

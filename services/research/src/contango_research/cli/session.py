"""`contango up`, `contango run SERVICE`, `contango doctor`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from contango_research.cli.options import CATALOG, CatalogOption, ConfigOption, EndOption, StartOption


def up(
    config: ConfigOption = None,
    catalog: CatalogOption = CATALOG,
    start: StartOption = None,
    end: EndOption = None,
    speed: Annotated[float, typer.Option(help="Event seconds per wall second.", min=0.01)] = 1.0,
    run_dir: Annotated[Path, typer.Option(help="Where bus, database, logs and snapshots live.")] = Path("runs/paper"),
    port: Annotated[int, typer.Option(help="Port of the gateway; 0 takes a free one.", min=0, max=65535)] = 8000,
) -> None:
    """A paper session: embedded NATS and PostgreSQL, every service supervised, gateway and dashboard. Ctrl-C stops."""
    from contango_research.book import load_book
    from contango_research.cli.runs import warn_dead_rules
    from contango_research.paper import run_paper

    warn_dead_rules(load_book(config))
    sys.exit(run_paper(config, catalog, start, end, speed, run_dir, port))


def run(
    service: Annotated[str, typer.Argument(help="market-data, clock, venue, inference, signals, risk, …")],
    settings_file: Annotated[Path | None, typer.Option("--settings", help="Deployment settings (YAML).")] = None,
) -> None:
    """Run one service as its container does; addresses, paths and secrets come from CONTANGO_… variables."""
    from contango_common.edge.logs import configure
    from contango_common.edge.main import run_service
    from contango_common.edge.settings import load_settings
    from contango_research.serve.services import body_of

    settings = load_settings(settings_file)
    redactor = configure(service, level=settings.log_level, secrets=settings.secrets())
    sys.exit(run_service(body_of(service, settings, redactor)))


def doctor() -> None:
    """Say what is installed, what works, what is missing and how to get it."""
    from contango_research.doctor import examine

    sys.exit(0 if examine() else 1)

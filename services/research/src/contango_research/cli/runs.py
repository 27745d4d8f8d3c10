"""Commands that make or check a run: demo, backtest, replay, audit."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from contango_common.domain.errors import UserError
from contango_research.cli.options import (
    CATALOG,
    CRYPTO_CATALOG,
    CatalogOption,
    ConfigOption,
    EndOption,
    OutOption,
    StartOption,
    day,
)
from contango_research.cli.screen import console, count_bar, run_bar

DEMO, DEMO_CRYPTO = Path("reports/demo"), Path("reports/demo-crypto")
CRYPTO_BOOK = Path("examples/crypto.yaml")


def demo(out: OutOption = DEMO, catalog: CatalogOption = CATALOG) -> None:
    """Five years of S&P 500 through every service over a real NATS into a real PostgreSQL, and a report.

    Builds the sample catalog first when it is not there.
    """
    if not (catalog / "catalog.yaml").exists():
        from contango_market_data.sample.build import build_sample

        with count_bar("sample data") as tell:
            build_sample(catalog, progress=tell)
    replay(config=None, catalog=catalog, start=None, end=None, out=out, keep=False)


def demo_crypto(
    out: OutOption = DEMO_CRYPTO,
    catalog: CatalogOption = CRYPTO_CATALOG,
    config: Annotated[Path, typer.Option("--config", "-c", help="The book (YAML).")] = CRYPTO_BOOK,
) -> None:
    """The crypto module through every service over a real NATS into a real PostgreSQL, and a report.

    Runs on the catalog's own bars when it is there (import yours); else it builds the MODELLED sample first.
    """
    if not (catalog / "catalog.yaml").exists():
        from contango_market_data.sample.crypto import build_crypto_sample

        _say("building the crypto sample: modelled prices, evidence about nothing")
        build_crypto_sample(catalog)
    replay(config=config, catalog=catalog, start=None, end=None, out=out, keep=False)


def backtest(
    config: ConfigOption = None,
    catalog: CatalogOption = CATALOG,
    start: StartOption = None,
    end: EndOption = None,
    out: OutOption = Path("reports/backtest"),
) -> None:
    """Run a book on a catalog in this process. Same answers as `replay`, without servers."""
    from contango_common.edge.clock import monotonic_s
    from contango_common.edge.settings import load_settings
    from contango_research.backtest import period_of, run_backtest
    from contango_research.book import load_book
    from contango_research.served import models_of
    from contango_research.workplace import workplace

    book, stored = load_book(config), _catalog(catalog)
    period = period_of(stored, book, day(start, "--start"), day(end, "--end"))
    warn_dead_rules(book)
    with workplace(out) as work, closing(models_of(load_settings())) as models:
        began = monotonic_s()
        with run_bar("backtest", [period.warm_up, period.end]) as tell:
            engine = run_backtest(stored, book, period, work / "blocks", tell, models)
        wall_s = monotonic_s() - began
        _finish(out, work, engine.log.messages, book, stored, wall_s)


def replay(
    config: ConfigOption = None,
    catalog: CatalogOption = CATALOG,
    start: StartOption = None,
    end: EndOption = None,
    out: OutOption = Path("reports/replay"),
    keep: Annotated[bool, typer.Option(help="Keep bus, database and logs under OUT.work for inspection.")] = False,
) -> None:
    """Run a book with every service as a process over a real NATS into a real PostgreSQL, in lock-step.

    The log, and so the digest, is byte for byte that of `backtest`.
    """
    from contango_research.backtest import period_of
    from contango_research.book import load_book
    from contango_research.replay import run_replay
    from contango_research.workplace import workplace

    book, stored = load_book(config), _catalog(catalog)
    period = period_of(stored, book, day(start, "--start"), day(end, "--end"))
    warn_dead_rules(book)
    with workplace(out, keep=keep) as work:
        with run_bar("replay", [period.warm_up, period.end]) as tell:
            done = run_replay(stored, book, config, period, work, progress=tell, said=_say)
        _finish(out, work, done.messages, book, stored, done.drive_s)


def audit(folder: Annotated[Path, typer.Argument(help="Run directory of a backtest, replay or session.")]) -> None:
    """Decide a recorded run anew: (a) bytes that differ from the manifest, (b) the first decision that differs."""
    from contango_research.audit_run import audit_run

    found = audit_run(folder)
    for line in found.machine:
        console.print(f"note: made elsewhere: {line}", highlight=False)
    print(f"messages: {found.messages}   blocks verified: {found.blocks}")
    print(f"(a) bytes that differ from the manifest: {len(found.bytes_differ) or 'none'}")
    for line in found.bytes_differ[:20]:
        print(f"    {line}")
    print(f"(b) first decision that differs: {found.difference or 'none'}")
    if not found.clean:
        sys.exit(1)


def _catalog(path: Path):  # type: ignore[no-untyped-def]
    from contango_market_data.catalog.store import Catalog

    return Catalog.open(path)


def _say(text: str) -> None:
    console.print(text, style="dim", highlight=False)


def warn_dead_rules(book: Any) -> None:
    """Say at start which rules can never be true and which strategies can never open."""
    from contango_research.reach import dead_rules

    for line in dead_rules(book):
        console.print(f"dead rule: {line}", style="yellow", highlight=False)


def _finish(out: Path, work: Path, messages: Any, book: Any, stored: Any, wall_s: float) -> None:
    from contango_research.rundir import write_run
    from contango_research.terminal import summary_table

    if not messages:
        raise UserError("the run made no message: is the period inside the catalog?")
    summary = write_run(
        out,
        messages,
        book_params=book.params(),
        notes=[*stored.info.notes, *book.notes],
        wall_s=wall_s,
        block_dir=work / "blocks",
        command=" ".join(["contango", *sys.argv[1:]]),
    )
    console.print(summary_table(summary))
    print(f"report: {out / 'report.html'}")
    print(f"digest: {summary['digest']}")

"""`contango data …`: make, fill, look at and check a catalog."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from contango_research.cli.options import CATALOG, CRYPTO_CATALOG, CatalogOption
from contango_research.cli.screen import console, count_bar

app = typer.Typer(help="The Parquet catalog: sample, import, show, check.", no_args_is_help=True)


@app.command()
def sample(catalog: CatalogOption = CATALOG) -> None:
    """Build the sample catalog: real daily S&P 500 and VIX, modelled intraday paths and SPXW chains, 2014-2018."""
    from contango_market_data.sample.build import build_sample

    with count_bar("sample data") as tell:
        report = build_sample(catalog, progress=tell)
    for line in report.sources:
        print(f"- {line}")
    size_mb = report.size_bytes / 1e6
    print(f"{report.path}: {report.sessions} sessions, {report.quotes:,} option quotes, {size_mb:.0f} MB")


@app.command("sample-crypto")
def sample_crypto(catalog: CatalogOption = CRYPTO_CATALOG) -> None:
    """Build the crypto sample: two MODELLED pairs, 5-minute and daily bars for 120 days, 24 hours a day."""
    from contango_market_data.sample.crypto import build_crypto_sample

    report = build_crypto_sample(catalog)
    for line in report.sources:
        print(f"- {line}")
    print(f"{report.path}: {report.days} days, {report.bars:,} bars")


@app.command("import")
def import_(
    src: Annotated[Path, typer.Argument(help="File or folder to import.")],
    format: Annotated[str, typer.Option("--format", help="csv, parquet, cboe, optionsdx, lean or binance.")],
    catalog: CatalogOption = CATALOG,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-O", help="Importer option as key=value, e.g. -O tz=America/New_York; repeat."),
    ] = None,
) -> None:
    """Import market data into a catalog. Importing twice changes nothing; a bad row is named or flagged."""
    from contango_market_data.importers.run import run_import

    with count_bar(f"import {format}") as tell:
        report = run_import(
            format, src, catalog, _options(option or []), progress=lambda done, total, _: tell(done, total)
        )
    print(f"{catalog}: {report.rows_read:,} rows read, {report.rows_new:,} new, {report.rows_known:,} already there")
    for flag in report.flags:
        print(f"  flagged {flag.count:>9,}  {flag.reason}  (first: {flag.first_where}) {flag.detail}")


@app.command()
def show(catalog: CatalogOption = CATALOG) -> None:
    """Say what a catalog holds (instants in UTC)."""
    import numpy as np

    from contango_market_data.catalog.store import Catalog
    from contango_market_data.inspect import show as look

    stored = Catalog.open(catalog)
    table = Table(title=f"{stored.info.name} ({stored.info.calendar})")
    for name in ("symbol", "timeframe", "first", "last"):
        table.add_column(name)
    for name in ("rows", "sessions"):
        table.add_column(name, justify="right")
    for held in look(stored):
        first, last = (str(np.datetime64(ns, "ns").astype("M8[m]")) for ns in (held.first_ns, held.last_ns))
        table.add_row(held.symbol, held.timeframe, first, last, f"{held.rows:,}", f"{held.sessions:,}")
    console.print(table)
    for note in stored.info.notes:
        print(f"- {note}")


@app.command()
def check(catalog: CatalogOption = CATALOG) -> None:
    """Check every stored bar and quote; nothing is repaired. Exit code 1 when something was found."""
    from contango_market_data.catalog.store import Catalog
    from contango_market_data.inspect import check as inspect

    findings = inspect(Catalog.open(catalog))
    for finding in findings:
        flag = finding.flag
        print(f"{flag.count:>10,}  {finding.subject}: {flag.reason}  (first: {flag.first_where}) {flag.detail}")
    print(f"{len(findings)} kinds of findings")
    if findings:
        sys.exit(1)


def _options(pairs: list[str]) -> dict[str, str]:
    from contango_common.domain.errors import UserError

    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"--option {pair!r} has no '=': write key=value")
        found[key] = value
    return found

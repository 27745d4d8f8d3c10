"""A short piece of the sample data and a busy book, for tests that run the whole house."""

from datetime import date
from pathlib import Path

from contango_market_data.catalog.store import Catalog
from contango_market_data.sample.build import build_sample
from contango_research.backtest import Period, period_of, run_backtest
from contango_research.book import Book, load_book

BOOK_FILE = Path(__file__).with_name("busy.yaml")
FIRST, LAST = date(2015, 8, 3), date(2015, 8, 28)


def short_catalog(folder: Path) -> Catalog:
    """Four weeks of August 2015, with the fall of the 24th in them."""
    path = folder / "catalog"
    build_sample(path, first=FIRST, last=LAST, processes=1)
    return Catalog.open(path)


def busy_book() -> Book:
    return load_book(BOOK_FILE)


def whole_period(catalog: Catalog) -> Period:
    return period_of(catalog, busy_book(), None, None)


def memory_run(catalog: Catalog, folder: Path):  # type: ignore[no-untyped-def]
    return run_backtest(catalog, busy_book(), whole_period(catalog), folder / "memory-blocks")

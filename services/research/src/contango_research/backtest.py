"""A backtest: the whole house in this process, on a catalog."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.engine import Engine
from contango_common.runtime.inputs import Input, with_control
from contango_inference.models.port import Models
from contango_market_data.catalog.dates import to_date
from contango_market_data.catalog.store import Catalog
from contango_market_data.feed import ReplayFeed, Span
from contango_research.book import Book
from contango_research.house import BUILD, participants

Progress = Callable[[int], None]
"""Called with the event time (ns) of every handled input."""

REASON = "start of the run"


@dataclass(frozen=True, slots=True)
class Period:
    """Session dates yyyymmdd. Data from ``warm_up`` on is folded; trading may begin on ``start``."""

    warm_up: int
    start: int
    end: int

    def __post_init__(self) -> None:
        if not self.warm_up <= self.start <= self.end:
            raise UserError(f"the period {self.start} to {self.end} is empty: --start must not be after --end")


def period_of(catalog: Catalog, book: Book, start: int | None, end: int | None) -> Period:
    """The catalog's own span where none is asked for; everything before ``start`` is warm-up."""
    dates = _dates(catalog, book)
    if (start is not None and start > dates[-1]) or (end is not None and end < dates[0]):
        raise UserError(
            f"--start {start or 'none'}, --end {end or 'none'}: the catalog {catalog.path} reaches from {dates[0]} to "
            f"{dates[-1]}; choose days inside"
        )
    return Period(dates[0], start or dates[0], end or dates[-1])


def _dates(catalog: Catalog, book: Book) -> list[int]:
    if book.market_data.underlying is not None:
        return catalog.sessions_of_chains(book.market_data.underlying)
    from contango_market_data.bars import span_of

    return span_of(catalog, book.market_data)


def start_ns_of(feed: ReplayFeed, period: Period) -> int:
    """Opening instant of the first session in which trading may begin."""
    row = feed.sessions.last_on_or_before(period.start)
    if row is None:
        raise UserError(f"--start {period.start} lies before the sessions of the catalog")
    if feed.sessions.date[row] < period.start:
        row += 1
    return feed.sessions.open_ns[row]


def open_feed(catalog: Catalog, book: Book, period: Period, blocks: BlockStore) -> ReplayFeed:
    to_date(period.start)
    return ReplayFeed(catalog, book.market_data, blocks, Span(period.warm_up, period.end))


def run_backtest(
    catalog: Catalog,
    book: Book,
    period: Period,
    block_dir: Path,
    progress: Progress | None = None,
    models: Models | None = None,
) -> Engine:
    """Run to the end; the returned engine holds the log and every fold's last state. ``models``: see the house."""
    blocks = BlockStore(block_dir)
    feed = open_feed(catalog, book, period, blocks)
    engine = Engine(participants(blocks, models), BUILD)
    items = with_control(feed.inputs(), book.params(), start_ns_of(feed, period), REASON)
    for item in engine.run(items):
        if progress is not None and isinstance(item, Input):
            progress(item.ts_ns)
    return engine

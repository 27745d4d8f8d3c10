"""The engine benchmark's inputs: what a run needs to know first, then one message a bar."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from contango_common.domain.sessions import DAY_NS
from contango_common.events.market import AssetListed, Bars, FeedState, SessionTable
from contango_common.runtime.inputs import Input, with_control
from contango_research.bench.ema_bars import FIRST_CLOSE_NS, STEP_NS, STEP_S, SYMBOL, Cents
from contango_research.bench.ema_book import READY_BARS, ema_book

_OPEN_NS = FIRST_CLOSE_NS - STEP_NS
_SYMBOLS = (SYMBOL,)


def ema_inputs(bars: Cents) -> Iterator[Input]:
    """Parameters, reference data, the start of trading after ``READY_BARS`` bars, and every bar."""
    start_ns = FIRST_CLOSE_NS + READY_BARS * STEP_NS
    return with_control(_feed(bars), ema_book().params(), start_ns, "benchmark")


def _feed(bars: Cents) -> Iterator[Input]:
    listed = AssetListed(symbol=SYMBOL, kind="spot")
    yield Input("reference", _OPEN_NS, "in:1", (_sessions(len(bars)), listed))
    yield Input("md", _OPEN_NS, "in:2", (FeedState(underlying=SYMBOL, state="live"),))
    columns = (bars.T / 100).tolist()
    ts_ns = FIRST_CLOSE_NS
    for number, (opened, high, low, close) in enumerate(zip(*columns, strict=True), start=3):
        bar = Bars(timeframe_s=STEP_S, symbols=_SYMBOLS, open=(opened,), high=(high,), low=(low,), close=(close,))
        yield Input("md", ts_ns, f"in:{number}", (bar,))
        ts_ns += STEP_NS


def _sessions(count: int) -> SessionTable:
    """A market that never shuts: one session a UTC day."""
    days = count * STEP_NS // DAY_NS + 2
    first = datetime.fromtimestamp(_OPEN_NS // 1_000_000_000, UTC)
    dates = [first + timedelta(days=i) for i in range(days)]
    return SessionTable(
        calendar="24/7",
        date=tuple(int(day.strftime("%Y%m%d")) for day in dates),
        open_ns=tuple(_OPEN_NS + i * DAY_NS for i in range(days)),
        close_ns=tuple(_OPEN_NS + (i + 1) * DAY_NS for i in range(days)),
    )

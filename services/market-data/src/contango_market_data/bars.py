"""Closed bars as events: the symbols' bars of one instant side by side, ascending, streamed from the catalog."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter

from contango_common.domain.sessions import Sessions
from contango_common.domain.timeframe import Bar
from contango_common.events.base import Event
from contango_common.events.market import Bars
from contango_market_data.catalog.dates import local_dates
from contango_market_data.catalog.schema import TIMEFRAMES
from contango_market_data.catalog.store import Catalog
from contango_market_data.params import MarketDataParams
from contango_market_data.resample import Resampler, bars_of

_MINUTE_S = 60
_DAY = "1d"


def bar_events(
    catalog: Catalog, params: MarketDataParams, sessions: Sessions, start: int, end: int
) -> Iterator[tuple[int, list[Event]]]:
    """(instant, one Bars event per timeframe) for the sessions from ``start`` to ``end``; intraday before daily."""
    start_ns, end_ns = _bounds(sessions, start, end)
    streams = []
    for order, symbol in enumerate(params.symbols):
        if catalog.timeframes(symbol):
            streams.append(
                _tagged(
                    TIMEFRAMES[params.bar_timeframe],
                    order,
                    symbol,
                    _bars(catalog, params, sessions, symbol, start_ns, end_ns),
                )
            )
            if params.daily_bars and params.bar_timeframe != _DAY and _DAY in catalog.timeframes(symbol):
                daily = _stored(catalog, symbol, _DAY, start_ns, end_ns)
                streams.append(_tagged(TIMEFRAMES[_DAY], order, symbol, daily))
    ordered = merge(*streams, key=itemgetter(0, 1, 2))
    for ts_ns, group in groupby(ordered, key=itemgetter(0)):
        by_timeframe = groupby(group, key=itemgetter(1))
        yield ts_ns, [_event(minutes, [(row[3], row[4]) for row in rows]) for minutes, rows in by_timeframe]


def span_of(catalog: Catalog, params: MarketDataParams) -> list[int]:
    """First and last date (yyyymmdd, the catalog's zone) with bars of the first symbol."""
    symbol = params.symbols[0]
    columns = catalog.bars(symbol, params.source_timeframe or params.bar_timeframe)
    return [int(date) for date in local_dates(columns["ts_ns"][[0, -1]], catalog.info.time_zone)]


def _bars(
    catalog: Catalog, params: MarketDataParams, sessions: Sessions, symbol: str, start_ns: int, end_ns: int
) -> Iterator[Bar]:
    source = params.source_timeframe or params.bar_timeframe
    stored = _stored(catalog, symbol, source, start_ns, end_ns)
    yield from stored if source == params.bar_timeframe else longer(stored, params.bar_timeframe, sessions)


def longer(stored: Iterable[Bar], timeframe: str, sessions: Sessions) -> Iterator[Bar]:
    """Bars of ``timeframe`` out of stored ones, each at the instant at which it is known; one an instant."""
    resampler = Resampler(timeframe, sessions)
    for bar in stored:
        over = [closed.bar for closed in resampler.push(bar)]
        if over:  # an incomplete one is known to be over only now that a later bar has closed: it must not show before
            yield _joined(over)._replace(ts_ns=bar.ts_ns)


def _joined(bars: list[Bar]) -> Bar:
    """One bar of what is told at one instant: behind a gap, a cut one may be over together with the next."""
    volumes = [bar.volume for bar in bars if bar.volume is not None]
    return Bar(
        ts_ns=bars[-1].ts_ns,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=sum(volumes) if len(volumes) == len(bars) else None,
    )


def _stored(catalog: Catalog, symbol: str, timeframe: str, start_ns: int, end_ns: int) -> Iterator[Bar]:
    for table in catalog.bar_groups(symbol, timeframe, start_ns, end_ns):
        columns = {"ts_ns": table.column("ts").cast("int64").to_numpy()}
        for name in ("open", "high", "low", "close", "volume"):
            columns[name] = table.column(name).to_numpy()
        yield from bars_of(columns)


def _tagged(minutes: int, order: int, symbol: str, bars: Iterator[Bar]) -> Iterator[tuple[int, int, int, str, Bar]]:
    for bar in bars:
        yield bar.ts_ns, minutes, order, symbol, bar


def _event(minutes: int, rows: list[tuple[str, Bar]]) -> Event:
    bars = [bar for _, bar in rows]
    known = any(bar.volume is not None for bar in bars)
    return Bars(
        timeframe_s=minutes * _MINUTE_S,
        symbols=tuple(symbol for symbol, _ in rows),
        open=tuple(bar.open for bar in bars),
        high=tuple(bar.high for bar in bars),
        low=tuple(bar.low for bar in bars),
        close=tuple(bar.close for bar in bars),
        volume=tuple(bar.volume for bar in bars) if known else (),
    )


def _bounds(sessions: Sessions, start: int, end: int) -> tuple[int, int]:
    """Instants around the sessions from ``start`` to ``end``: bars with start < ts ≤ end belong to them."""
    first = sessions.last_on_or_before(start)
    first = 0 if first is None else first if sessions.date[first] >= start else first + 1
    last = sessions.last_on_or_before(end)
    return sessions.open_ns[min(first, len(sessions) - 1)], sessions.close_ns[last if last is not None else 0]

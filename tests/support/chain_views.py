"""Chains as strategies see them, without the fold: from the formula's world and from stored tables of real quotes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from contango_common.domain.blocks import Block
from contango_common.domain.chain import contract_key
from contango_common.domain.instrument import Settlement, root_spec
from contango_signals.chainview import expiries, slice_of
from contango_signals.strategies.spec import Candidate, View
from support.signals_world import OPEN_MINUTE, RATE, START, Market, chain, date_of, instant

TICK_MICROS = 10_000
NOW_NS = instant(START, OPEN_MINUTE + 30)
DAY_NS = 86_400_000_000_000


def view_of_blocks(
    contracts: Block,
    quotes: Block,
    *,
    underlying: str,
    roots: tuple[str, ...],
    spot: float,
    now_ns: int,
    session_date: int,
    regime: str | None,
    rate_annual: float = RATE,
    tradable: bool = False,
    dte: tuple[int, int] = (1, 200),
) -> View:
    """Every expiry whose days lie in ``dte``, cut from the blocks of one frame."""
    slices = [
        slice_of(
            expiry,
            contracts,
            quotes,
            spot=spot,
            now_ns=now_ns,
            tick_micros=TICK_MICROS,
            rate_annual=rate_annual,
        )
        for expiry in expiries(contracts)
        if dte[0] * DAY_NS <= expiry.expiry_ns - now_ns <= dte[1] * DAY_NS
    ]
    return View(
        underlying=underlying,
        spot=spot,
        now_ns=now_ns,
        session_date=session_date,
        roots=roots,
        specs=tuple(root_spec(root, underlying) for root in roots),
        contracts=contracts,
        quotes=quotes,
        slices=tuple(slices),
        held=(),
        regime=regime,
        tradable=tradable,
    )


def view_of(market: Market, regime: str | None, *later: Market, tradable: bool = False) -> View:
    """Half an hour into the first session of a formula's market; ``later`` markets bring expiries of their own."""
    spot = market.spots[0]
    contracts, quotes = _joined([chain(m, START, NOW_NS, spot) for m in (market, *later)])
    return view_of_blocks(
        contracts,
        quotes,
        underlying="SPX",
        roots=(market.root,),
        spot=spot,
        now_ns=NOW_NS,
        session_date=date_of(START),
        regime=regime,
        tradable=tradable,
    )


def _joined(parts: list[tuple[Block, Block]]) -> tuple[Block, Block]:
    contracts, quotes = zip(*parts, strict=True)
    return tuple(
        {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]} for blocks in (contracts, quotes)
    )  # type: ignore[return-value]


def views_of_table(path: Path, regime: str | None, *, closes: bool = False, tradable: bool = False) -> Iterator[View]:
    """One view for each quote time of a stored table.

    Times are New York's; ``closes`` sets them to 16:00 where the table holds dates alone. Cboe's downloads after the
    close show the closing quotes, so a time outside 9:30 to 16:15 is read as the last close before it.
    """
    table = pd.read_parquet(path)
    for quoted, group in table.groupby("quote_ts"):
        now = pd.Timestamp(quoted) + pd.Timedelta(hours=16) if closes else _quoted(pd.Timestamp(quoted))
        yield _view_of_group(group, now, regime, tradable)


def _quoted(downloaded: pd.Timestamp) -> pd.Timestamp:
    """The trading instant whose quotes a download shows; holidays are not looked at."""
    day = downloaded.normalize()
    if downloaded < day + pd.Timedelta(hours=9, minutes=30):
        day -= pd.Timedelta(days=1)
        downloaded = day + pd.Timedelta(hours=16)
    while day.dayofweek > 4:
        day -= pd.Timedelta(days=1)
        downloaded = day + pd.Timedelta(hours=16)
    return min(downloaded, day + pd.Timedelta(hours=16))


def _view_of_group(group: pd.DataFrame, now: pd.Timestamp, regime: str | None, tradable: bool) -> View:
    underlying, spot = str(group.underlying.iloc[0]), float(group.spot.iloc[0])
    roots = tuple(sorted(group.root.unique()))
    contracts, quotes = blocks_of(group, roots, underlying)
    return view_of_blocks(
        contracts,
        quotes,
        underlying=underlying,
        roots=roots,
        spot=spot,
        now_ns=_utc_ns(now),
        session_date=int(now.strftime("%Y%m%d")),
        regime=regime,
        tradable=tradable,
    )


def _utc_ns(eastern: pd.Timestamp) -> int:
    return int(eastern.tz_localize("America/New_York").as_unit("ns").value)


def blocks_of(group: pd.DataFrame, roots: Sequence[str], underlying: str) -> tuple[Block, Block]:
    """Contracts and quotes of one instant, sorted by key; sizes are not in these tables."""
    rows = []
    for row in group.itertuples(index=False):
        root = roots.index(row.root)
        morning = root_spec(row.root, underlying).settlement is Settlement.AM
        expiry_ns = _utc_ns(row.expiry + (pd.Timedelta(hours=9, minutes=30) if morning else pd.Timedelta(hours=16)))
        last_ns = expiry_ns - DAY_NS if morning else expiry_ns
        date, strike, is_call = int(row.expiry.strftime("%Y%m%d")), round(row.strike * 1000), row.right == "C"
        key = contract_key(root, date, is_call, strike)
        bid, ask = (round(x * 1e6 / TICK_MICROS) for x in (row.bid, row.ask))
        rows.append((key, root, date, expiry_ns, last_ns, strike, int(is_call), bid, ask, int(row.open_interest)))
    table = np.array(sorted(rows, key=lambda r: (r[3], r[1], r[5], r[6])), dtype=np.int64).reshape(len(rows), 10)
    table = table[np.sort(np.unique(table[:, 0], return_index=True)[1])]
    names = ("key", "root", "expiry_date", "expiry_ns", "last_trade_ns", "strike_millis", "is_call")
    types = ("<i8", "<i4", "<i4", "<i8", "<i8", "<i4", "<i1")
    contracts: Block = {name: table[:, i].astype(t) for i, (name, t) in enumerate(zip(names, types, strict=True))}
    unknown = np.full(len(table), -1, dtype="<i4")
    quotes: Block = {
        "bid_ticks": table[:, 7].astype("<i4"),
        "ask_ticks": table[:, 8].astype("<i4"),
        "bid_size": unknown,
        "ask_size": unknown,
    }
    return contracts, quotes


def legs_of(c: Candidate) -> list[tuple[int, str, float, int]]:
    """(ratio, right, strike, expiry date) of each option leg; the underlying is (ratio, "-", 0, 0)."""
    found = []
    for ratio, row, s in zip(c.ratios, c.rows, c.slices, strict=True):
        if s is None:
            found.append((ratio, "-", 0.0, 0))
            continue
        at = int(np.flatnonzero(s.rows == row)[0])
        found.append((ratio, "C" if s.is_call[at] else "P", float(s.strike[at]), s.expiry.expiry_date))
    return found

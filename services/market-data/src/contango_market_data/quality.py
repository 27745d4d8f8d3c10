"""Quality of option quotes: columns in, flags out. Pure; nothing is repaired, everything is counted.

A row's findings are bits of one integer, so that a frame can drop some of them and count all of them. A bid of 0 and
an absent bid both mean that nobody buys; an absent or zero ask means that nobody sells.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_market_data.quality_flag import Flag

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.uint16]

CROSSED = np.uint16(1)
LOCKED = np.uint16(2)
STUB = np.uint16(4)
ZERO_BID = np.uint16(8)
ONE_SIDED = np.uint16(16)
NO_QUOTE = np.uint16(32)
ADJUSTED_ROOT = np.uint16(64)
EXPIRED = np.uint16(128)

REASONS: dict[int, str] = {
    int(CROSSED): "crossed: bid above ask",
    int(LOCKED): "locked: bid equals ask",
    int(STUB): "stub: ask above 10 x bid with a mid above 1",
    int(ZERO_BID): "zero bid",
    int(ONE_SIDED): "one-sided: bid or ask was not quoted",
    int(NO_QUOTE): "no quote on either side",
    int(ADJUSTED_ROOT): "adjusted root: deliverable is not the standard one",
    int(EXPIRED): "expired before the snapshot's session",
}

UNTRADABLE = CROSSED | STUB | ONE_SIDED | NO_QUOTE | ADJUSTED_ROOT | EXPIRED
"""Rows that no frame may offer for trading; locked and zero-bid rows may be bought or held."""

_STUB_RATIO = 10.0
_STUB_MID = 1.0
_STALE_ROWS = 20
_STALE_SHARE = 0.98
_RANGE_SLACK = 0.001


def quote_mask(bid: Floats, ask: Floats) -> Mask:
    """Findings of each quote, NaN meaning absent.

    >>> quote_mask(np.array([2.0, 0.0]), np.array([1.0, 4.0])).tolist() == [int(CROSSED), int(STUB | ZERO_BID)]
    True
    """
    no_bid, no_ask = ~np.isfinite(bid), ~(ask > 0)
    buys = np.where(no_bid, 0.0, bid)
    both = ~no_bid & ~no_ask
    mask = np.zeros(len(bid), dtype=np.uint16)
    mask[both & (buys > ask)] |= CROSSED
    mask[both & (buys == ask)] |= LOCKED
    mask[both & (ask > _STUB_RATIO * buys) & (buys + ask > 2 * _STUB_MID)] |= STUB
    mask[~no_bid & (bid == 0.0)] |= ZERO_BID
    mask[(buys <= 0.0) & no_ask] |= NO_QUOTE
    mask[(no_bid ^ no_ask) & ~((buys <= 0.0) & no_ask)] |= ONE_SIDED
    return mask


def is_adjusted(root: str) -> bool:
    """OCC gives contracts with a changed deliverable a root that ends in a digit (AMD1).

    >>> is_adjusted("AMD1"), is_adjusted("SPXW")
    (True, False)
    """
    return re.search(r"[A-Z]\d$", root) is not None


def row_flags(mask: Mask, where: str) -> list[Flag]:
    """One flag per finding that occurs; the first place is ``where`` and the row."""
    flags = []
    for bit, reason in REASONS.items():
        rows = np.flatnonzero(mask & np.uint16(bit))
        if len(rows):
            flags.append(Flag(reason, len(rows), f"{where}, row {int(rows[0])}", f"{len(rows)} of {len(mask)} rows"))
    return flags


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The quotes of one instant: ``key`` identifies the contract (unique, ascending), prices in currency units.

    ``spot`` is the underlying's price beside them, NaN when unknown.
    """

    ts_ns: int
    key: npt.NDArray[np.int64]
    expiry_days: npt.NDArray[np.int64]
    bid: Floats
    ask: Floats
    spot: float = math.nan


def stale_rows(before: Snapshot, after: Snapshot) -> int:
    """Rows of ``after`` that repeat ``before``, when practically all of them do; else 0.

    Compared are contracts that both list and that are quoted; fewer than 20 of them prove nothing.
    """
    old_bid, old_ask, bid, ask = before.bid, before.ask, after.bid, after.ask
    if not np.array_equal(before.key, after.key):
        _, theirs, mine = np.intersect1d(before.key, after.key, assume_unique=True, return_indices=True)
        old_bid, old_ask, bid, ask = old_bid[theirs], old_ask[theirs], bid[mine], ask[mine]
    quoted = ask > 0
    same = int(np.count_nonzero(quoted & (old_bid == bid) & (old_ask == ask)))
    common = int(np.count_nonzero(quoted))
    return same if common >= _STALE_ROWS and same >= _STALE_SHARE * common else 0


def all_bids_zero(snapshot: Snapshot) -> bool:
    """Nobody bids for anything: the vendor was asked outside its hours."""
    return len(snapshot.bid) >= _STALE_ROWS and not np.any(snapshot.bid > 0)


def wrong_date(snapshot: Snapshot, session_days: int) -> str | None:
    """Why the snapshot's date is hard to believe, from its expiries alone; None when it is fine.

    ``session_days`` is the session's date in days since 1970. A listing that starts much later than its own expiries
    are apart was taken later than it says; one with expiries before the session, earlier.
    """
    expiries = np.unique(snapshot.expiry_days)
    past = expiries[expiries < session_days]
    if len(past):
        return f"lists {len(past)} expiries before its session, the first {_date(past[0])}"
    if len(expiries) < 3:
        return None
    apart = float(np.median(np.diff(expiries[:6])))
    ahead = int(expiries[0]) - session_days
    if ahead > 2 * apart + 3:
        return f"its first expiry {_date(expiries[0])} is {ahead} days ahead while expiries are {apart:g} days apart"
    return None


def price_elsewhere(snapshot: Snapshot, date: int, ranges: Mapping[int, tuple[float, float]]) -> str | None:
    """How the underlying's price speaks against the session ``date`` (yyyymmdd); None when it does not, or cannot tell.

    ``ranges`` maps dates to the daily (low, high). Of the two last sessions that its first expiry allows, one whose
    range holds the price is named.
    """
    spot = snapshot.spot
    if date not in ranges or not math.isfinite(spot) or in_range(spot, ranges[date]):
        return None
    low, high = ranges[date]
    told = f"spot {spot:g} is outside {low:g}..{high:g}"
    first = int(_date(snapshot.expiry_days.min()).replace("-", ""))
    fitting = [day for day in sorted(ranges) if day <= first][-2:]
    fitting = [day for day in fitting if day != date and in_range(spot, ranges[day])]
    return f"{told}; expiries and spot are as on {_dashed(fitting[-1])}" if fitting else told


def in_range(spot: Any, range_: tuple[float, float]) -> Any:
    """Whether a price, or each of several, lies in a day's (low, high), give or take 0.1 %."""
    return (spot >= range_[0] * (1.0 - _RANGE_SLACK)) & (spot <= range_[1] * (1.0 + _RANGE_SLACK))


def snapshot_gaps(ts_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Indices of snapshots of one session that follow a gap of more than 2.5 times its usual spacing."""
    if len(ts_ns) < 4:
        return np.empty(0, dtype=np.intp)
    apart = np.diff(ts_ns)
    return np.flatnonzero(apart > 2.5 * np.median(apart)) + 1


def _dashed(date: int) -> str:
    return f"{date // 10_000}-{date // 100 % 100:02d}-{date % 100:02d}"


def _date(days: Any) -> str:
    return str(np.datetime64(int(days), "D"))

"""Whether a snapshot may be traded on. Pure.

Refused: no bid anywhere, no spot, nothing in the window (the frame is not shown at all). Stale: the same quotes under
a new timestamp (not shown: it says nothing new, and contracts that were listed in between do not hide it), or quotes
from outside the session (shown, for marks only).
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from contango_common.domain.sessions import Sessions
from contango_common.events.market import FeedState
from contango_market_data.cut import Snapshot
from contango_market_data.quality import Snapshot as Quotes
from contango_market_data.quality import stale_rows

State = Literal["live", "stale", "refused"]
_MOSTLY = 0.5  # a few old quotes among many new ones do not make a copy


@dataclass(frozen=True, slots=True)
class Verdict:
    """``changes`` holds a FeedState when the feed's worth or its reasons changed with this snapshot."""

    usable: bool
    closing: bool
    changes: tuple[FeedState, ...]


@dataclass(slots=True)
class SnapshotState:
    """Remembers the last snapshot (as the quality checks see one) and what the feed was last said to be."""

    underlying: str
    sessions: Sessions
    _said: tuple[State, tuple[str, ...]] | None = None
    _last: Quotes | None = field(default=None)

    def judge(self, snapshot: Snapshot, date: int) -> Verdict:
        quotes = _as_quality(snapshot)
        state, reasons, usable = self._worth(snapshot, quotes)
        changes: tuple[FeedState, ...] = ()
        if self._said != (state, reasons):
            self._said = (state, reasons)
            changes = (FeedState(underlying=self.underlying, state=state, reasons=reasons),)
        close_ns = self.sessions.close_of(date)
        self._last = quotes
        return Verdict(usable, close_ns is not None and snapshot.ts_ns >= close_ns, changes)

    def _worth(self, snapshot: Snapshot, quotes: Quotes) -> tuple[State, tuple[str, ...], bool]:
        refused = []
        if snapshot.spot is None:
            refused.append("no spot")
        if snapshot.spot is not None and len(snapshot.contracts["key"]) == 0:
            refused.append("no contract in the window")
        elif len(snapshot.contracts["key"]) and not np.any(snapshot.quotes["bid_ticks"] > 0):
            refused.append("no bid anywhere")
        if refused:
            return "refused", tuple(refused), False
        if self._is_copy(quotes):
            return "stale", ("same quotes under a new timestamp",), False
        if self.sessions.at(snapshot.ts_ns) is None:
            return "stale", ("outside the session",), True
        return "live", (), True

    def _is_copy(self, quotes: Quotes) -> bool:
        if self._last is None:
            return False
        quoted = int(np.count_nonzero(quotes.ask > 0))
        return stale_rows(self._last, quotes) > quoted * _MOSTLY


def _as_quality(snapshot: Snapshot) -> Quotes:
    """The snapshot as the quality checks see one; rows without a usable quote count as not quoted."""
    ask = snapshot.quotes["ask_ticks"].astype(np.float64)
    return Quotes(
        ts_ns=snapshot.ts_ns,
        key=snapshot.contracts["key"],
        expiry_days=snapshot.contracts["expiry_date"].astype(np.int64),
        bid=snapshot.quotes["bid_ticks"].astype(np.float64),
        ask=np.where(ask > 0, ask, np.nan),
    )

"""Closed trades, newest last, and what they add up to."""

from collections import deque
from typing import Any

from contango_common.events.risk import TradeClosed
from contango_gateway.seen import Handlers, Seen, usd

KEPT = 2_000
_MONEY = ("entry_net", "exit_net", "fees", "pnl", "mid_pnl", "natural_pnl", "max_loss")


class TradeView:
    """``last`` holds the newest ``KEPT``; the totals count every trade of the log."""

    def __init__(self) -> None:
        self.last: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.count = self.wins = 0
        self.pnl_micros = self.fees_micros = 0

    def on_closed(self, event: TradeClosed, seen: Seen) -> None:
        self.count += 1
        self.wins += event.pnl_micros > 0
        self.pnl_micros += event.pnl_micros
        self.fees_micros += event.fees_micros
        body = event.model_dump(mode="json")
        money = {f"{name}_usd": usd(body.pop(f"{name}_micros")) for name in _MONEY}
        self.last.append(body | money | {"closed_ns": seen.ts_ns, "seq": seen.seq})

    def totals(self) -> dict[str, Any]:
        rate = self.wins / self.count if self.count else None
        return {
            "count": self.count,
            "win_rate": rate,
            "pnl_usd": usd(self.pnl_micros),
            "fees_usd": usd(self.fees_micros),
        }


HANDLERS: Handlers = {TradeClosed: TradeView.on_closed}

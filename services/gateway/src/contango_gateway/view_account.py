"""The account's last marks and the curve of its equity: from PortfolioMarked and the broker's own snapshots."""

from collections import deque
from typing import Any

from contango_common.events.order import AccountSnapshot
from contango_common.events.risk import PortfolioMarked
from contango_gateway.seen import Handlers, Seen, usd

CURVE_POINTS = 20_000


class AccountView:
    """``marked`` is the last PortfolioMarked in USD, None before the first; ``curve`` is (ts_ns, equity in USD)."""

    def __init__(self) -> None:
        self.marked: dict[str, Any] | None = None
        self.initial_cash_usd: float | None = None
        self.curve: deque[tuple[int, float]] = deque(maxlen=CURVE_POINTS)

    def on_marked(self, event: PortfolioMarked, seen: Seen) -> None:
        self.marked = {
            "marked_ts_ns": seen.ts_ns,
            "cash_usd": usd(event.cash_micros),
            "equity_usd": usd(event.equity_micros),
            "high_water_usd": usd(event.high_water_micros),
            "drawdown_fraction": event.drawdown_fraction,
            "holdings_mid_usd": usd(event.mid_micros),
            "holdings_achievable_usd": usd(event.achievable_micros),
            "holdings_natural_usd": usd(event.natural_micros),
            "max_loss_usd": usd(event.max_loss_micros),
            "open_positions": event.open_positions,
            "stale_marks": event.stale_marks,
            "delta_spy_shares": event.delta_spy_shares,
            "gamma_spy_shares": event.gamma_spy_shares,
            "vega_usd_per_point": event.vega_usd_per_point,
            "theta_usd_per_day": event.theta_usd_per_day,
        }
        self.curve.append((seen.ts_ns, event.equity_micros / 1e6))

    def on_snapshot(self, event: AccountSnapshot, seen: Seen) -> None:
        if self.initial_cash_usd is None:
            self.initial_cash_usd = event.cash_micros / 1e6
            self.curve.append((seen.ts_ns, self.initial_cash_usd))

    def points(self, limit: int) -> list[dict[str, float]]:
        """At most ``limit`` points of the curve, evenly thinned; the last one always among them."""
        every = max(1, -(-len(self.curve) // limit))
        last = len(self.curve) - 1
        return [{"ts_ns": ts, "equity_usd": usd_} for i, (ts, usd_) in enumerate(self.curve) if (last - i) % every == 0]


HANDLERS: Handlers = {PortfolioMarked: AccountView.on_marked, AccountSnapshot: AccountView.on_snapshot}

"""Open positions: risk's own ledger, folded again from the facts with ``evolve`` alone.

There is one way in this house to book fills, settlements, assignments and foreign fills; a second one here would drift.
So the view feeds risk's ``evolve`` (never ``decide``) and reads the ledger. Facts are taken as they stand on the log,
inputs and risk's own alike: what risk has not yet said is not shown.
"""

from collections.abc import Mapping
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.blocks import Block
from contango_common.events.base import ByReference, Event
from contango_common.events.market import BarHistory
from contango_common.runtime.fold import evolve
from contango_gateway.seen import usd
from contango_risk import exits, fold
from contango_risk.state import Leg, Pending, Position


class PositionView:
    """``blocks`` holds the quotes behind frames; a frame whose quotes are not there leaves marks as they were.

    ``trouble`` says what the ledger last choked on, and when; None while it is whole.
    """

    def __init__(self, blocks: Mapping[str, Block]) -> None:
        self._blocks = blocks
        self._state = fold.initial()
        self.no_quotes: str | None = None
        self.trouble: str | None = None

    def take(self, event: Event, at: At) -> None:
        if type(event) not in fold.EVOLVE or type(event) is BarHistory:
            return
        if isinstance(event, ByReference):
            event.attach(self._blocks)
        try:
            evolve(fold, self._state, event, at)
        except Exception as error:  # noqa: BLE001  (the page is looked at when something is broken: it must stand)
            self._failed(event, at, f"{type(error).__name__}: {error}")
            return
        if isinstance(event, ByReference):
            self.no_quotes = None

    def _failed(self, event: Event, at: At, what: str) -> None:
        if isinstance(event, ByReference):
            self.no_quotes = f"message {at.seq}: {what}"
        else:
            self.trouble = f"message {at.seq}, {event.TAG}: {what}"

    def ids(self) -> list[str]:
        """Ids of the positions that are open."""
        return list(self._state.ledger.positions)

    @property
    def cash_usd(self) -> float | None:
        """Cash by the broker's facts; None before the account was funded."""
        ledger = self._state.ledger
        return ledger.cash_micros / 1e6 if ledger.funded else None

    @property
    def parameters_error(self) -> str | None:
        return self._state.params_error

    def rows(self) -> list[dict[str, Any]]:
        return [self._row(position) for position in self._state.ledger.positions.values()]

    def find(self, position_id: str) -> dict[str, Any] | None:
        position = self._state.ledger.positions.get(position_id)
        return None if position is None else self._row(position)

    def reserved(self) -> list[dict[str, Any]]:
        """Approved openings whose order is not final: their maximum loss is held back."""
        return [_reserved(pending) for pending in self._state.ledger.pending.values()]

    def _row(self, position: Position) -> dict[str, Any]:
        entry, marks = position.entry, position.marks
        pnl = exits.pnl_micros(position)
        known = marks.mid_micros is not None
        mid_pnl = position.open_cash_micros + position.close_cash_micros + (marks.mid_micros or 0)
        return {
            "position_id": entry.position_id,
            "strategy": entry.strategy,
            "kind": entry.kind,
            "underlying": entry.underlying,
            "units": position.units,
            "opened_ns": position.opened_ns,
            "expiry_ns": entry.expiry_ns,
            "dte_days": exits.dte_days(position, self._state.equity.session_date),
            "regime_at_entry": entry.regime,
            "why": entry.why,
            "limit_ticks": entry.limit_ticks,
            "entry_net_usd": usd(position.open_cash_micros),
            "closed_net_usd": usd(position.close_cash_micros),
            "fees_usd": usd(position.fees_micros),
            "max_loss_usd": usd(position.max_loss_micros),
            "marks": {
                "mid_usd": usd(marks.mid_micros),
                "achievable_usd": usd(marks.achievable_micros),
                "natural_usd": usd(marks.natural_micros),
                "marked_ns": marks.marked_ns or None,
                "stale_legs": marks.stale_legs,
                "absent": self._absent(position),
            },
            "pnl_mid_usd": usd(mid_pnl - position.fees_micros) if known else None,
            "pnl_achievable_usd": None if pnl is None else usd(pnl - position.fees_micros),
            "greeks": _greeks(position),
            "legs": [_leg(leg, entry.tick_micros) for leg in position.legs],
            "exit": _exit(position),
        }

    def _absent(self, position: Position) -> str | None:
        """Why a mark is missing or old; None when it is fresh."""
        if self.trouble is not None or self.no_quotes is not None:
            return self.trouble or self.no_quotes
        if position.marks.mid_micros is None:
            return "no quote of every leg yet"
        stale = [leg.instrument for leg in position.legs if leg.lots and leg.stale]
        return f"no usable quote of {', '.join(stale)}" if stale else None


def _leg(leg: Leg, tick_micros: int) -> dict[str, Any]:
    quoted = leg.quoted_ns > 0 and leg.is_option
    return {
        "instrument": leg.instrument,
        "ratio": leg.ratio,
        "lots": leg.lots,
        "bid_usd": leg.bid_ticks * tick_micros / 1e6 if quoted else None,
        "ask_usd": leg.ask_ticks * tick_micros / 1e6 if quoted else None,
        "quoted_ns": leg.quoted_ns or None,
        "stale": leg.stale,
        "iv_annual": leg.iv_annual,
    }


def _greeks(position: Position) -> dict[str, float] | None:
    greeks = position.greeks
    if greeks is None:
        return None
    return {
        "delta_spy_shares": greeks.delta,
        "gamma_spy_shares": greeks.gamma,
        "vega_usd_per_point": greeks.vega,
        "theta_usd_per_day": greeks.theta,
    }


def _exit(position: Position) -> dict[str, Any] | None:
    asked = position.exit
    if asked is None:
        return None
    return {"reason": asked.reason, "all_true": list(asked.all_true), "urgency": asked.urgency, "why": asked.why}


def _reserved(pending: Pending) -> dict[str, Any]:
    entry = pending.entry
    return {
        "position_id": entry.position_id,
        "strategy": entry.strategy,
        "underlying": entry.underlying,
        "quantity": entry.quantity,
        "filled": pending.filled,
        "max_loss_usd": usd(entry.unit_max_loss_micros * (entry.quantity - pending.filled)),
        "valid_until_ns": entry.valid_until_ns,
    }

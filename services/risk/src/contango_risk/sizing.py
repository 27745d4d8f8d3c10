"""How many units: the smallest of the named sizes. Nothing is ever floored up: 0 is a refusal that names its size."""

from collections.abc import Callable
from math import floor

from contango_risk.look import Look

Size = tuple[str, str, Callable[[Look], int | None]]
DISPLAYED = "displayed_size"


MOST = 1_000_000_000  # units; a size beyond it binds nobody and would not fit the log


def _ratio(budget: float, unit: float) -> int | None:
    return None if unit <= 0 else max(0, floor(min(budget / unit, MOST)))


def _risk_budget(v: Look) -> int | None:
    budget = v.state.params.risk_per_trade_fraction * v.equity_micros
    return _ratio(budget, v.entry.unit_max_loss_micros)


def _heat(v: Look) -> int | None:
    return _ratio(v.state.params.limits.heat_fraction * v.equity_micros - v.heat_micros, v.entry.unit_max_loss_micros)


def _greek(name: str, cap_of: Callable[[Look], float], whole_book: bool) -> Callable[[Look], int | None]:
    """Units until |Greek| reaches its cap; from beyond the cap only units that lead back are let through."""

    def size(v: Look) -> int | None:
        unit_greeks, book = v.entry.unit_greeks, v.book
        if not v.state.params.limits.greek_caps or unit_greeks is None or (whole_book and book is None):
            return None  # unknown Greeks are refused by a limit of their own
        unit = getattr(unit_greeks, name)
        now = getattr(book, name) if whole_book else 0.0
        cap = cap_of(v) * v.per_100k
        room = cap - now if unit > 0 else cap + now
        return _ratio(room, abs(unit))

    return size


def _displayed(v: Look) -> int | None:
    shown = v.entry.why.get(DISPLAYED)
    return None if shown is None else max(0, floor(min(shown, MOST)))


SIZES: tuple[Size, ...] = (
    ("risk_budget", "fraction of equity at risk / maximum loss of one unit", _risk_budget),
    ("heat", "what the sum of maximum losses leaves", _heat),
    ("trade_delta", "delta of this trade", _greek("delta", lambda v: v.state.params.limits.trade_delta, False)),
    ("trade_vega", "vega of this trade", _greek("vega", lambda v: v.state.params.limits.trade_vega, False)),
    ("book_delta", "delta of the book", _greek("delta", lambda v: v.state.params.limits.book_delta, True)),
    ("book_gamma", "gamma of the book", _greek("gamma", lambda v: v.state.params.limits.book_gamma, True)),
    ("book_vega", "vega of the book", _greek("vega", lambda v: v.state.params.limits.book_vega, True)),
    ("max_quantity", "units of one structure", lambda v: v.state.params.limits.max_quantity),
    ("proposal_cap", "what the proposal asked for at most", lambda v: v.entry.quantity_cap),
    ("displayed_size", "what the quotes show", _displayed),
)


def sizes(v: Look) -> dict[str, int]:
    """Every size that applies, by name."""
    return {name: size for name, _, rule in SIZES if (size := rule(v)) is not None}

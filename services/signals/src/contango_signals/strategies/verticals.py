"""Vertical spreads: two options of one right and expiry. What the four strategies of that shape share.

A credit spread sells the option nearest to the wanted delta and buys one further out; a debit spread buys the option at
the money and sells one further out. Either way the loss is bounded by the width of the strikes.
"""

from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import param
from contango_signals.chainview import Slice
from contango_signals.strategies.build import (
    Pick,
    around,
    at_strike,
    at_the_money,
    beyond,
    by_delta,
    candidate,
    distinct,
    nearest_expiry,
    net_mid,
)
from contango_signals.strategies.iron_condor import WIDTHS, sold_leg
from contango_signals.strategies.screen import Debit, Screen
from contango_signals.strategies.spec import Candidate, View


class CreditSpread(Screen):
    """Parameters of a vertical that is sold.

    A published screener wants deltas of 0.20 to 0.30 and a credit of a quarter of the width, which the usual skew
    hardly ever pays: ``delta_min=0.2, min_credit_to_width=0.25``.

    >>> CreditSpread(short_delta=0.25).short_delta
    0.25
    """

    term_allowed: tuple[str, ...] | None = param(
        ("contango", "flat"), "regimes of the term structure in which it opens: sold premium avoids backwardation"
    )
    delta_min: float = param(0.16, "absolute spot delta of the sold leg, at least", unit="delta", gt=0.0, lt=1.0)
    delta_max: float = param(0.30, "absolute spot delta of the sold leg, at most", unit="delta", gt=0.0, lt=1.0)
    short_delta: float = param(
        0.20, "absolute spot delta wanted of the sold leg", unit="delta", gt=0, lt=0.5, tune=(0.16, 0.3)
    )
    short_delta_step: float = param(0.04, "distance of the two other deltas looked at", unit="delta", ge=0, lt=0.5)
    rich_weight: float = param(
        0.005, "delta given up per half-spread that the sold leg is rich against the smile", unit="delta", ge=0, le=0.1
    )
    wing_width: dict[str, float] = param(WIDTHS, "distance of the bought leg per regime", unit="fraction of spot")
    wing_width_default: float = param(
        0.02, "distance of the bought leg where no regime is known", unit="fraction of spot", gt=0, lt=0.5
    )
    wing_width_min: float = param(
        0.01, "distance of the bought leg, at least", unit="fraction of spot", gt=0, lt=0.5, tune=(0.004, 0.03)
    )

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.delta_min <= self.short_delta <= self.delta_max:
            raise ValueError("delta_min <= short_delta <= delta_max must hold")
        return self


def credit_spreads(view: View, p: CreditSpread, is_call: bool) -> list[Candidate]:
    """One spread per wanted delta on the expiry nearest to the target, as far as it brings premium at mid."""
    s = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    if s is None:
        return []
    wanted = around(p.short_delta, p.short_delta_step)
    return distinct(_credit(view, s, p, is_call, delta, off) for off, delta in wanted)


def _credit(view: View, s: Slice, p: CreditSpread, is_call: bool, delta: float, off: float) -> Candidate | None:
    sold = sold_leg(s, is_call, delta, p.delta_min, p.delta_max, p.rich_weight)
    if sold is None:
        return None
    width = max(p.wing_width.get(view.regime or "", p.wing_width_default), p.wing_width_min) * view.spot
    strike = float(s.strike[sold])
    bought = beyond(s, is_call, strike + width if is_call else strike - width)
    if bought is None:
        return None
    legs = (Pick(1, s, bought), Pick(-1, s, sold))
    return candidate(view, "vertical", legs, off_target=off) if net_mid(view, legs) < 0.0 else None


class DebitSpread(Debit):
    """Parameters of a vertical that is bought.

    >>> DebitSpread(short_delta=0.3).short_delta
    0.3
    """

    delta_min: float = param(0.15, "absolute spot delta of the sold leg, at least", unit="delta", gt=0.0, lt=1.0)
    delta_max: float = param(0.40, "absolute spot delta of the sold leg, at most", unit="delta", gt=0.0, lt=1.0)
    short_delta: float = param(
        0.25, "absolute spot delta wanted of the sold leg", unit="delta", gt=0, lt=0.5, tune=(0.15, 0.4)
    )
    short_delta_step: float = param(0.06, "distance of the two other deltas looked at", unit="delta", ge=0, lt=0.5)
    max_debit_to_width: float = param(
        0.6, "debit at mid over the width, at most", unit="fraction", gt=0, lt=1, tune=(0.3, 0.7)
    )
    max_off_money: float = param(
        0.02, "distance of the bought strike from the forward, at most", unit="fraction", gt=0, lt=0.5
    )
    max_units: int | None = param(2, "units of one proposal, at most", unit="units", ge=1, le=10**9, tune=(1, 5))

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.delta_min <= self.short_delta <= self.delta_max:
            raise ValueError("delta_min <= short_delta <= delta_max must hold")
        return self


def debit_spreads(view: View, p: DebitSpread, is_call: bool) -> list[Candidate]:
    """One spread per wanted delta on the expiry nearest to the target, where its cost is neither none nor too much."""
    s = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    if s is None or s.forward is None:
        return []
    strike = at_the_money((s,), (is_call,), s.forward)
    if strike is None or abs(strike / s.forward - 1.0) > p.max_off_money:
        return []
    wanted = around(p.short_delta, p.short_delta_step)
    return distinct(_debit(view, s, p, is_call, strike, delta, off) for off, delta in wanted)


def _debit(
    view: View, s: Slice, p: DebitSpread, is_call: bool, strike: float, delta: float, off: float
) -> Candidate | None:
    bought = at_strike(s, is_call, strike)
    sold = by_delta(s, is_call, delta, p.delta_min, p.delta_max)
    if bought is None or sold is None:
        return None
    width = float(s.strike[sold]) - strike if is_call else strike - float(s.strike[sold])
    legs = (Pick(1, s, bought), Pick(-1, s, sold))
    debit = net_mid(view, legs)
    if not (width > 0.0 and 0.0 < debit <= p.max_debit_to_width * width):
        return None
    return candidate(view, "vertical", legs, off_target=off, why={"debit_to_width": debit / width})

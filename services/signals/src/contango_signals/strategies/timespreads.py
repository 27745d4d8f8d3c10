"""Spreads over time: an option sold, another of the same right and root bought that expires later. What they share.

The two expiries belong to one root, so that both settle in the same way. What the quotes say of the time between them
is the forward volatility,

    vol_fwd = sqrt( (vol_far²·T_far − vol_near²·T_near) / (T_far − T_near) )        annual, at the forward

and near/forward above 1 means that what is sold is rich against what stays.
"""

import math
from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import param
from contango_signals.chainview import Slice, atm_vol
from contango_signals.strategies.build import dte_of
from contango_signals.strategies.screen import Debit
from contango_signals.strategies.spec import View


class TimeSpread(Debit):
    """Where the two expiries lie.

    >>> TimeSpread().dte_target
    30
    """

    dte_min: int = param(20, "days to the first expiry, at least", unit="calendar days", ge=0, le=1000, tune=(7, 45))
    dte_max: int = param(50, "days to the first expiry, at most", unit="calendar days", ge=0, le=1000, tune=(30, 90))
    dte_target: int = param(30, "days to the first expiry wanted", unit="calendar days", ge=0, le=1000, tune=(14, 60))
    far_after_min: int = param(
        14, "days from the first expiry to the second, at least", unit="calendar days", ge=1, le=1000
    )
    far_after_max: int = param(
        70, "days from the first expiry to the second, at most", unit="calendar days", ge=1, le=1000
    )
    far_after_target: int = param(
        30, "days from the first expiry to the second wanted", unit="calendar days", ge=1, le=1000, tune=(14, 60)
    )

    @model_validator(mode="after")
    def _far_ordered(self) -> Self:
        if not self.far_after_min <= self.far_after_target <= self.far_after_max:
            raise ValueError("far_after_min <= far_after_target <= far_after_max must hold")
        return self


def later_expiry(view: View, near: Slice, p: TimeSpread) -> Slice | None:
    """The expiry of the same root nearest to the wanted distance behind ``near``; the earlier one of two."""
    found = [
        s
        for s in view.slices
        if s.forward is not None
        and s.expiry.root_index == near.expiry.root_index
        and p.far_after_min <= dte_of(view, s) - dte_of(view, near) <= p.far_after_max
    ]
    wanted = dte_of(view, near) + p.far_after_target
    return min(found, key=lambda s: (abs(dte_of(view, s) - wanted), s.t_years), default=None)


def forward_vol(near_vol: float, near_years: float, far_vol: float, far_years: float) -> float | None:
    """Volatility between two expiries; None where total variance does not rise, which leaves nothing to compare with.

    >>> round(forward_vol(0.2, 0.1, 0.2, 0.2), 12)
    0.2
    >>> round(forward_vol(0.18, 30 / 365, 0.20, 60 / 365), 6)
    0.218174
    >>> forward_vol(0.3, 0.1, 0.2, 0.2) is None
    True
    """
    between = far_vol * far_vol * far_years - near_vol * near_vol * near_years
    return math.sqrt(between / (far_years - near_years)) if between > 0.0 and far_years > near_years else None


def time_numbers(near: Slice, far: Slice) -> dict[str, float | None]:
    """Volatilities at the money of both expiries, that between them, and near over forward; None where not known."""
    near_vol, far_vol = atm_vol(near), atm_vol(far)
    between = None
    if near_vol is not None and far_vol is not None:
        between = forward_vol(near_vol, near.t_years, far_vol, far.t_years)
    return {
        "near_vol": near_vol,
        "far_vol": far_vol,
        "forward_vol": between,
        "front_over_forward": None if near_vol is None or between is None else near_vol / between,
    }

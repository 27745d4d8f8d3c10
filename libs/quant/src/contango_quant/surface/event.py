"""The variance that one scheduled event (earnings, a rate decision) adds, from options before or across it.

An expiry at T₁ that contains the event carries one trading day of event variance and ordinary variance on the rest:

    σ₁² T₁ = σ_base² (T₁ − 1/252) + v,   expected |move| = √(2/π) √v

A second expiry after it contains the same event, so the ordinary variance is what lies between the two:
σ_base² = (σ₂² T₂ − σ₁² T₁)/(T₂ − T₁).

References:
    [1] A. Dubinsky, M. Johannes, A. Kaeck, N. J. Seeger, "Option pricing of earnings announcement risks",
        Review of Financial Studies 32 (2019) 646-687.
"""

import math
from typing import NamedTuple

EVENT_YEARS = 1.0 / 252.0
MEAN_ABSOLUTE = math.sqrt(2.0 / math.pi)  # of a normal distribution, in standard deviations


class EventVariance(NamedTuple):
    """variance: of the event's log move; std: its root; expected_move: mean |log move|; base_vol: annual.

    variance, std and expected_move are None when there is no event variance, and then `reason` says why.
    """

    variance: float | None
    std: float | None
    expected_move: float | None
    base_vol: float | None
    reason: str | None


def event_variance(*, near_vol: float, near_years: float, base_vol: float) -> EventVariance:
    """The event's variance from the first expiry after it and the volatility of ordinary days.

    near_vol, base_vol: annual; near_years: years, at least 1/252. Raises ValueError naming argument and value.

    >>> found = event_variance(near_vol=0.60, near_years=10 / 365, base_vol=0.30)
    >>> round(found.std, 6), round(found.expected_move, 6)
    (0.088059, 0.070261)
    """
    for name, value in (("near_vol", near_vol), ("base_vol", base_vol)):
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"{name} must be finite and above 0, got {float(value)!r}")
    if not (math.isfinite(near_years) and near_years >= EVENT_YEARS):
        raise ValueError(f"near_years must be finite and at least 1/252, got {float(near_years)!r}")
    total, base = near_vol**2 * near_years, base_vol**2 * (near_years - EVENT_YEARS)
    variance = total - base
    if variance <= 0.0:
        reason = f"ordinary days account for {base:.6g} of a total variance of {total:.6g}"
        return EventVariance(None, None, None, float(base_vol), reason)
    std = math.sqrt(variance)
    return EventVariance(variance, std, MEAN_ABSOLUTE * std, float(base_vol), None)


def event_between(*, near_vol: float, near_years: float, far_vol: float, far_years: float) -> EventVariance:
    """The event's variance from two expiries that both contain it, the near one first.

    Vols annual, years. Raises ValueError naming argument and value, or expiries out of order.

    >>> found = event_between(near_vol=0.60, near_years=10 / 365, far_vol=0.45, far_years=38 / 365)
    >>> round(found.base_vol, 4), round(found.expected_move, 4)
    (0.3824, 0.064)
    """
    if not near_years < far_years:
        raise ValueError(f"expiries must be near before far, got {float(near_years)!r} and {float(far_years)!r}")
    if not (math.isfinite(far_vol) and far_vol > 0.0):
        raise ValueError(f"far_vol must be finite and above 0, got {float(far_vol)!r}")
    between = (far_vol**2 * far_years - near_vol**2 * near_years) / (far_years - near_years)
    if not between > 0.0:
        return EventVariance(None, None, None, None, f"variance between the expiries is {between:.6g} a year")
    return event_variance(near_vol=near_vol, near_years=near_years, base_vol=math.sqrt(between))

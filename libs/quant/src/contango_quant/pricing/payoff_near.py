"""Profit of a structure of several expiries at the near one: calendars, diagonals, double calendars.

At the near expiry the near legs are worth their payoff and every far leg its Black-Scholes value at its own volatility
and remaining time (sticky strike: the volatility is held whatever the spot). So the profit is a function of spot, but
a model's: what is read from it is only as good as the far volatilities given. `max_loss_lower_bound` in `payoff`
needs no model. A far leg of American style is worth at least as much as its European value here.

Calls in the money are valued as forward + put, and the amounts of stock so held are added before the price multiplies
them: far out, where a structure tends to a constant, the constant is not lost in rounding.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import NON_NEGATIVE, Floats, floats
from contango_quant.pricing.black import black_price
from contango_quant.pricing.payoff import Leg, extremes

TINY_SLOPE = 1e-14  # of all quantities: less is rounding of slopes that cancel


class FarLeg(NamedTuple):
    """`quantity` options (+ bought, − sold) that live on at the near expiry.

    strike: currency, at least 0; t_years: from the near expiry to this leg's own; vol: annual, at least 0, as of the
    near expiry; rate, div_yield: continuous, per year.
    """

    quantity: float
    strike: float
    is_call: bool
    t_years: float
    vol: float
    rate: float = 0.0
    div_yield: float = 0.0


@njit(cache=True, error_model="numpy")
def _profit_loop(
    spot: Floats, legs: Floats, is_call: NDArray[np.bool_], net_premium: float, tiny: float, out: Floats
) -> None:
    """legs: rows (quantity, strike, t_years, vol, discount, yield discount); near legs have t_years 0."""
    for i in range(spot.shape[0]):
        s, cash, shares, time_value = spot[i], net_premium, 0.0, 0.0
        for j in range(legs.shape[0]):
            quantity, strike, t_years, vol, df, dq = legs[j]
            forward = s * dq / df
            above = forward > strike
            if above == is_call[j]:
                held = quantity if is_call[j] else -quantity
                shares += held * dq
                cash -= held * df * strike
            if t_years > 0.0:
                time_value += quantity * black_price(forward, strike, t_years, vol, df, not above)
        out[i] = cash + time_value + (shares * s if abs(shares) > tiny else 0.0)


def profits_near(near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float, spot: ArrayLike) -> Floats:
    """Profit per unit at the near expiry for every `spot` (any shape, at least 0), with the far legs alive.

    Raises ValueError for a leg out of its domain or a spot below 0.

    >>> calendar = [Leg(-1, 100, True)], [FarLeg(1, 100, True, 0.25, 0.2)]
    >>> profits_near(*calendar, -2.0, [0.0, 90.0, 100.0, 110.0, 1e6]).round(4)
    array([-2.    , -1.2876,  1.9878, -1.0461, -2.    ])
    """
    check_near(near, far, net_premium)
    prices = floats("spot", spot, NON_NEGATIVE)
    out = np.empty(prices.shape)
    rows, is_call = _columns(near, far)
    tiny = TINY_SLOPE * float(np.abs(rows[:, 0] * rows[:, 5]).sum())
    _profit_loop(np.ascontiguousarray(prices).reshape(-1), rows, is_call, float(net_premium), tiny, out.reshape(-1))
    return out


def tail_line_near(near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float) -> tuple[float, float]:
    """(slope, intercept) of the line to which the profit tends for S → ∞: every call a forward, every put worthless.

    A slope within rounding of 0 is 0.

    >>> tail_line_near([Leg(-1, 100, True)], [FarLeg(1, 105, True, 0.25, 0.2)], 1.5)
    (0.0, -3.5)
    """
    rows, is_call = _columns(near, far)
    shares = rows[:, 0] * rows[:, 5]
    slope = math.fsum(shares[is_call])
    intercept = math.fsum([net_premium, *(-(rows[:, 0] * rows[:, 4] * rows[:, 1])[is_call])])
    return (slope if abs(slope) > TINY_SLOPE * math.fsum(np.abs(shares)) else 0.0), intercept


def kinks_near(near: Sequence[Leg], far: Sequence[FarLeg]) -> list[float]:
    """Prices where the profit may bend sharply: near strikes, and those of far legs without volatility; from 0."""
    flat = (leg for leg in far if leg.vol * math.sqrt(leg.t_years) == 0.0)
    return sorted({0.0, *(float(leg.strike) for leg in near), *(at_forward(leg) for leg in flat)})


def at_forward(leg: FarLeg) -> float:
    """The spot at which the far leg's forward is its strike.

    >>> at_forward(FarLeg(1, 100.0, True, 1.0, 0.2))
    100.0
    """
    return leg.strike * math.exp((leg.div_yield - leg.rate) * leg.t_years)


def bend_prices(far: Sequence[FarLeg], step: float) -> Floats:
    """Prices that follow every far leg's curve, `step` standard deviations apart, until it is a straight line."""
    lines = [np.empty(0)]
    for leg in far:
        s = leg.vol * math.sqrt(leg.t_years)
        if s > 0.0 and leg.strike > 0.0:
            ends = 9.0 + 0.5 * s
            z = np.linspace(-ends, ends, 2 * math.ceil(min(ends / step, 2000.0)) + 1)
            lines.append(at_forward(leg) * np.exp(np.clip(s * z, -600.0, 600.0)))
    return np.unique(np.concatenate(lines))


def check_near(near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float) -> None:
    """Raise ValueError naming a leg out of its domain."""
    extremes(near, net_premium)
    for leg in far:
        numbers = (leg.quantity, leg.strike, leg.t_years, leg.vol, leg.rate, leg.div_yield)
        if not all(math.isfinite(x) for x in numbers) or min(leg.strike, leg.t_years, leg.vol) < 0.0:
            raise ValueError(f"a far leg needs finite numbers, strike, t_years and vol at least 0, got {leg}")


def _columns(near: Sequence[Leg], far: Sequence[FarLeg]) -> tuple[Floats, NDArray[np.bool_]]:
    rows = [(float(leg.quantity), float(leg.strike), 0.0, 0.0, 1.0, 1.0) for leg in near]
    for leg in far:
        df, dq = math.exp(-leg.rate * leg.t_years), math.exp(-leg.div_yield * leg.t_years)
        rows.append((float(leg.quantity), float(leg.strike), leg.t_years, leg.vol, df, dq))
    kinds = [bool(leg.is_call) for leg in near] + [bool(leg.is_call) for leg in far]
    return np.array(rows, dtype=np.float64).reshape(-1, 6), np.array(kinds, dtype=np.bool_)

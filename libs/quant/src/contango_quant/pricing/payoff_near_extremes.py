"""Extremes and break-evens at the near expiry of a structure whose far legs are valued by a model.

The profit is smooth between kinks, on the scale of each far leg's own total volatility. It is evaluated on points that
follow every leg's curve at 1/20 of that scale, with all kinks; local extremes are refined by nested grids and joined to
the points, so that also two zeros around a shallow extreme are seen as sign changes. The lower end S = 0 is a point;
the upper tail follows by rule from the line to which the profit tends. The numbers depend on the volatilities given:
they are a model's view, not bounds (`payoff.max_loss_lower_bound` is one).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from contango_quant.broadcast import Floats
from contango_quant.pricing.payoff import Leg
from contango_quant.pricing.payoff_near import (
    FarLeg,
    bend_prices,
    check_near,
    kinks_near,
    profits_near,
    tail_line_near,
)

STEP = 0.05  # standard deviations of a far leg between points
NOISE = 2e-14  # of strikes and premium: a profit below it counts as 0
ZOOMS, ZOOM_POINTS = 8, 17
HALVINGS = 100


class ModelExtremes(NamedTuple):
    """Best and worst profit at the near expiry under the model (None: unbounded), and the spot where.

    A spot of inf: the value is approached as the price rises, not reached.
    """

    max_gain: float | None
    max_loss: float | None
    gain_spot: float | None
    loss_spot: float | None


def model_extremes_near(near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float) -> ModelExtremes:
    """Maximum gain and loss per unit at the near expiry, the far legs at their model value.

    Raises ValueError for a leg out of its domain.

    >>> calendar = [Leg(-1, 100, True)], [FarLeg(1, 100, True, 0.25, 0.2)]
    >>> best = model_extremes_near(*calendar, -2.0)
    >>> round(best.max_gain, 4), best.gain_spot, best.max_loss
    (1.9878, 100.0, 2.0)
    """
    prices, values = _curve(near, far, net_premium)
    slope, limit = tail_line_near(near, far, net_premium)
    top, bottom = int(np.argmax(values)), int(np.argmin(values))
    noise = _noise(near, far, net_premium)
    gain, gain_spot = float(values[top]), float(prices[top])
    loss, loss_spot = float(values[bottom]), float(prices[bottom])
    if slope == 0.0 and limit > gain + noise:
        gain, gain_spot = limit, math.inf
    if slope == 0.0 and limit < loss - noise:
        loss, loss_spot = limit, math.inf
    return ModelExtremes(
        max_gain=None if slope > 0.0 else gain,
        max_loss=None if slope < 0.0 else -loss,
        gain_spot=None if slope > 0.0 else gain_spot,
        loss_spot=None if slope < 0.0 else loss_spot,
    )


def model_break_evens_near(near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float) -> list[float]:
    """Spots at the near expiry where the model's profit is 0, ascending; of a stretch without profit its ends.

    >>> calendar = [Leg(-1, 100, True)], [FarLeg(1, 100, True, 0.25, 0.2)]
    >>> [round(x, 4) for x in model_break_evens_near(*calendar, -2.0)]
    [95.3411, 105.2194]
    """
    prices, values = _curve(near, far, net_premium)
    signs = np.where(np.abs(values) <= _noise(near, far, net_premium), 0, np.sign(values))
    zeros = _roots(near, far, net_premium, prices, signs)
    for i in np.flatnonzero(signs == 0):  # ends of every run; a run that goes on to infinity has no upper end
        if i == 0 or signs[i - 1] != 0 or (i < signs.size - 1 and signs[i + 1] != 0):
            zeros.append(float(prices[i]))
    slope, intercept = tail_line_near(near, far, net_premium)
    if slope * signs[-1] < 0.0:  # beyond the last point the profit is its line
        zeros.append(-intercept / slope)
    return sorted(zeros)


def model_profit_intervals_near(
    near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float
) -> list[tuple[float, float]]:
    """The open intervals of spot at the near expiry with a model profit above 0, ascending; inf: the tail.

    >>> calendar = [Leg(-1, 100, True)], [FarLeg(1, 100, True, 0.25, 0.2)]
    >>> [(round(a, 4), round(b, 4)) for a, b in model_profit_intervals_near(*calendar, -2.0)]
    [(95.3411, 105.2194)]
    """
    zeros = model_break_evens_near(near, far, net_premium)
    cuts = np.unique([0.0, *zeros])
    prices, values = _curve(near, far, net_premium)
    noise, found = _noise(near, far, net_premium), []
    slope, limit = tail_line_near(near, far, net_premium)
    for low, high in zip(cuts, [*cuts[1:], math.inf], strict=True):
        inside = values[(prices > low) & (prices < high)]
        middle = 0.5 * (low + high) if high < math.inf else 2.0 * low + 1.0
        peak = inside[np.argmax(np.abs(inside))] if inside.size else profits_near(near, far, net_premium, middle)
        if high == math.inf and (slope != 0.0 or abs(limit) > noise):
            peak = slope if slope != 0.0 else limit
        if peak > noise or (high == math.inf and slope > 0.0):
            found.append((float(low), float(high)))
    return found


def _noise(near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float) -> float:
    strikes = [abs(leg.quantity) * leg.strike for leg in near] + [abs(leg.quantity) * leg.strike for leg in far]
    return NOISE * (abs(net_premium) + sum(strikes))


def _curve(near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float) -> tuple[Floats, Floats]:
    """Ascending prices from 0, refined local extremes among them, and the profits there."""
    check_near(near, far, net_premium)
    prices = np.unique(np.concatenate([kinks_near(near, far), bend_prices(far, STEP)]))
    prices = np.append(prices, 2.0 * prices[-1] + 1.0)
    values = profits_near(near, far, net_premium, prices)
    extra = np.concatenate([_refined(near, far, net_premium, prices, sign * values, sign) for sign in (1.0, -1.0)])
    if extra.size:
        prices = np.unique(np.concatenate([prices, extra]))
        values = profits_near(near, far, net_premium, prices)
    return prices, values


def _refined(
    near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float, prices: Floats, height: Floats, sign: float
) -> Floats:
    """Places of the local maxima of `height` = sign·profit, each zoomed in between its neighbours."""
    noise = _noise(near, far, net_premium)
    left, here, right = height[:-2], height[1:-1], height[2:]
    tops = np.flatnonzero((here >= left) & (here >= right) & (here > np.minimum(left, right) + noise)) + 1
    if not tops.size:
        return np.empty(0)
    low, high = prices[tops - 1], prices[tops + 1]
    share = np.linspace(0.0, 1.0, ZOOM_POINTS)
    rows = np.arange(tops.size)
    for _ in range(ZOOMS):
        grid = low[:, None] + (high - low)[:, None] * share
        best = np.argmax(sign * profits_near(near, far, net_premium, grid), axis=1)
        low, high = grid[rows, np.maximum(best - 1, 0)], grid[rows, np.minimum(best + 1, ZOOM_POINTS - 1)]
    return np.asarray(0.5 * (low + high))


def _roots(
    near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float, prices: Floats, signs: Floats
) -> list[float]:
    """Zeros between neighbouring points of opposite sign, by halving all brackets at once."""
    at = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    low, high, left = prices[at], prices[at + 1], signs[at]
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if not at.size or np.all((middle <= low) | (middle >= high)):
            break
        same = np.sign(profits_near(near, far, net_premium, middle)) == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return [float(x) for x in 0.5 * (low + high)]

"""Expected profit at the near expiry of a structure with far legs, under a density of one's own choice.

The profit is smooth between its kinks on the scale of each far leg's total volatility. The integral over the price is
cut at the kinks, at the density's own points, and along every far leg's curve; each piece takes 8 Gauss-Legendre
points, which leaves an error about that of rounding. The far values are a model's (see `payoff_near`).
"""

import math
from collections.abc import Sequence

import numpy as np

from contango_quant.broadcast import ANY, NON_NEGATIVE, POSITIVE, Floats, floats
from contango_quant.pricing.density import Density, probability_below
from contango_quant.pricing.payoff import Leg
from contango_quant.pricing.payoff_near import FarLeg, bend_prices, kinks_near, profits_near

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(8)
STEP = 0.5  # standard deviations, of a far leg and of the lognormal
REACH = 9.0  # standard deviations: less than 1e-18 of the probability is outside


def expected_profit_near(
    near: Sequence[Leg], far: Sequence[FarLeg], net_premium: float, table: Density, *, costs: float = 0.0
) -> float:
    """Expected profit per unit at the near expiry under the table of the price then, after `costs` per unit.

    Raises ValueError for a leg or cost out of its domain.

    >>> from contango_quant.pricing.density import density
    >>> table = density(price=[80, 95, 105, 120], cdf=[0, 0.2, 0.8, 1])
    >>> round(expected_profit_near([Leg(-1, 100, True)], [FarLeg(1, 100, True, 0.25, 0.2)], -2.0, table), 6)
    0.014057
    """
    floats("costs", costs, ANY)
    cuts = np.union1d(table.price, np.concatenate([kinks_near(near, far), bend_prices(far, STEP)]))
    cuts = cuts[(cuts >= table.price[0]) & (cuts <= table.price[-1])]
    means = 0.5 * (profits_near(near, far, net_premium, _nodes(cuts)) @ WEIGHTS)
    return float(np.dot(np.diff(probability_below(table, cuts)), means)) - costs


def expected_profit_near_lognormal(
    near: Sequence[Leg],
    far: Sequence[FarLeg],
    net_premium: float,
    *,
    forward: float,
    t_years: float,
    vol: float,
    costs: float = 0.0,
) -> float:
    """Expected profit per unit at the near expiry, in `t_years` from now, under a lognormal, after `costs` per unit.

    forward: expected price at the near expiry, above 0; t_years, vol: at least 0, until then. Raises ValueError naming
    argument and value.

    >>> calendar = [Leg(-1, 100, True)], [FarLeg(1, 100, True, 0.25, 0.2)]
    >>> round(expected_profit_near_lognormal(*calendar, -2.0, forward=100.0, t_years=0.25, vol=0.2), 6)
    -0.350563
    """
    floats("costs", costs, ANY)
    forward = float(floats("forward", forward, POSITIVE))
    s = float(floats("vol", vol, NON_NEGATIVE)) * math.sqrt(float(floats("t_years", t_years, NON_NEGATIVE)))
    if s == 0.0:
        return float(profits_near(near, far, net_premium, forward)) - costs
    prices = np.concatenate([kinks_near(near, far), bend_prices(far, STEP)])
    own = np.log(prices[prices > 0.0] / forward) / s + 0.5 * s  # prices as standard deviations
    ends = -REACH, REACH + s
    regular = np.linspace(*ends, 2 * math.ceil((2.0 * REACH + s) / (2.0 * STEP)) + 1)
    cuts = np.union1d(regular, own[(own > ends[0]) & (own < ends[1])])
    z = _nodes(cuts)
    with np.errstate(under="ignore"):
        values = profits_near(near, far, net_premium, forward * np.exp(s * z - 0.5 * s * s))
        weights = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) * (0.5 * np.diff(cuts)[:, None] * WEIGHTS)
    return float(np.sum(values * weights)) - costs


def _nodes(cuts: Floats) -> Floats:
    """The Gauss-Legendre points of every piece between two cuts, (pieces, points)."""
    middle, half = 0.5 * (cuts[1:] + cuts[:-1]), 0.5 * np.diff(cuts)
    return np.asarray(middle[:, None] + half[:, None] * POINTS)

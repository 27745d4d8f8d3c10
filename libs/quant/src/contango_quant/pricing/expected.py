"""Expected profit of a structure under a density of one's own choice.

    EV = net_premium + discount · Σ quantity · E[payoff] − costs

Each leg's expected payoff is exact: for a table by the trapezium rule on its distribution function, for a lognormal
by Black's formula with the forward spot·e^(drift·t). With the density and the discount factor that priced the
structure EV is 0 before costs; a forecast that differs from the market's density is what gives it a sign. The premium
is money of today; leave `discount` at 1 to count the profit at expiry instead.
"""

import math
from collections.abc import Sequence

import numpy as np

from contango_quant.broadcast import ANY, POSITIVE, floats
from contango_quant.pricing import black
from contango_quant.pricing.density import Density, expected_call, expected_put
from contango_quant.pricing.payoff import Leg, extremes


def expected_profit(
    legs: Sequence[Leg], net_premium: float, table: Density, *, costs: float = 0.0, discount: float = 1.0
) -> float:
    """Expected profit per unit under the table, after `costs` (per unit, of opening and closing together).

    Raises ValueError for a leg, cost or discount factor out of its domain.

    >>> from contango_quant.pricing.density import density
    >>> spread = [Leg(-1, 95, False), Leg(1, 90, False)]
    >>> round(expected_profit(spread, 1.5, density(price=[80, 90, 100, 120], cdf=[0, 0.2, 0.6, 1]), costs=0.05), 10)
    -0.05
    """
    strikes, quantities, is_call = _columns(legs, net_premium)
    payoff = np.where(is_call, expected_call(table, strikes), expected_put(table, strikes))
    return _total(net_premium, quantities * payoff, costs, discount)


def expected_profit_lognormal(
    legs: Sequence[Leg],
    net_premium: float,
    *,
    forward: float,
    t_years: float,
    vol: float,
    costs: float = 0.0,
    discount: float = 1.0,
) -> float:
    """Expected profit per unit under a lognormal with expected price `forward` and volatility `vol`, after `costs`.

    forward: currency, spot·e^(drift·t_years), above 0; t_years, vol: at least 0. Raises ValueError naming argument and
    value.

    >>> straddle = [Leg(-1, 100, True), Leg(-1, 100, False)]
    >>> round(expected_profit_lognormal(straddle, 8.0, forward=100.0, t_years=0.25, vol=0.16), 6)
    1.618625
    """
    strikes, quantities, is_call = _columns(legs, net_premium)
    floats("forward", forward, POSITIVE)
    payoff = black.price(forward=forward, strike=strikes, t_years=t_years, vol=vol, discount=1.0, is_call=is_call)
    return _total(net_premium, quantities * payoff, costs, discount)


def ev_delta_binary(*, credit: float, width: float, delta: float) -> float:
    """Expected profit of a credit spread if it ended either whole or wholly lost, with P(loss) = |delta|.

        EV = credit·(1 − |delta|) − (width − credit)·|delta| = credit − width·|delta|

    Not the default, for it is wrong in one direction: prices between the strikes, where only part is lost, count as a
    full loss, and |delta| of the short strike is more than the chance to end beyond the long one. So a fairly priced
    spread always shows a loss (its credit is the mean of the probabilities over the width, below |delta|·width). Kept
    to reproduce published scores. credit, width: currency per unit, 0 ≤ credit ≤ width; delta: of the short option,
    |delta| ≤ 1. Raises ValueError otherwise.

    >>> round(ev_delta_binary(credit=1.2, width=5.0, delta=-0.25), 10)
    -0.05
    """
    if not (0.0 <= credit <= width < math.inf):
        raise ValueError(f"needs 0 <= credit <= width, got credit {float(credit)!r} and width {float(width)!r}")
    if not abs(delta) <= 1.0:
        raise ValueError(f"delta must be within [-1, 1], got {float(delta)!r}")
    return credit * (1.0 - abs(delta)) - (width - credit) * abs(delta)


def _columns(legs: Sequence[Leg], net_premium: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    extremes(legs, net_premium)  # checks the legs
    return (
        np.array([leg.strike for leg in legs], dtype=np.float64),
        np.array([leg.quantity for leg in legs], dtype=np.float64),
        np.array([leg.is_call for leg in legs], dtype=np.bool_),
    )


def _total(net_premium: float, payoffs: np.ndarray, costs: float, discount: float) -> float:
    floats("costs", costs, ANY)
    floats("discount", discount, POSITIVE)
    return math.fsum([net_premium, -costs, *(discount * payoffs)])

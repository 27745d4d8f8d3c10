"""Greeks of positions and of whole structures in the trader's units (the table in `greeks`).

One leg scales by quantity × multiplier, quantity + bought and − sold; a structure is the sum of its legs. Vol and rate
count in points (0.01), time in calendar days (1/365 year), so a second derivative in vol carries 0.01².
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import ANY, NON_NEGATIVE, Floats, floats
from contango_quant.pricing.greeks import DAYS_PER_YEAR, POINT
from contango_quant.pricing.greeks_higher import FullGreeks
from contango_quant.pricing.greeks_third import ThirdGreeks


class FullPositionGreeks(NamedTuple):
    """Trader's units, for the whole position."""

    value: Floats
    delta_shares: Floats
    gamma_shares: Floats
    vega_per_point: Floats
    theta_per_day: Floats
    rho_per_point: Floats
    vanna_shares_per_point: Floats
    volga_per_point2: Floats
    charm_shares_per_day: Floats


class ThirdPositionGreeks(NamedTuple):
    """Trader's units, for the whole position."""

    speed_shares: Floats
    zomma_shares_per_point: Floats
    color_shares_per_day: Floats
    veta_per_point_day: Floats


DAY = 1.0 / DAYS_PER_YEAR
FULL_UNITS = (1.0, 1.0, 1.0, POINT, DAY, POINT, POINT, POINT * POINT, DAY)
THIRD_UNITS = (1.0, POINT, DAY, POINT * DAY)


def full_position_greeks(greeks: FullGreeks, *, quantity: ArrayLike, multiplier: ArrayLike) -> FullPositionGreeks:
    """Trader's units of `quantity` contracts (+ bought, − sold) of `multiplier` units each, leg by leg.

    greeks: textbook units; quantity, multiplier: of shapes that broadcast with them. Raises ValueError naming argument
    and value where either is not finite or the multiplier is below 0.

    >>> one = FullGreeks(*(np.array(x) for x in (5.0, 0.5, 0.02, 20.0, -3.65, 10.0, 0.4, 30.0, -0.73)))
    >>> [round(float(x), 6) for x in full_position_greeks(one, quantity=-2, multiplier=100)[6:]]
    [-0.8, -0.6, 0.4]
    """
    units = _units(quantity, multiplier)
    return FullPositionGreeks(*(value * units * unit for value, unit in zip(greeks, FULL_UNITS, strict=True)))


def third_position_greeks(greeks: ThirdGreeks, *, quantity: ArrayLike, multiplier: ArrayLike) -> ThirdPositionGreeks:
    """Trader's units of speed, zomma, color and veta; arguments and errors of `full_position_greeks`.

    >>> one = ThirdGreeks(*(np.array(x) for x in (0.001, 0.1, 0.0365, -7.3)))
    >>> [round(float(x), 6) for x in third_position_greeks(one, quantity=1, multiplier=100)]
    [0.1, 0.1, 0.01, -0.02]
    """
    units = _units(quantity, multiplier)
    return ThirdPositionGreeks(*(value * units * unit for value, unit in zip(greeks, THIRD_UNITS, strict=True)))


def structure_greeks(greeks: FullGreeks, *, quantity: ArrayLike, multiplier: ArrayLike) -> FullPositionGreeks:
    """Trader's units of structures: the sum over the last axis, which holds the legs.

    greeks: (..., legs), textbook units; quantity: (..., legs) contracts, + bought, − sold; multiplier: units a
    contract, for all legs or leg by leg. Returns arrays of shape (...). Raises ValueError as `full_position_greeks`
    does, and where there is no axis of legs.

    >>> from contango_quant.pricing.greeks_higher import full_greeks
    >>> condor = full_greeks(spot=100.0, strike=[90.0, 95.0, 105.0, 110.0], t_years=0.1, vol=0.2, rate=0.0,
    ...                      div_yield=0.0, is_call=[False, False, True, True])
    >>> sold = structure_greeks(condor, quantity=[1, -1, -1, 1], multiplier=100)
    >>> [round(float(x), 2) for x in (sold.value, sold.vega_per_point, sold.theta_per_day)]
    [-123.49, -11.21, 3.07]
    """
    legs = full_position_greeks(greeks, quantity=quantity, multiplier=multiplier)
    if legs.value.ndim == 0:
        raise ValueError(f"greeks must have an axis of legs, got shape {legs.value.shape}")
    return FullPositionGreeks(*(np.asarray(np.sum(value, axis=-1)) for value in legs))


def _units(quantity: ArrayLike, multiplier: ArrayLike) -> Floats:
    return floats("quantity", quantity, ANY) * floats("multiplier", multiplier, NON_NEGATIVE)

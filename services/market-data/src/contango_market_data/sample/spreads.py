"""Bid and ask around a fair price: half-spreads, ticks and displayed sizes of the modelled chains.

The half-spread of an out-of-the-money option is BASE times spot at 16 delta, 45 days and a VIX of 16 (0.14–0.20 index
points at 2,000–2,900). It is more than twice that near the money, grows again in the wings, with the VIX and with depth
in the money; it shrinks near expiry. Far out it is never more than 0.05 plus 60 % of the price.
"""

import math

from contango_market_data.sample.jit import compiled

BASE = 0.7e-4
REFERENCE_VIX, VIX_POWER = 16.0, 0.75
REFERENCE_YEARS, TERM_POWER = 45.0 / 365.0, 0.3
NEAR_MONEY, NEAR_WIDTH = 1.2, 0.6
WING_SLOPE, WING_START, WING_END = 0.20, 1.2, 6.0
IN_THE_MONEY_SLOPE = 1.5


@compiled
def spread_unit(spot: float, t_years: float, vix: float) -> float:
    """Half-spread in index points at 16 delta: what moneyness then multiplies."""
    calm = min(max(math.pow(vix / REFERENCE_VIX, VIX_POWER), 0.85), 5.0)
    term = min(max(math.pow(t_years / REFERENCE_YEARS, TERM_POWER), 0.4), 1.15)
    return BASE * spot * calm * term


@compiled
def otm_half_spread(unit: float, z: float, price: float) -> float:
    """Half-spread of an out-of-the-money option at standardised moneyness ``z``, worth ``price``."""
    distance = min(abs(z), WING_END)
    near = NEAR_MONEY * math.exp(-(distance / NEAR_WIDTH) * (distance / NEAR_WIDTH))
    wing = WING_SLOPE * max(distance - WING_START, 0.0)
    return min(unit * (1.0 + near + wing), 0.05 + 0.6 * price)


@compiled
def itm_half_spread(unit: float, z: float) -> float:
    """Half-spread of an in-the-money option at standardised moneyness ``z``."""
    distance = min(abs(z), WING_END)
    near = NEAR_MONEY * math.exp(-(distance / NEAR_WIDTH) * (distance / NEAR_WIDTH))
    return unit * (1.0 + near + IN_THE_MONEY_SLOPE * distance)


@compiled
def bid_cents(price: float) -> int:
    """``price`` (index points) rounded down to its tick, in cents: 5 below 3.00, 10 above; 0 when there is no bid."""
    if price < 0.05:
        return 0
    tick = 5 if price < 3.0 else 10
    return math.floor(price * 100.0 / tick + 1e-9) * tick


@compiled
def ask_cents(price: float) -> int:
    """``price`` (index points) rounded up to its tick, in cents; at least 5."""
    tick = 5 if price <= 3.0 else 10
    return max(math.ceil(price * 100.0 / tick - 1e-9) * tick, 5)


@compiled
def mean_size(z: float, out_of_the_money: bool) -> float:
    """Mean displayed size in contracts at standardised moneyness ``z``."""
    bell = math.exp(-0.25 * z * z)
    return 8.0 + 110.0 * bell if out_of_the_money else 5.0 + 35.0 * bell

"""Quotes of one expiry at one moment: Black-76 on the surface, then spread and ticks. Compiled."""

import math

from contango_market_data.sample.jit import compiled
from contango_market_data.sample.market import Cents, Floats
from contango_market_data.sample.spreads import (
    ask_cents,
    bid_cents,
    itm_half_spread,
    otm_half_spread,
    spread_unit,
)
from contango_market_data.sample.surface import atm_total_variance, smile_factor
from contango_quant.pricing.black import black_price

CALL, PUT = 0, 1
BID, ASK = 0, 1


@compiled
def moneyness(strike: float, forward: float, variance: float) -> float:
    """ln(K/F) in standard deviations, at most 50 either way; at expiry the limit."""
    k = math.log(strike / forward)
    if k == 0.0:
        return 0.0
    return min(max(k / math.sqrt(max(variance, 1e-16)), -50.0), 50.0)


@compiled
def fair_otm(forward: float, strike: float, variance: float, discount: float) -> float:
    """Price of the out-of-the-money option of a strike; ``variance`` is the total variance at the forward."""
    z = moneyness(strike, forward, variance)
    vol = math.sqrt(variance * smile_factor(z))
    price: float = black_price(forward, strike, 1.0, vol, discount, strike >= forward)
    return price


@compiled
def quote_expiry(
    strikes: Floats, spot: float, rate: float, div_yield: float, t_years: float, level: float, vix: float, out: Cents
) -> None:
    """Fill ``out`` (strikes, call|put, bid|ask) with cents.

    The in-the-money option is the other one and parity, so that both give the same forward.
    """
    discount = math.exp(-rate * t_years)
    forward = spot * math.exp((rate - div_yield) * t_years)
    variance = atm_total_variance(t_years, level)
    unit = spread_unit(spot, t_years, vix)
    for i in range(strikes.shape[0]):
        strike = strikes[i]
        z = moneyness(strike, forward, variance)
        otm = fair_otm(forward, strike, variance, discount)
        itm = otm + discount * abs(forward - strike)
        outer, inner = (CALL, PUT) if strike >= forward else (PUT, CALL)
        narrow, wide = otm_half_spread(unit, z, otm), itm_half_spread(unit, z)
        out[i, outer, BID], out[i, outer, ASK] = bid_cents(otm - narrow), ask_cents(otm + narrow)
        out[i, inner, BID], out[i, inner, ASK] = bid_cents(itm - wide), ask_cents(itm + wide)

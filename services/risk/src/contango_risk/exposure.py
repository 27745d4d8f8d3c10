"""Portfolio Greeks in the book's units, from the frame's own quotes.

Units: delta in shares of SPY equivalents (one SPX share-delta = ``spy_equivalent`` = 10), gamma the same per 1 USD of
SPY (× 100 for SPX: both the shares and the dollar are ten times as large), vega in USD per vol point, theta in USD per
calendar day. Signs come from the signed lots alone: a sold put has negative lots and negative delta per unit, so it
*adds* delta.

The forward is S·exp((r − q)·T) where the log gave a rate and a yield, else put-call parity of the held expiry. A leg
whose mid has no implied volatility (no bid, stale, below intrinsic) keeps its last good one; a leg that never had one
takes the fitted smile's, and without a smile the position's Greeks are unknown. A stock leg has delta alone.
"""

import math

from contango_common.domain.chain import pairs_of
from contango_common.events.market import ChainFrame
from contango_quant.pricing.greeks import bsm_greeks
from contango_quant.pricing.implied import OK, implied_vol
from contango_quant.surface.forward import forward_from_parity
from contango_risk.carry import carry_to, known_carry
from contango_risk.smiles import smile_of, vol_of
from contango_risk.state import Asset, Greeks, Leg, Position, Smile

YEAR_NS = 365 * 86_400_000_000_000
_DAYS = 365.0


def expose(
    position: Position,
    frame: ChainFrame,
    asset: Asset,
    ts_ns: int,
    carries: dict[str, tuple[float, float]],
    smiles: dict[str, Smile],
) -> None:
    """Refresh implied volatilities and Greeks of a position; ``carries`` remembers (rate, yield) within one frame."""
    total = Greeks()
    known = True
    for leg in position.legs:
        if not leg.lots:
            continue
        if not leg.is_option:
            add_stock(total, leg.lots * position.entry.multiplier, asset)
            continue
        t_years = max(0.0, (leg.expiry_ns - ts_ns) / YEAR_NS)
        carry = _carry(frame, leg, asset, position.entry.tick_micros, t_years, carries)
        if carry is None:
            known = False
            continue
        _refresh_iv(leg, position.entry.tick_micros, frame.spot, t_years, carry, ts_ns)
        iv_annual = leg.iv_annual if leg.iv_annual is not None else _iv_of_smile(smiles, leg)
        if iv_annual is None:
            known = False
            continue
        units = leg.lots * position.entry.multiplier
        add_leg(total, units, frame.spot, leg, iv_annual, t_years, carry, asset.spy_equivalent)
    position.greeks = total if known else None


def _iv_of_smile(smiles: dict[str, Smile], leg: Leg) -> float | None:
    smile = smile_of(smiles, leg)
    return None if smile is None else vol_of(smile, leg)


def add_leg(
    total: Greeks,
    units: float,
    spot: float,
    leg: Leg,
    iv_annual: float,
    t_years: float,
    carry: tuple[float, float],
    spy_equivalent: float,
) -> None:
    """Add ``units`` (lots × multiplier, signed) of one option to ``total``."""
    rate, div_yield = carry
    _, delta, gamma, vega, theta, _ = bsm_greeks(
        spot, leg.strike_millis / 1000.0, t_years, iv_annual, rate, div_yield, leg.is_call
    )
    total.delta += units * delta * spy_equivalent
    total.gamma += units * gamma * spy_equivalent * spy_equivalent
    total.vega += units * vega * 0.01
    total.theta += units * theta / _DAYS


def add_stock(total: Greeks, units: float, asset: Asset) -> None:
    """Add ``units`` (lots × multiplier, signed) of a stock or spot asset to ``total``: delta alone."""
    total.delta += units * asset.lot_micros / 1e6 * asset.spy_equivalent


def spot_greeks(position: Position, asset: Asset) -> Greeks:
    """Greeks of a stock or spot holding."""
    total = Greeks()
    add_stock(total, position.legs[0].lots * position.entry.multiplier, asset)
    return total


def sum_greeks(positions: list[Position]) -> Greeks | None:
    """Of the book; None when one position's are unknown."""
    total = Greeks()
    for position in positions:
        if position.greeks is None:
            return None
        add_scaled(total, position.greeks, 1)
    return total


def add_scaled(total: Greeks, part: Greeks, times: float) -> None:
    total.delta += part.delta * times
    total.gamma += part.gamma * times
    total.vega += part.vega * times
    total.theta += part.theta * times


def _refresh_iv(
    leg: Leg, tick_micros: int, spot: float, t_years: float, carry: tuple[float, float], ts_ns: int
) -> None:
    if leg.stale or leg.bid_ticks <= 0 or t_years <= 0.0:
        return
    rate, div_yield = carry
    mid = (leg.bid_ticks + leg.ask_ticks) * tick_micros / 2e6
    forward = spot * math.exp((rate - div_yield) * t_years)
    vol, status = implied_vol(mid, forward, leg.strike_millis / 1000.0, t_years, math.exp(-rate * t_years), leg.is_call)
    if status == OK:
        leg.iv_annual, leg.iv_ns = vol, ts_ns


def _carry(
    frame: ChainFrame,
    leg: Leg,
    asset: Asset,
    tick_micros: int,
    t_years: float,
    carries: dict[str, tuple[float, float]],
) -> tuple[float, float] | None:
    given = known_carry(asset)
    if given is not None:
        return given
    if t_years <= 0.0:
        return 0.0, 0.0
    key = f"{leg.root}:{leg.expiry_date}"
    if key not in carries:
        forward = _parity_forward(frame, leg, tick_micros, math.exp(-(asset.rate_annual or 0.0) * t_years))
        found = carry_to(forward, frame.spot, asset, t_years)
        if found is None:
            return None
        carries[key] = found
    return carries[key]


def _parity_forward(frame: ChainFrame, leg: Leg, tick_micros: int, discount: float) -> float | None:
    if leg.root not in frame.roots:
        return None
    contracts, quotes = frame.contract_columns(), frame.quote_columns()
    strike_millis, calls, puts = pairs_of(contracts, frame.roots.index(leg.root), leg.expiry_date)
    tick, bid, ask = tick_micros / 1e6, quotes["bid_ticks"], quotes["ask_ticks"]
    fit = forward_from_parity(
        strike=strike_millis / 1000.0,
        call_bid=bid[calls] * tick,
        call_ask=ask[calls] * tick,
        put_bid=bid[puts] * tick,
        put_ask=ask[puts] * tick,
        discount=discount,
    )
    return fit.value

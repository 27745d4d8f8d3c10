"""Greeks of one unit of a proposal, from what its *why* says of the chain that risk no longer holds.

Either the four Greeks themselves (``unit_delta_spy_shares``, ``unit_gamma_spy_shares``, ``unit_vega_usd_per_point``,
``unit_theta_usd_per_day``), or the volatilities of the sold put and call (``short_put_vol``, ``short_call_vol``), with
which every leg of that right is priced. Neither: the Greeks are unknown, and nothing is made up.
"""

import math

from contango_risk.exposure import YEAR_NS, add_leg
from contango_risk.ledger import leg_of
from contango_risk.state import Asset, Entry, Greeks

Why = dict[str, float | None]
_KEYS = ("unit_delta_spy_shares", "unit_gamma_spy_shares", "unit_vega_usd_per_point", "unit_theta_usd_per_day")


def unit_greeks(entry: Entry, asset: Asset | None, ts_ns: int) -> Greeks | None:
    """Greeks of one unit in the book's units; None when they cannot be known."""
    given = [entry.why.get(key) for key in _KEYS]
    numbers = [value for value in given if value is not None]
    if len(numbers) == len(_KEYS):
        return Greeks(*numbers)
    if asset is None:
        return None
    if entry.expiry_ns is None:
        units = sum(entry.ratios) * entry.multiplier * asset.lot_micros / 1e6
        return Greeks(delta=units * asset.spy_equivalent)
    return _from_vols(entry, asset, max(0.0, (entry.expiry_ns - ts_ns) / YEAR_NS))


def _from_vols(entry: Entry, asset: Asset, t_years: float) -> Greeks | None:
    spot = asset.price
    carry = None if spot is None else _carry(entry.why.get("forward"), spot, asset, t_years)
    if spot is None or carry is None or t_years <= 0.0:
        return None
    total = Greeks()
    for instrument, ratio in zip(entry.instruments, entry.ratios, strict=True):
        leg = leg_of(instrument, ratio)
        vol = entry.why.get("short_call_vol" if leg.is_call else "short_put_vol")
        if vol is None or vol <= 0.0:
            return None
        add_leg(total, ratio * entry.multiplier, spot, leg, vol, t_years, carry, asset.spy_equivalent)
    return total


def _carry(forward: float | None, spot: float, asset: Asset, t_years: float) -> tuple[float, float] | None:
    rate, div_yield = asset.rate_annual, asset.div_yield_annual
    if rate is not None and div_yield is not None:
        return rate, div_yield
    if forward is None or forward <= 0.0 or t_years <= 0.0:
        return None
    rate = rate or 0.0
    return rate, rate - math.log(forward / spot) / t_years

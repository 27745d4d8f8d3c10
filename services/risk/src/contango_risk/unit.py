"""Greeks of one unit of a proposal, which is judged before risk holds a quote of it.

Either the four Greeks that its *why* gives (``unit_delta_spy_shares``, ``unit_gamma_spy_shares``,
``unit_vega_usd_per_point``, ``unit_theta_usd_per_day``); or every leg's volatility and forward from the smile fitted
to its expiry; or the volatilities of the sold put and call (``short_put_vol``, ``short_call_vol``), with which every
leg of that right is priced. Otherwise the Greeks are unknown, and nothing is made up. A stock leg has delta alone.
"""

from contango_risk.carry import carry_to, known_carry
from contango_risk.exposure import YEAR_NS, add_leg, add_stock
from contango_risk.ledger import leg_of
from contango_risk.smiles import smile_of, vol_of
from contango_risk.state import Asset, Entry, Greeks, Leg, Smile

_KEYS = ("unit_delta_spy_shares", "unit_gamma_spy_shares", "unit_vega_usd_per_point", "unit_theta_usd_per_day")
Priced = tuple[Leg, float, float, float | None]  # leg, its volatility, years to its expiry, the forward there


def unit_greeks(entry: Entry, asset: Asset | None, smiles: dict[str, Smile], ts_ns: int) -> Greeks | None:
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
    legs = [leg_of(name, ratio) for name, ratio in zip(entry.instruments, entry.ratios, strict=True)]
    options, t_years = [leg for leg in legs if leg.is_option], max(0.0, entry.expiry_ns - ts_ns) / YEAR_NS
    priced = _by_smile(options, smiles, ts_ns) or _by_sold_legs(options, entry, t_years)
    total = None if priced is None else _sum(priced, entry.multiplier, asset)
    if total is not None:
        add_stock(total, sum(leg.ratio for leg in legs if not leg.is_option) * entry.multiplier, asset)
    return total


def _by_smile(legs: list[Leg], smiles: dict[str, Smile], ts_ns: int) -> list[Priced] | None:
    found: list[Priced] = []
    for leg in legs:
        smile = smile_of(smiles, leg)
        vol = None if smile is None else vol_of(smile, leg)
        if smile is None or vol is None:
            return None
        found.append((leg, vol, (smile.expiry_ns - ts_ns) / YEAR_NS, smile.forward))
    return found


def _by_sold_legs(legs: list[Leg], entry: Entry, t_years: float) -> list[Priced] | None:
    found: list[Priced] = []
    for leg in legs:
        vol = entry.why.get("short_call_vol" if leg.is_call else "short_put_vol")
        if vol is None or vol <= 0.0:
            return None
        found.append((leg, vol, t_years, entry.why.get("forward")))
    return found


def _sum(priced: list[Priced], multiplier: int, asset: Asset) -> Greeks | None:
    """``lots`` of a leg are its ratio here: one unit."""
    total, spot = Greeks(), asset.price
    for leg, vol, t_years, forward in priced:
        if spot is None or t_years <= 0.0:
            return None
        carry = known_carry(asset) or carry_to(forward, spot, asset, t_years)
        if carry is None:
            return None
        add_leg(total, leg.ratio * multiplier, spot, leg, vol, t_years, carry, asset.spy_equivalent)
    return total

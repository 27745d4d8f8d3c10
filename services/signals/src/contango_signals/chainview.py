"""A chain frame seen by expiry: mids, forward by parity, smile, implied volatilities and deltas as columns. Pure.

European formulas throughout; for American roots volatilities and deltas of out-of-the-money options are good to about
the early-exercise premium. Rows that are crossed, without a bid or without a usable quote are not usable. Where a
number does not exist the column holds nan; nothing here is a fact.

A delta comes from the fitted smile, which knows the neighbours of a strike; without a smile from the quote's own
volatility.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_common.domain.blocks import Block
from contango_quant.pricing.greeks import bsm_greeks, carry_from_forward, greeks
from contango_quant.pricing.implied import implied
from contango_quant.surface.curve import OK, STATUS_NAMES, Smile
from contango_quant.surface.forward import forward_from_parity
from contango_quant.surface.smile import fit_smile, vols_of

YEAR_NS = 365 * 86_400_000_000_000
Column = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Expiry:
    """One root and expiry of a frame; ``rows`` are positions in the frame's blocks."""

    root_index: int
    expiry_date: int
    expiry_ns: int
    last_trade_ns: int
    rows: Column


@dataclass(frozen=True)
class Slice:
    """One expiry's usable rows as columns of equal length, sorted by strike; prices in currency, vol annual.

    ``reason`` says why there is no forward, or no smile. ``vol`` and ``delta`` (spot delta) are of what is out of the
    money and computed when they are asked for: a scan looks into few of the expiries that it fits.
    """

    expiry: Expiry
    rows: Column
    strike: Column
    is_call: Column
    bid_ticks: Column
    ask_ticks: Column
    t_years: float
    discount: float
    mid: Column
    spot: float
    forward: float | None
    smile: Smile | None
    reason: str | None

    @cached_property
    def _vol_delta(self) -> tuple[Column, Column]:
        if self.forward is None:
            return np.full(len(self.rows), math.nan), np.full(len(self.rows), math.nan)
        return _vol_delta(
            self.mid, self.strike, self.is_call, self.spot, self.forward, self.t_years, self.discount, self.smile
        )

    @property
    def vol(self) -> Column:
        return self._vol_delta[0]

    @property
    def delta(self) -> Column:
        return self._vol_delta[1]


def expiries(contracts: Block) -> list[Expiry]:
    """Every root and expiry that the frame lists, nearest first."""
    if not len(contracts["key"]):
        return []
    group = contracts["key"] >> 33
    order = np.argsort(group, kind="stable")
    edges = np.flatnonzero(np.diff(group[order])) + 1
    found = [_expiry(contracts, rows) for rows in np.split(order, edges)]
    return sorted(found, key=lambda e: (e.expiry_ns, e.root_index))


def _expiry(contracts: Block, rows: Column) -> Expiry:
    first = int(rows[0])
    names = ("root", "expiry_date", "expiry_ns", "last_trade_ns")
    root, date, expiry_ns, last_trade_ns = (int(contracts[name][first]) for name in names)
    return Expiry(root, date, expiry_ns, last_trade_ns, rows)


def slice_of(
    expiry: Expiry, contracts: Block, quotes: Block, *, spot: float, now_ns: int, tick_micros: int, rate_annual: float
) -> Slice:
    """The usable quotes of one expiry with forward and smile."""
    bid, ask = quotes["bid_ticks"][expiry.rows], quotes["ask_ticks"][expiry.rows]
    rows = expiry.rows[(bid > 0) & (ask >= bid)]
    bid, ask = (quotes[name][rows].astype(np.int64) for name in ("bid_ticks", "ask_ticks"))
    strike = contracts["strike_millis"][rows] / 1000.0
    is_call = contracts["is_call"][rows] != 0
    t_years = (expiry.expiry_ns - now_ns) / YEAR_NS
    discount = math.exp(-rate_annual * t_years)
    tick = tick_micros / 1e6
    forward, reason = _forward(strike, is_call, bid * tick, ask * tick, discount) if t_years > 0 else (None, "expired")
    smile = None
    if forward is not None:
        smile, reason = _smile(strike, is_call, bid * tick, ask * tick, t_years, forward, discount)
    mid = 0.5 * (bid + ask) * tick
    return Slice(expiry, rows, strike, is_call, bid, ask, t_years, discount, mid, spot, forward, smile, reason)


def _smile(
    strike: Column, is_call: Column, bid: Column, ask: Column, t_years: float, forward: float, discount: float
) -> tuple[Smile | None, str | None]:
    smile = fit_smile(
        strike=strike, is_call=is_call, bid=bid, ask=ask, t_years=t_years, forward=forward, discount=discount
    )
    if smile.status == OK and all(map(math.isfinite, smile)):
        return smile, None
    return None, f"smile of {int(smile.quotes)} quotes: {STATUS_NAMES[int(smile.status)]}"


def _forward(
    strike: Column, is_call: Column, bid: Column, ask: Column, discount: float
) -> tuple[float | None, str | None]:
    common, call, put = np.intersect1d(strike[is_call], strike[~is_call], assume_unique=True, return_indices=True)
    fit = forward_from_parity(
        strike=common,
        call_bid=bid[is_call][call],
        call_ask=ask[is_call][call],
        put_bid=bid[~is_call][put],
        put_ask=ask[~is_call][put],
        discount=discount,
    )
    return fit.value, fit.reason


def _vol_delta(
    mid: Column,
    strike: Column,
    is_call: Column,
    spot: float,
    forward: float,
    t_years: float,
    discount: float,
    smile: Smile | None,
) -> tuple[Column, Column]:
    outside = np.flatnonzero(np.where(is_call, strike >= forward, strike < forward))
    vol, delta = np.full(len(mid), math.nan), np.full(len(mid), math.nan)
    if not len(outside):
        return vol, delta
    args: dict[str, Any] = {"strike": strike[outside], "t_years": t_years, "is_call": is_call[outside]}
    solved = implied(price=mid[outside], forward=forward, discount=discount, **args).vol
    good = np.isfinite(solved)
    where = outside[good]
    rate, div_yield = carry_from_forward(spot, forward, discount, t_years)
    args = {"strike": strike[where], "t_years": t_years, "is_call": is_call[where]}
    vol[where] = solved[good]
    model = vol[where] if smile is None else vols_of(smile, strike[where]).vol
    delta[where] = greeks(spot=spot, vol=model, rate=rate, div_yield=div_yield, **args).delta
    return vol, delta


def atm_vol(s: Slice) -> float | None:
    """Volatility at the forward: the smile's; without one total variance between the nearest strikes on both sides."""
    if s.forward is None:
        return None
    if s.smile is not None:
        return float(vols_of(s.smile, s.forward).vol)
    known = np.flatnonzero(np.isfinite(s.vol))
    below, above = known[s.strike[known] < s.forward], known[s.strike[known] >= s.forward]
    if not len(below) or not len(above):
        return None
    low, high = below[np.argmax(s.strike[below])], above[np.argmin(s.strike[above])]
    x0, x1 = math.log(s.strike[low] / s.forward), math.log(s.strike[high] / s.forward)
    weight = -x0 / (x1 - x0)
    return float(math.sqrt((1.0 - weight) * s.vol[low] ** 2 + weight * s.vol[high] ** 2))


def smile_greeks(s: Slice, strike: float, is_call: bool) -> tuple[float, float, float, float] | None:
    """(delta, gamma, vega, theta) of one option at the smile's volatility, in or out of the money; theta a year, vega
    for a change of 1. None without a smile or a forward."""
    if s.smile is None or s.forward is None or s.t_years <= 0.0:
        return None
    rate, div_yield = carry_from_forward(s.spot, s.forward, s.discount, s.t_years)
    vol = float(vols_of(s.smile, strike).vol)
    _, delta, gamma, vega, theta, _ = bsm_greeks(s.spot, strike, s.t_years, vol, rate, div_yield, is_call)
    return float(delta), float(gamma), float(vega), float(theta)

"""Features: streaming kernels stepped on closed bars only, and the volatility index with its rank.

Everything one bar changes is one compiled call. What is not ready is nan inside the arrays here and becomes None at
the border (``defined``); no fact ever carries a nan.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from contango_common.domain.arrays import Array
from contango_common.domain.blocks import Block
from contango_quant.stream import adx, atr, ema, rank, realised_vol, rsi, sma
from contango_signals.params import SignalsParams

INTRADAY = ("ema_fast", "ema_slow", "sma", "rsi", "atr", "adx", "plus_di", "minus_di", "realised_vol_annual")
DAILY = ("daily_adx", "daily_sma", "daily_atr", "daily_realised_vol_annual")


def defined(value: float) -> float | None:
    """The number, or None where it is nan (not ready)."""
    return None if value != value else float(value)


@dataclass(slots=True)
class IntradayBank:
    """Kernels on intraday bars; ``values`` in the order of ``INTRADAY``."""

    ema_fast: Array
    ema_slow: Array
    sma: Array
    rsi: Array
    atr: Array
    adx: Array
    vol: Array
    values: Array


@dataclass(slots=True)
class DailyBank:
    """Kernels on daily bars; ``values`` in the order of ``DAILY``."""

    adx: Array
    sma: Array
    atr: Array
    vol: Array
    values: Array


@dataclass(slots=True)
class SymbolFeatures:
    """One symbol's kernels. Instants are those of the last bar taken in (0: none)."""

    intraday: IntradayBank
    daily: DailyBank
    bar_ns: int = 0
    daily_ns: int = 0
    close: float | None = None
    daily_close: float | None = None
    daily_adx: float | None = None
    daily_sma: float | None = None
    row_ns: int = 0


@dataclass(slots=True)
class VolIndex:
    """The volatility index in points: latest close, last daily close, and its daily closes' rank."""

    rank: Array
    close: float | None = None
    close_ns: int = 0
    daily_close: float | None = None
    daily_ns: int = 0


def new_symbol(p: SignalsParams) -> SymbolFeatures:
    intraday = IntradayBank(
        ema_fast=ema.init(ema.Params(p.ema_fast)),
        ema_slow=ema.init(ema.Params(p.ema_slow)),
        sma=sma.init(sma.Params(p.sma)),
        rsi=rsi.init(rsi.Params(p.rsi)),
        atr=atr.init(atr.Params(p.atr)),
        adx=adx.init(adx.Params(p.adx)),
        vol=realised_vol.init(realised_vol.Params(p.vol_window, p.bars_per_year)),
        values=np.full(len(INTRADAY), math.nan),
    )
    daily = DailyBank(
        adx=adx.init(adx.Params(p.daily_adx)),
        sma=sma.init(sma.Params(p.daily_sma)),
        atr=atr.init(atr.Params(p.daily_atr)),
        vol=realised_vol.init(realised_vol.Params(p.daily_vol_window, float(p.sessions_per_year))),
        values=np.full(len(DAILY), math.nan),
    )
    return SymbolFeatures(intraday, daily)


def new_vol_index(p: SignalsParams) -> VolIndex:
    return VolIndex(rank.init(rank.Params(p.iv_rank_window_sessions, p.iv_rank_min_sessions)))


@njit(cache=True)
def _step_intraday(e1, e2, s, r, a, x, v, out, high, low, close):  # type: ignore[no-untyped-def]
    out[0] = ema.step(e1, close)
    out[1] = ema.step(e2, close)
    out[2] = sma.step(s, close)
    out[3] = rsi.step(r, close)
    out[4] = atr.step(a, high, low, close)
    out[5], out[6], out[7] = adx.step(x, high, low, close)
    out[8] = realised_vol.step(v, close)


@njit(cache=True)
def _step_daily(x, s, a, v, out, high, low, close):  # type: ignore[no-untyped-def]
    out[0], _, _ = adx.step(x, high, low, close)
    out[1] = sma.step(s, close)
    out[2] = atr.step(a, high, low, close)
    out[3] = realised_vol.step(v, close)


@njit(cache=True)
def _fold_intraday(e1, e2, s, r, a, x, v, out, high, low, close):  # type: ignore[no-untyped-def]
    for i in range(close.shape[0]):
        _step_intraday(e1, e2, s, r, a, x, v, out, high[i], low[i], close[i])


@njit(cache=True)
def _fold_daily(x, s, a, v, out, high, low, close):  # type: ignore[no-untyped-def]
    for i in range(close.shape[0]):
        _step_daily(x, s, a, v, out, high[i], low[i], close[i])


@njit(cache=True)
def _fold_rank(state, close):  # type: ignore[no-untyped-def]
    for i in range(close.shape[0]):
        rank.step(state, close[i])


def take_bar(f: SymbolFeatures, high: float, low: float, close: float, ts_ns: int) -> None:
    """One closed intraday bar; one that is not newer than the last is not taken twice."""
    if ts_ns <= f.bar_ns:
        return
    b = f.intraday
    _step_intraday(b.ema_fast, b.ema_slow, b.sma, b.rsi, b.atr, b.adx, b.vol, b.values, high, low, close)
    f.bar_ns, f.close = ts_ns, close


def take_daily(f: SymbolFeatures, high: float, low: float, close: float, ts_ns: int) -> None:
    """One closed daily bar."""
    if ts_ns <= f.daily_ns:
        return
    b = f.daily
    _step_daily(b.adx, b.sma, b.atr, b.vol, b.values, high, low, close)
    _note_daily(f, close, ts_ns)


def _note_daily(f: SymbolFeatures, close: float, ts_ns: int) -> None:
    f.daily_ns, f.daily_close = ts_ns, close
    f.daily_adx, f.daily_sma = defined(f.daily.values[0]), defined(f.daily.values[1])


def take_history(f: SymbolFeatures, bars: Block, daily: bool) -> None:
    """Bars before the first frame, through the very same steps; those already taken in are left out."""
    last_ns = f.daily_ns if daily else f.bar_ns
    rows = np.flatnonzero(np.asarray(bars["ts_ns"]) > last_ns)
    if not len(rows):
        return
    high, low, close = (np.ascontiguousarray(bars[name][rows], dtype=np.float64) for name in ("high", "low", "close"))
    ts_ns = int(bars["ts_ns"][rows[-1]])
    if daily:
        d = f.daily
        _fold_daily(d.adx, d.sma, d.atr, d.vol, d.values, high, low, close)
        _note_daily(f, float(close[-1]), ts_ns)
        return
    b = f.intraday
    _fold_intraday(b.ema_fast, b.ema_slow, b.sma, b.rsi, b.atr, b.adx, b.vol, b.values, high, low, close)
    f.bar_ns, f.close = ts_ns, float(close[-1])


def take_vol_close(v: VolIndex, close: float, ts_ns: int) -> None:
    """An intraday close of the index."""
    if ts_ns > v.close_ns:
        v.close, v.close_ns = close, ts_ns


def take_vol_daily(v: VolIndex, close: float, ts_ns: int) -> None:
    """A daily close of the index: it enters the window of the rank."""
    if ts_ns > v.daily_ns:
        rank.step(v.rank, close)
        v.daily_close, v.daily_ns = close, ts_ns
        if ts_ns >= v.close_ns:
            v.close, v.close_ns = close, ts_ns


def take_vol_history(v: VolIndex, bars: Block) -> None:
    rows = np.flatnonzero(np.asarray(bars["ts_ns"]) > v.daily_ns)
    if not len(rows):
        return
    close = np.ascontiguousarray(bars["close"][rows], dtype=np.float64)
    _fold_rank(v.rank, close)
    v.daily_close, v.daily_ns = float(close[-1]), int(bars["ts_ns"][rows[-1]])
    if v.daily_ns >= v.close_ns:
        v.close, v.close_ns = v.daily_close, v.daily_ns


@dataclass(frozen=True, slots=True)
class IvRank:
    """Rank and percentile in [0, 100], None while the history is short; ``count`` samples are there."""

    rank: float | None
    percentile: float | None
    count: int


def iv_rank(v: VolIndex) -> IvRank:
    """Where the index stands now among its daily closes; the window's newest value is the current one."""
    if v.close is None:
        return IvRank(None, None, int(v.rank["count"][0]))
    window = v.rank.copy()
    if v.daily_ns >= v.close_ns:  # the current value is the daily close that the window already ends with
        window["count"] -= 1
    at, percentile = rank.step(window, v.close)
    return IvRank(defined(at), defined(percentile), int(min(window["count"][0], window["window"][0])))


def feature_values(f: SymbolFeatures, v: VolIndex, p: SignalsParams) -> dict[str, float | None]:
    """Every feature by name; None where it is not ready."""
    values: dict[str, Any] = dict(zip(INTRADAY, (defined(x) for x in f.intraday.values.tolist()), strict=True))
    values.update(zip(DAILY, (defined(x) for x in f.daily.values.tolist()), strict=True))
    place, window = iv_rank(v), p.iv_rank_window_sessions
    values["close"], values["vol_index"] = f.close, v.close
    values[f"iv_rank_{window}"], values[f"iv_pctl_{window}"] = place.rank, place.percentile
    values["iv_rank_count"] = float(place.count)
    return values

"""The full bank: every indicator of one symbol and timeframe as one kernel, stepped by one compiled call a bar.

Its record holds the records of the single kernels, so each value is the single kernel's own, bit for bit, and a changed
window changes its own outputs alone. `volume` may be nan where there is none: then vwap, obv, cmf and rvol are not
stepped and stay nan, and everything else goes on. `session` is a number that names the session (vwap begins anew with
it).

`step` writes the values into `out` (len(OUTPUTS),) and returns the first of them; a bar that is not finite, not above 0
or not high ≥ low is rejected and makes every value of that bar nan.

>>> import numpy as np
>>> from contango_quant.stream import bank
>>> state, out = bank.init(bank.Params(ema_fast=2)), np.empty(len(bank.OUTPUTS))
>>> for close in (10.0, 11.0, 10.5):
...     _ = bank.step(state, close, close + 1, close - 1, close, 100.0, 1.0, out)
>>> dict(zip(bank.OUTPUTS, out.tolist()))["ema_fast"]
10.5
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from contango_quant.stream import (
    adx,
    atr,
    bollinger,
    cmf,
    ema,
    kernel,
    macd,
    obv,
    psar,
    range_vol,
    rank,
    realised_vol,
    rsi,
    rvol,
    sma,
    squeeze,
    stoch_rsi,
    stochastic,
    vwap,
)

INPUTS = ("open", "high", "low", "close", "volume", "session")
OUTPUTS = (
    "close",
    "ema_fast",
    "ema_slow",
    "sma",
    "sma_long",
    "sma_distance",
    "rsi",
    "macd",
    "macd_signal",
    "macd_hist",
    "bb_position",
    "bb_position_clipped",
    "bb_width",
    "bb_width_mean",
    "bb_middle",
    "atr",
    "atr_percent",
    "atr_pctl",
    "adx",
    "plus_di",
    "minus_di",
    "stoch_k",
    "stoch_d",
    "stoch_rsi",
    "psar",
    "psar_distance",
    "vwap",
    "obv",
    "cmf",
    "rvol",
    "squeeze_ratio",
    "squeeze_on",
    "realised_vol",
    "parkinson_vol",
    "garman_klass_vol",
    "rogers_satchell_vol",
    "return_1",
    "momentum",
)


@dataclass(frozen=True, slots=True)
class Params:
    """Windows in bars; atr_rank_window: bars that the ATR's percentile looks at (all of them are needed)."""

    ema_fast: int = 10
    ema_slow: int = 20
    sma: int = 20
    sma_long: int = 200
    rsi: int = 14
    macd_fast: int = 12
    macd_slow: int = 26
    macd_signal: int = 9
    bollinger: int = 20
    bollinger_width: float = 2.0
    atr: int = 14
    atr_rank_window: int = 720
    adx: int = 14
    stochastic: int = 14
    cmf: int = 20
    rvol: int = 20
    vol_window: int = 20
    momentum: int = 20
    periods_per_year: float = 252.0

    def __post_init__(self) -> None:
        kernel.check_window(self.momentum)
        _parts(self)  # each checks its own


def _parts(p: Params) -> dict[str, tuple[Any, Any]]:
    """Field → (kernel, its parameters)."""
    return {
        "ema_fast": (ema, ema.Params(p.ema_fast)),
        "ema_slow": (ema, ema.Params(p.ema_slow)),
        "sma": (sma, sma.Params(p.sma)),
        "sma_long": (sma, sma.Params(p.sma_long)),
        "rsi": (rsi, rsi.Params(p.rsi)),
        "macd": (macd, macd.Params(p.macd_fast, p.macd_slow, p.macd_signal)),
        "bollinger": (bollinger, bollinger.Params(p.bollinger, p.bollinger_width)),
        "width_mean": (sma, sma.Params(p.bollinger)),
        "atr": (atr, atr.Params(p.atr)),
        "atr_rank": (rank, rank.Params(p.atr_rank_window, p.atr_rank_window)),
        "adx": (adx, adx.Params(p.adx)),
        "stochastic": (stochastic, stochastic.Params(p.stochastic)),
        "stoch_rsi": (stoch_rsi, stoch_rsi.Params(p.rsi, p.stochastic)),
        "psar": (psar, psar.Params()),
        "vwap": (vwap, vwap.Params()),
        "obv": (obv, obv.Params()),
        "cmf": (cmf, cmf.Params(p.cmf)),
        "rvol": (rvol, rvol.Params(p.rvol)),
        "squeeze": (squeeze, squeeze.Params(p.bollinger)),
        "realised_vol": (realised_vol, realised_vol.Params(p.vol_window, p.periods_per_year)),
        "range_vol": (range_vol, range_vol.Params()),
        "parkinson": (sma, sma.Params(p.vol_window)),
        "garman_klass": (sma, sma.Params(p.vol_window)),
        "rogers_satchell": (sma, sma.Params(p.vol_window)),
    }


def WARM_UP(params: Params) -> int:
    """Bars after which every output that has its inputs is defined."""
    return max(k.WARM_UP(p) for k, p in _parts(params).values()) + params.atr + params.bollinger


def state_dtype(params: Params) -> np.dtype[np.void]:
    """A ring of closes for the momentum, and every kernel's record."""
    ring = ("closes", "<f8", (kernel.capacity(params.momentum + 1),))
    records = [(name, k.state_dtype(p), (1,)) for name, (k, p) in _parts(params).items()]
    numbers = [("momentum", "<i8"), ("per_year", "<f8")]
    return np.dtype([*kernel.HEADER, *numbers, ring, *records])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    state = kernel.new_state(state_dtype(params), momentum=params.momentum, per_year=params.periods_per_year)
    for name, (k, p) in _parts(params).items():
        state[name] = k.init(p)
    return state


@njit(cache=True)
def step(state, open_, high, low, close, volume, session, out):  # type: ignore[no-untyped-def]
    """Take one bar; the values into `out`, the close back."""
    s = state[0]
    if not (0.0 < low <= high < math.inf and low <= close <= high and low <= open_ <= high):
        s.rejected += 1
        out[:] = math.nan
        return math.nan
    s.count += 1
    _levels(s, close, out)
    _ranges(s, high, low, close, out)
    _volumes(s, high, low, close, volume, session, out)
    _variances(s, open_, high, low, close, out)
    _returns(s, close, out)
    out[0] = close
    return close


@njit(cache=True)
def _levels(s, close, out):  # type: ignore[no-untyped-def]
    out[1] = ema.step(s.ema_fast, close)
    out[2] = ema.step(s.ema_slow, close)
    mean = sma.step(s.sma, close)
    out[3] = mean
    out[4] = sma.step(s.sma_long, close)
    out[5] = (close - mean) / mean
    out[6] = rsi.step(s.rsi, close)
    out[7], out[8], out[9] = macd.step(s.macd, close)
    position, clipped, _, width, middle, _, _ = bollinger.step(s.bollinger, close)
    out[10], out[11], out[12], out[14] = position, clipped, width, middle
    out[13] = sma.step(s.width_mean, width) if width == width else math.nan
    out[23], _ = stoch_rsi.step(s.stoch_rsi, close)


@njit(cache=True)
def _ranges(s, high, low, close, out):  # type: ignore[no-untyped-def]
    reach = atr.step(s.atr, high, low, close)
    out[15] = reach
    out[16] = 100.0 * reach / close
    out[17] = math.nan
    if reach == reach:
        _, out[17] = rank.step(s.atr_rank, reach / close)
    out[18], out[19], out[20] = adx.step(s.adx, high, low, close)
    out[21], out[22] = stochastic.step(s.stochastic, high, low, close)
    stop, _ = psar.step(s.psar, high, low)
    out[24] = stop
    out[25] = (close - stop) / close
    out[30], out[31] = squeeze.step(s.squeeze, high, low, close)


@njit(cache=True)
def _volumes(s, high, low, close, volume, session, out):  # type: ignore[no-untyped-def]
    out[26] = out[27] = out[28] = out[29] = math.nan
    if 0.0 <= volume < math.inf:
        out[26] = vwap.step(s.vwap, (high + low + close) / 3.0, volume, session)
        out[27] = obv.step(s.obv, close, volume)
        out[28] = cmf.step(s.cmf, high, low, close, volume)
        out[29], _ = rvol.step(s.rvol, volume)


@njit(cache=True)
def _variances(s, open_, high, low, close, out):  # type: ignore[no-untyped-def]
    out[32] = realised_vol.step(s.realised_vol, close)
    parkinson, garman_klass, rogers_satchell = range_vol.step(s.range_vol, open_, high, low, close)
    out[33] = _annual(sma.step(s.parkinson, parkinson), s.per_year)
    out[34] = _annual(sma.step(s.garman_klass, garman_klass), s.per_year)
    out[35] = _annual(sma.step(s.rogers_satchell, rogers_satchell), s.per_year)


@njit(cache=True)
def _annual(variance, per_year):  # type: ignore[no-untyped-def]
    """Annual volatility of a variance per bar; a mean below 0 (rounding, or Garman-Klass on odd bars) has none."""
    return math.sqrt(variance * per_year) if variance >= 0.0 else math.nan


@njit(cache=True)
def _returns(s, close, out):  # type: ignore[no-untyped-def]
    size = s.closes.shape[0]
    last, back = s.closes[(s.count - 2) % size], s.closes[(s.count - 1 - s.momentum) % size]
    out[36] = math.log(close / last) if s.count > 1 else math.nan
    out[37] = math.log(close / back) if s.count > s.momentum else math.nan
    s.closes[(s.count - 1) % size] = close


@njit(cache=True)
def batch(state, open_, high, low, close, volume, session, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n, len(OUTPUTS))."""
    for i in range(session.shape[0]):
        step(state, open_[i], high[i], low[i], close[i], volume[i], session[i], out[i])

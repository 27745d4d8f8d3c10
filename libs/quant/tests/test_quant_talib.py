"""The kernels beside TA-Lib on random bars, where definitions agree.

They agree on SMA, EMA (begun with the mean of the first window) and Wilder's RSI from the first value on. TA-Lib leaves
the first bar out of ATR's first mean and begins ADX one smoothing later, so those two agree once the beginning has
faded.
"""

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stream import adx, atr, ema, kernel, rsi, sma

BARS = 700


def bars(seed: int, vol: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(vol * rng.standard_normal(BARS)))
    reach = close * vol * np.abs(rng.standard_normal((2, BARS)))
    return {"high": close + reach[0], "low": close - reach[1], "close": close}


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.floats(1e-4, 0.1), st.integers(2, 40))
def test_averages_and_rsi_are_the_same_from_the_first_value(seed, vol, window):
    close = bars(seed, vol)["close"]
    for module, peer in ((sma, talib.SMA), (ema, talib.EMA), (rsi, talib.RSI)):
        got = kernel.run(module, module.init(module.Params(window)), close).reshape(-1)
        want = peer(close, window)
        assert (np.isnan(got) == np.isnan(want)).all(), module.__name__
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-8, err_msg=module.__name__)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.floats(1e-3, 0.1), st.integers(2, 14))
def test_true_range_and_directional_index_are_the_same_once_the_beginning_has_faded(seed, vol, window):
    data = bars(seed, vol)
    columns = [data[name] for name in ("high", "low", "close")]
    faded = 45 * window
    got = kernel.run(atr, atr.init(atr.Params(window)), *columns).reshape(-1)
    np.testing.assert_allclose(got[faded:], talib.ATR(*columns, window)[faded:], rtol=1e-9)
    got = kernel.run(adx, adx.init(adx.Params(window)), *columns).reshape(BARS, 3)
    peers = (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)
    for i, peer in enumerate(peers):
        np.testing.assert_allclose(got[faded:, i], peer(*columns, window)[faded:], rtol=1e-6, atol=1e-6)


def test_they_would_notice_another_definition():
    close = bars(1, 0.01)["close"]
    got = kernel.run(ema, ema.init(ema.Params(10)), close).reshape(-1)
    assert np.nanmax(np.abs(got - talib.EMA(close, 11))) > 1e-3
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(got[50:], talib.SMA(close, 10)[50:], rtol=1e-6)

"""The bank's further kernels beside TA-Lib on random bars, where definitions agree.

From the first value on: Bollinger bands, slow stochastic, parabolic stop, on-balance volume, rolling variance.
Chaikin's flow has no function there; it is the difference of TA-Lib's accumulation line over the summed volume.
TA-Lib begins MACD's fast average later, which fades. Its STOCHRSI is ours with k_window = 1.
"""

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stream import (
    bollinger,
    cmf,
    kernel,
    macd,
    obv,
    psar,
    rolling_moments,
    squeeze,
    stoch_rsi,
    stochastic,
)

BARS = 500
SEED, VOL = st.integers(0, 2**32), st.floats(1e-3, 0.1)


def bars(seed: int, vol: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(vol * rng.standard_normal(BARS)))
    reach = close * vol * np.abs(rng.standard_normal((2, BARS)))
    volume = np.round(rng.exponential(1e4, BARS))
    # Multiplied, not subtracted: the low stays above 0.
    return {"high": close + reach[0], "low": close / (1 + reach[1] / close), "close": close, "volume": volume}


def got(module, params, data):
    return kernel.run(module, module.init(params), *(data[name] for name in module.INPUTS)).reshape(BARS, -1)


def same(ours, theirs, **tolerance):
    assert (np.isnan(ours) == np.isnan(theirs)).all()
    np.testing.assert_allclose(ours, theirs, **(tolerance or {"rtol": 1e-9, "atol": 1e-8}))


@settings(max_examples=15)
@given(SEED, VOL, st.integers(2, 40), st.floats(0.5, 4.0))
def test_bands_are_the_same_from_the_first_value(seed, vol, window, k):
    data = bars(seed, vol)
    upper, middle, lower = talib.BBANDS(data["close"], window, k, k)
    ours = got(bollinger, bollinger.Params(window, k), data)
    # TA-Lib takes the variance as a difference of large sums, hence the loose bound on two closes that nearly agree.
    for column, peer in ((4, middle), (5, lower), (6, upper)):
        same(ours[:, column], peer, rtol=1e-6)


@settings(max_examples=15)
@given(SEED, VOL, st.integers(2, 30), st.integers(1, 6), st.integers(1, 6))
def test_stochastic_is_the_same_from_the_first_value(seed, vol, window, k_window, d_window):
    data = bars(seed, vol)
    ours = got(stochastic, stochastic.Params(window, k_window, d_window), data)
    peers = talib.STOCH(data["high"], data["low"], data["close"], window, k_window, 0, d_window, 0)
    for i in range(2):
        same(ours[:, i], peers[i])


@settings(max_examples=15)
@given(SEED, VOL, st.integers(2, 20), st.integers(5, 20), st.integers(1, 5))
def test_stochastic_rsi_is_the_same_from_the_first_value(seed, vol, rsi_window, window, d_window):
    data = bars(seed, vol)
    ours = got(stoch_rsi, stoch_rsi.Params(rsi_window, window, 1, d_window), data)
    peers = talib.STOCHRSI(data["close"], rsi_window, window, d_window, 0)
    for i in range(2):
        same(ours[:, i], peers[i], atol=1e-6)


@settings(max_examples=15)
@given(SEED, VOL, st.floats(0.01, 0.1), st.floats(0.1, 0.5))
def test_parabolic_stop_is_the_same_from_the_first_value(seed, vol, rate, max_rate):
    data = bars(seed, vol)
    same(got(psar, psar.Params(rate, max_rate), data)[:, 0], talib.SAR(data["high"], data["low"], rate, max_rate))


@settings(max_examples=15)
@given(SEED, VOL, st.integers(2, 40))
def test_volume_flows_are_the_same(seed, vol, window):
    data = bars(seed, vol)
    same(got(obv, obv.Params(), data)[:, 0], talib.OBV(data["close"], data["volume"]), rtol=0, atol=0)
    line = np.concatenate([[0.0], talib.AD(data["high"], data["low"], data["close"], data["volume"])])
    volume = np.concatenate([[0.0], np.cumsum(data["volume"])])
    want = (line[window:] - line[:-window]) / (volume[window:] - volume[:-window])
    np.testing.assert_allclose(got(cmf, cmf.Params(window), data)[window - 1 :, 0], want, rtol=1e-7, atol=1e-8)


@settings(max_examples=15)
@given(SEED, VOL, st.integers(2, 60))
def test_rolling_variance_is_the_same(seed, vol, window):
    data = bars(seed, vol)
    ours = kernel.run(rolling_moments, rolling_moments.init(rolling_moments.Params(window)), data["close"])
    scale = data["close"].max() ** 2
    same(ours[:, 1], talib.VAR(data["close"], window), atol=1e-11 * scale, rtol=1e-7)
    same(ours[:, 0], talib.SMA(data["close"], window))


@settings(max_examples=15)
@given(SEED, VOL)
def test_macd_is_the_same_once_the_beginning_has_faded(seed, vol):
    data, faded = bars(seed, vol), 34 + 250
    peers = talib.MACD(data["close"], 12, 26, 9)
    ours = got(macd, macd.Params(), data)
    for i in range(3):
        assert (np.isnan(ours[:, i]) == np.isnan(peers[i])).all()
        np.testing.assert_allclose(ours[faded:, i], peers[i][faded:], rtol=1e-9, atol=1e-10 * data["close"].max())


@settings(max_examples=15)
@given(SEED, VOL)
def test_squeeze_is_bands_inside_channel(seed, vol):
    data, faded = bars(seed, vol), 400
    upper, middle, lower = talib.BBANDS(data["close"], 20, 2.0, 2.0)
    reach = 1.5 * talib.ATR(data["high"], data["low"], data["close"], 20)
    ours = got(squeeze, squeeze.Params(), data)[faded:]
    ratio = ((upper - lower) / (2 * reach))[faded:]
    np.testing.assert_allclose(ours[:, 0], ratio, rtol=1e-6)
    inside = (upper < middle + reach) & (lower > middle - reach)
    clear = np.abs(ratio - 1.0) > 1e-5
    assert (ours[clear, 1] == inside[faded:][clear]).all()


def test_they_would_notice_another_definition():
    data = bars(1, 0.01)
    sample = talib.SMA(data["close"], 20) + 2.0 * np.sqrt(talib.VAR(data["close"], 20) * 20 / 19)
    ours = got(bollinger, bollinger.Params(), data)
    with pytest.raises(AssertionError):
        same(ours[:, 6], sample)
    assert np.nanmax(np.abs(got(psar, psar.Params(0.03), data)[:, 0] - talib.SAR(data["high"], data["low"]))) > 1e-3
    assert np.nanmax(np.abs(got(macd, macd.Params(), data)[:, 0] - talib.MACD(data["close"], 10, 26, 9)[0])) > 1e-3

"""Laws of single kernels: symmetries, bounds, exactness, and what is not defined."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contango_quant.stats import ewma
from contango_quant.stream import (
    bollinger,
    cmf,
    ew_beta,
    kernel,
    macd,
    obv,
    psar,
    rolling_moments,
    rolling_quantile,
    rvol,
    squeeze,
    stoch_rsi,
    stochastic,
    vwap,
)

SEED = st.integers(0, 2**32 - 1)
WINDOW = st.integers(2, 40)
some = settings(deadline=None, max_examples=40)


def feed(module, params, *columns):
    return kernel.run(module, module.init(params), *columns)


def walk(seed, n=150):
    """high, low, close in quarters, so that negation and doubling are exact."""
    rng = np.random.default_rng(seed)
    close = 400.0 + np.cumsum(rng.integers(-8, 9, n)) / 4
    return close + rng.integers(0, 9, n) / 4, close - rng.integers(0, 9, n) / 4, close


@some
@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=60), WINDOW, st.sampled_from([0.0, 1e9, -1e12]))
def test_moments_are_right_to_rounding_however_far_from_zero(xs, window, level):
    xs = [x + level for x in xs]
    for i, (mean, population, sample) in enumerate(feed(rolling_moments, rolling_moments.Params(window), xs)):
        if i + 1 < window:
            continue
        part = [Fraction(x) for x in xs[i + 1 - window : i + 1]]
        true_mean = sum(part) / window
        squares = sum((x - true_mean) ** 2 for x in part)
        assert abs(mean - true_mean) <= 4e-16 * window * max(abs(x) for x in part)
        assert population == pytest.approx(float(squares / window), rel=1e-14 * window, abs=1e-300)
        assert sample == pytest.approx(float(squares / (window - 1)), rel=1e-14 * window, abs=1e-300)


def test_moments_forget_an_extreme_value():
    out = feed(rolling_moments, rolling_moments.Params(3), [1.0, 1e17, 2.0, 3.0, 4.0])
    assert tuple(out[-1]) == (3.0, 2.0 / 3.0, 1.0)


@some
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=80),
    st.integers(1, 40),
    st.floats(0.0, 1.0),
)
def test_quantile_of_any_numbers_lies_between_the_right_two(xs, window, level):
    out = feed(rolling_quantile, rolling_quantile.Params(window, level), xs)
    for i in range(window - 1, len(xs)):
        part, h = sorted(xs[i + 1 - window : i + 1]), (window - 1) * level
        below, above = part[math.floor(h)], part[math.ceil(h)]
        slack = 1e-15 * max(abs(below), abs(above)) + 5e-324
        assert below - slack <= out[i] <= above + slack
        if h == math.floor(h) or below == above:
            assert out[i] == below


@some
@given(SEED, WINDOW)
def test_position_in_the_bands_does_not_depend_on_unit(seed, window):
    close = walk(seed)[2]
    one, four = (feed(bollinger, bollinger.Params(window), scale * close) for scale in (1.0, 4.0))
    np.testing.assert_array_equal(one[:, :4], four[:, :4])
    np.testing.assert_array_equal(4.0 * one[:, 4:], four[:, 4:])
    np.testing.assert_array_equal(one[:, 1], np.clip(one[:, 0], 0.0, 1.0))


@some
@given(SEED, WINDOW)
def test_sample_and_population_positions_are_one_factor_apart(seed, window):
    out = feed(bollinger, bollinger.Params(window), walk(seed)[2])
    factor = math.sqrt((window - 1) / window)
    np.testing.assert_allclose(out[:, 2] - 0.5, (out[:, 0] - 0.5) * factor, rtol=1e-13, atol=1e-15)


@some
@given(SEED, st.integers(1, 20), st.integers(1, 5), st.integers(1, 5))
def test_stochastic_of_the_mirror_image(seed, window, k_window, d_window):
    high, low, close = walk(seed)
    params = stochastic.Params(window, k_window, d_window)
    ours, mirror = feed(stochastic, params, high, low, close), feed(stochastic, params, -low, -high, -close)
    np.testing.assert_allclose(mirror, 100.0 - ours, rtol=0, atol=1e-11)


@some
@given(SEED)
def test_stop_of_the_mirror_image(seed):
    high, low, _ = walk(seed)
    assume(high[1] > high[0] or low[1] < low[0])
    assume(high[1] - high[0] != low[0] - low[1])
    ours, mirror = feed(psar, psar.Params(), high, low), feed(psar, psar.Params(), -low, -high)
    np.testing.assert_array_equal(mirror[:, 0], -ours[:, 0])
    np.testing.assert_array_equal(mirror[:, 1], 1.0 - ours[:, 1])


@some
@given(SEED)
def test_stop_is_never_inside_the_bar(seed):
    high, low, _ = walk(seed)
    stop, is_up = feed(psar, psar.Params(), high, low)[1:].T
    assert (np.where(is_up == 1.0, stop <= low[1:], stop >= high[1:])).all()
    later = slice(1, None)  # nor inside the bar before, once there are two bars in the trend's history
    assert (np.where(is_up == 1.0, stop <= low[:-1], stop >= high[:-1])[later]).all()


@some
@given(SEED)
def test_session_mean_lies_within_its_prices_and_starts_anew(seed):
    rng = np.random.default_rng(seed)
    price, volume = walk(seed, 60)[2], rng.integers(1, 100, 60)
    session = np.repeat([3.0, 4.0, 9.0], 20)
    out = feed(vwap, vwap.Params(), price, volume, session)
    for start in (0, 20, 40):
        part = slice(start, start + 20)
        assert (out[part] >= np.minimum.accumulate(price[part]) - 1e-12).all()
        assert (out[part] <= np.maximum.accumulate(price[part]) + 1e-12).all()
        alone = feed(vwap, vwap.Params(), price[part], volume[part], session[part])
        np.testing.assert_array_equal(out[part], alone)


def test_a_rejected_first_sample_does_not_swallow_the_new_session():
    stream = kernel.Stream(vwap, vwap.Params())
    rows = [(10.0, 5.0, 1), (math.nan, 5.0, 2), (20.0, 1.0, 2), (20.0, -1.0, 2)]
    assert [stream.update(*row) for row in rows] == [10.0, None, 20.0, None]


@some
@given(SEED)
def test_balance_of_the_mirror_image(seed):
    close, volume = walk(seed)[2], np.random.default_rng(seed).integers(0, 1000, 150)
    ours, mirror = feed(obv, obv.Params(), close, volume), feed(obv, obv.Params(), -close, volume)
    np.testing.assert_array_equal(ours - volume[0], -(mirror - volume[0]))


@some
@given(SEED, WINDOW)
def test_money_flow_is_bounded_and_odd(seed, window):
    high, low, close = walk(seed)
    volume = np.random.default_rng(seed).exponential(1e4, 150)
    ours = feed(cmf, cmf.Params(window), high, low, close, volume)
    mirror = feed(cmf, cmf.Params(window), -low, -high, -close, volume)
    assert (np.abs(ours[window - 1 :]) <= 1.0).all()
    np.testing.assert_array_equal(ours, -mirror)
    at_top = feed(cmf, cmf.Params(window), high + 1.0, low, high + 1.0, volume)
    assert (at_top[window - 1 :] == 1.0).all()


@some
@given(SEED, WINDOW)
def test_inclusive_relative_volume_is_at_most_the_window(seed, window):
    volume = np.random.default_rng(seed).lognormal(0.0, 5.0, 150)
    inclusive = feed(rvol, rvol.Params(window), volume)[window:, 1]
    assert (inclusive <= window * (1 + 1e-14)).all()


@some
@given(SEED, st.floats(0.5, 100.0))
def test_beta_and_correlation_are_those_of_whole_columns(seed, halflife):
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.01, 120)
    asset = 1.3 * market + rng.normal(0.0, 0.01, 120)
    beta, correlation = feed(ew_beta, ew_beta.Params(halflife, 2), asset, market)[1:].T
    np.testing.assert_allclose(beta, ewma.ewma_beta(asset, market, halflife=halflife)[1:], rtol=1e-12)
    whole = ewma.ewma_correlation(asset, market, halflife=halflife)[1:]
    np.testing.assert_allclose(correlation, whole, rtol=1e-12, atol=1e-15)


def test_macd_of_a_straight_line_is_the_difference_of_the_lags():
    # An exponential average of x = t trails by (window - 1)/2, from its plain-mean start on.
    macd_line, signal, histogram = feed(macd, macd.Params(), np.arange(60.0))[33:].T
    np.testing.assert_allclose(macd_line, 7.0, rtol=1e-13)
    np.testing.assert_allclose(signal, 7.0, rtol=1e-13)
    np.testing.assert_allclose(histogram, 0.0, atol=1e-12)


def test_where_nothing_moves_nothing_is_made_up():
    flat = kernel.Stream(bollinger, bollinger.Params(3))
    assert [flat.update(0.1) for _ in range(3)][-1] == (None, None, None, 0.0, 0.1, 0.1, 0.1)
    still = kernel.Stream(stochastic, stochastic.Params(2, 1, 1))
    assert [still.update(5, 5, 5) for _ in range(4)] == [(None, None)] * 4
    # A mean needs all of its raw values: two bars later they are there again.
    assert [still.update(6, 4, 5), still.update(7, 5, 6)] == [(50.0, 50.0), (pytest.approx(200 / 3),) * 2]
    quiet = kernel.Stream(squeeze, squeeze.Params(2))
    assert [quiet.update(5, 5, 5) for _ in range(4)] == [(None, None)] * 4
    dry = kernel.Stream(cmf, cmf.Params(2))
    assert [dry.update(2, 1, 1, 0) for _ in range(3)] == [None] * 3
    closed = kernel.Stream(rvol, rvol.Params(2))
    assert [closed.update(x) for x in (0, 0, 4)] == [(None, None), (None, None), (None, 2.0)]
    bond = kernel.Stream(ew_beta, ew_beta.Params(20.0, 2))
    assert [bond.update(*pair) for pair in ((0.1, 0.0), (0.2, 0.0), (0.2, 0.1))][:2] == [(None, None)] * 2


def test_closes_that_stand_still_give_no_stochastic_rsi():
    moved = walk(5)[2]
    out = feed(stoch_rsi, stoch_rsi.Params(), np.concatenate([moved, np.full(60, moved[-1])]))
    assert np.isfinite(out[140:150]).all()
    assert np.isnan(out[-40:]).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: macd.Params(26, 12), "fast must be below slow 12, got 26"),
        (lambda: macd.Params(0, 12), "window must be an integer"),
        (lambda: bollinger.Params(1), "window must be an integer from 2"),
        (lambda: bollinger.Params(20, math.nan), "k must be finite and above 0, got nan"),
        (lambda: stochastic.Params(14, 0), "window must be an integer"),
        (lambda: stoch_rsi.Params(14, 14, 3, 1.5), "window must be an integer"),
        (lambda: psar.Params(0.3, 0.2), "0 < rate <= max_rate <= 1, got 0.3 and 0.2"),
        (lambda: rolling_quantile.Params(5, 1.1), "level must be from 0 to 1, got 1.1"),
        (lambda: squeeze.Params(20, 2.0, 0.0), "m must be finite and above 0, got 0.0"),
        (lambda: ew_beta.Params(0.0), "halflife must be finite and above 0, got 0.0"),
        (lambda: ew_beta.Params(20.0, 1), "min_count must be an integer of at least 2, got 1"),
    ],
)
def test_bad_parameters_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("module", "sample"),
    [
        (bollinger, (0.0,)),
        (stochastic, (2.0, 1.0, 2.5)),
        (psar, (1.0, 2.0)),
        (vwap, (1.0, -1.0, 1.0)),
        (obv, (1.0, -1.0)),
        (cmf, (2.0, 1.0, 0.5, 10.0)),
        (rvol, (-1.0,)),
        (squeeze, (1.0, 2.0, 1.5)),
    ],
)
def test_impossible_samples_are_rejected(module, sample):
    stream = kernel.Stream(module, module.Params())
    stream.update(*sample)
    assert (stream.count, stream.rejected) == (0, 1)

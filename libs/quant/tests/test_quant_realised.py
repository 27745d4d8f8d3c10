"""Realised volatility: bar by bar against slow twins, unbiased and efficient on simulated prices, annualised right."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stats import annual, realised


def bars_of(log_path, nights=0.0):
    """Rows (days, steps + 1) of log prices within a session to columns; `nights`: added before each session."""
    start = np.cumsum(np.concatenate(([0.0], log_path[:-1, -1])) + nights)
    path = start[:, None] + log_path
    return {
        "open_": np.exp(path[:, 0]),
        "high": np.exp(path.max(axis=1)),
        "low": np.exp(path.min(axis=1)),
        "close": np.exp(path[:, -1]),
    }


def simulated(seed, days, steps=400, vol=0.01, drift=0.0):
    """Sessions of a Brownian log price, each beginning at 0."""
    moves = np.random.default_rng(seed).normal(drift / steps, vol / math.sqrt(steps), (days, steps))
    return np.concatenate([np.zeros((days, 1)), moves.cumsum(axis=1)], axis=1)


def range_estimators(bars, window, periods_per_year):
    some = {"window": window, "periods_per_year": periods_per_year}
    return {
        "parkinson": realised.parkinson(high=bars["high"], low=bars["low"], **some),
        "garman_klass": realised.garman_klass(**bars, **some),
        "rogers_satchell": realised.rogers_satchell(**bars, **some),
        "yang_zhang": realised.yang_zhang(**bars, **some),
        "close_to_close": realised.close_to_close(bars["close"], **some),
    }


def slow(bars, name, i, window, periods):
    """One window, straight from the papers' formulas."""
    o, h, l, c = ([math.log(x) for x in bars[k]] for k in ("open_", "high", "low", "close"))
    days = range(i - window + 1, i + 1)
    if name == "parkinson":
        variance = sum((h[t] - l[t]) ** 2 for t in days) / (4 * window * math.log(2))
    elif name == "garman_klass":
        variance = sum(0.5 * (h[t] - l[t]) ** 2 - (2 * math.log(2) - 1) * (c[t] - o[t]) ** 2 for t in days) / window
    elif name == "close_to_close":
        variance = statistics.variance([c[t] - c[t - 1] for t in days])
    else:
        u, d, e = ([x[t] - o[t] for t in days] for x in (h, l, c))
        variance = sum(a * (a - z) + b * (b - z) for a, b, z in zip(u, d, e)) / window
        if name == "yang_zhang":
            k = 0.34 / (1.34 + (window + 1) / (window - 1))
            night = statistics.variance([o[t] - c[t - 1] for t in days])
            variance = night + k * statistics.variance(e) + (1 - k) * variance
    return math.sqrt(variance * periods)


BAR = st.tuples(*[st.floats(50.0, 150.0)] * 4)


@settings(max_examples=40)
@given(st.lists(BAR, min_size=4, max_size=14), st.integers(2, 4), st.floats(1.0, 400.0))
def test_every_window_is_the_slow_one(rows, window, periods):
    ordered = np.sort(np.array(rows), axis=1)
    bars = {"low": ordered[:, 0], "open_": ordered[:, 1], "close": ordered[:, 2], "high": ordered[:, 3]}
    for name, got in range_estimators(bars, window, periods).items():
        first = window if name in ("yang_zhang", "close_to_close") else window - 1
        assert np.isnan(got[:first]).all()
        want = [slow(bars, name, i, window, periods) for i in range(first, len(rows))]
        np.testing.assert_allclose(got[first:], want, rtol=1e-9, atol=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 1000), st.floats(1e-3, 1e3))
def test_currency_does_not_matter_and_mirroring_the_price_does_not_either(seed, scale):
    bars = bars_of(simulated(seed, 8, 10))
    scaled = {k: v * scale for k, v in bars.items()}
    mirrored = {
        "open_": 1 / bars["open_"],
        "high": 1 / bars["low"],
        "low": 1 / bars["high"],
        "close": 1 / bars["close"],
    }
    base = range_estimators(bars, 4, 252.0)
    for other in (scaled, mirrored):
        for name, got in range_estimators(other, 4, 252.0).items():
            np.testing.assert_allclose(got, base[name], rtol=1e-8, atol=1e-9)


@given(st.floats(1.0, 1000.0))
def test_annual_variance_is_proportional_to_bars_per_year(periods):
    bars = bars_of(simulated(3, 8, 10))
    once = range_estimators(bars, 4, 1.0)
    for name, got in range_estimators(bars, 4, periods).items():
        np.testing.assert_allclose(got, once[name] * math.sqrt(periods), rtol=1e-12)


def variances(bars, window=10):
    """Non-overlapping windows: mean variance per day and its relative variance, by estimator."""
    found = {}
    for name, vol in range_estimators(bars, window, 1.0).items():
        v = vol[window::window] ** 2
        found[name] = (float(v.mean()), float(v.var() / v.mean() ** 2))
    return found


def test_estimators_are_unbiased_and_as_efficient_as_the_papers_say():
    """No drift, no gap. Expected against close to close: 4.9 (Parkinson), 7.4 (Garman-Klass), 6 (Rogers-Satchell)."""
    bars = bars_of(simulated(11, 4000))
    found = variances(bars)
    for name, (mean, _) in found.items():
        # 400 looks a session leave the range a little short.
        assert mean == pytest.approx(1e-4, rel=0.06 if name == "close_to_close" else 0.10), name
    noise = found["close_to_close"][1]
    gain = {name: noise / relative for name, (_, relative) in found.items()}
    assert gain["parkinson"] == pytest.approx(5.2, rel=0.25)
    assert gain["garman_klass"] == pytest.approx(7.4, rel=0.25)
    assert gain["rogers_satchell"] == pytest.approx(6.2, rel=0.25)
    assert gain["yang_zhang"] > 5.0


def test_drift_spoils_parkinson_and_garman_klass_only():
    found = {name: mean for name, (mean, _) in variances(bars_of(simulated(12, 3000, drift=0.01))).items()}
    for name in ("close_to_close", "rogers_satchell", "yang_zhang"):
        assert found[name] == pytest.approx(1e-4, rel=0.12), name
    assert found["parkinson"] > 1.3e-4
    assert found["garman_klass"] > 1.05 * found["rogers_satchell"]


def test_nights_are_seen_by_yang_zhang_and_close_to_close_only():
    """Half of the day's variance falls in the night: unbiased or half."""
    nights = np.random.default_rng(14).normal(0.0, 0.01, 3000)
    found = {name: mean for name, (mean, _) in variances(bars_of(simulated(13, 3000), nights)).items()}
    for name in ("close_to_close", "yang_zhang"):
        assert found[name] == pytest.approx(2e-4, rel=0.08), name
    for name in ("parkinson", "garman_klass", "rogers_satchell"):
        assert found[name] == pytest.approx(1e-4, rel=0.10), name


def test_five_minute_bars_count_seventy_eight_a_session():
    """With the day's 252 on bars of 5 minutes a volatility of 16 % shows as 1.8 %: √78 times too small."""
    moves = np.random.default_rng(15).normal(0.0, 0.16 / math.sqrt(252.0 * 78.0), 78 * 200)
    close = 100.0 * np.exp(np.concatenate(([0.0], moves.cumsum())))
    window = moves.size
    right, wrong = (
        realised.close_to_close(close, window=window, periods_per_year=p)[-1]
        for p in (annual.US_EQUITY_PERIODS_PER_YEAR["5m"], 252.0)
    )
    assert right == pytest.approx(0.16, rel=0.02)
    assert right / wrong == pytest.approx(math.sqrt(78.0))
    daily = realised.close_to_close(close[::78], window=199, periods_per_year=annual.US_EQUITY_PERIODS_PER_YEAR["1d"])
    assert daily[-1] == pytest.approx(right, rel=0.15)


def test_bars_per_year():
    assert {k: v / 252.0 for k, v in annual.US_EQUITY_PERIODS_PER_YEAR.items()} == {
        "1m": 390.0,
        "5m": 78.0,
        "15m": 26.0,
        "1h": 6.5,
        "1d": 1.0,
    }
    assert {k: v / 365.0 for k, v in annual.CRYPTO_PERIODS_PER_YEAR.items()} == {
        "1m": 1440.0,
        "5m": 288.0,
        "15m": 96.0,
        "1h": 24.0,
        "1d": 1.0,
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: realised.garman_klass(
                open_=[1.0, 3.0], high=[2.0, 2.0], low=[1.0, 1.0], close=[1.0, 1.0], window=1, periods_per_year=1.0
            ),
            r"open and close must lie between low and high, got 3.0, 2.0, 1.0, 1.0 at position 1",
        ),
        (
            lambda: realised.parkinson(high=[1.0], low=[2.0], window=1, periods_per_year=1.0),
            r"open and close must lie between low and high",
        ),
        (
            lambda: realised.parkinson(high=[1e300], low=[1e-300], window=1, periods_per_year=1.0),
            r"high/low must be finite",
        ),
        (
            lambda: realised.parkinson(high=[1.0, 2.0], low=[1.0], window=1, periods_per_year=1.0),
            r"columns must be equally long, got open_ 1, high 2",
        ),
        (
            lambda: realised.close_to_close([1.0, 0.0], window=2, periods_per_year=252.0),
            r"close must be finite and above 0, got 0.0 at position 1",
        ),
        (lambda: realised.close_to_close([1.0], window=1, periods_per_year=252.0), r"window must be an integer from 2"),
        (lambda: annual.us_equity_periods_per_year(391.0), r"bar_minutes must be at most a session of 390"),
        (lambda: annual.crypto_periods_per_year(0.0), r"bar_minutes must be finite and above 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

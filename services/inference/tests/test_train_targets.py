"""Targets: what came, on the scale of the HAR baseline, and nothing of it before it came."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_inference.model import fit
from contango_inference.params import InferenceParams
from contango_inference.series import Series, take
from contango_inference.train.targets import BEAR, BULL, NEUTRAL, UNKNOWN, targets_of

P = InferenceParams(horizons_sessions=(1, 3), min_days=120)
DAY_NS = 86_400_000_000_000


def walk(n, seed=0):
    """Instants, bars (n, 4) and an anchor of a random walk."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))
    open_ = np.concatenate([[100.0], close[:-1]]) * np.exp(rng.normal(0.0, 0.002, n))
    high = np.maximum(open_, close) * (1.0 + rng.uniform(0.0005, 0.01, n))
    low = np.minimum(open_, close) * (1.0 - rng.uniform(0.0005, 0.01, n))
    return (np.arange(n) + 1) * DAY_NS, np.column_stack([open_, high, low, close]), rng.uniform(0.1, 0.3, n)


@given(st.integers(5, 60), st.integers(0, 1_000))
def test_each_ratio_is_the_slow_sum_of_the_sessions_after_it(n, seed):
    ts_ns, bars, anchor = walk(n, seed)
    found = targets_of(ts_ns, bars, anchor, 0.25, P)
    series = Series()
    for at, row in zip(ts_ns.tolist(), bars.tolist(), strict=True):
        take(series, at, tuple(row), P.estimator, P.floor_daily_vol)
    v = [math.nan, *series.variances().tolist()]
    r2 = [math.nan, *series.squared_returns().tolist()]
    for t in range(1, n):
        k = sum(r2[1 : t + 1]) / sum(v[1 : t + 1])
        for j, h in enumerate(P.horizons_sessions):
            if t + h >= n:
                assert math.isnan(found.ratios[t, j])
                continue
            annual = 252 * k * sum(v[t + 1 : t + h + 1]) / h
            assert found.ratios[t, j] == pytest.approx(math.log(annual / anchor[t] ** 2), rel=1e-6, abs=1e-9)


@given(st.integers(10, 60), st.integers(0, 59), st.integers(0, 1_000))
def test_what_comes_later_changes_no_target_that_was_complete(n, cut, seed):
    cut = min(cut, n - 1)
    ts_ns, bars, anchor = walk(n, seed)
    _, others, another = walk(n, seed + 1)
    mixed = np.concatenate([bars[: cut + 1], others[cut + 1 :]])
    before = targets_of(ts_ns, bars, anchor, 0.25, P)
    after = targets_of(ts_ns, mixed, np.concatenate([anchor[: cut + 1], another[cut + 1 :]]), 0.25, P)
    np.testing.assert_array_equal(before.factor[: cut + 1], after.factor[: cut + 1])
    for j, h in enumerate(P.horizons_sessions):
        known = max(0, cut - h + 1)
        np.testing.assert_array_equal(before.ratios[:known, j], after.ratios[:known, j])
    np.testing.assert_array_equal(before.directions[:cut], after.directions[:cut])


def test_the_factor_is_the_hars_own():
    ts_ns, bars, anchor = walk(200)
    found = targets_of(ts_ns, bars, anchor, 0.25, P)
    fitted = fit(found.variances[1:], found.squared_returns[1:], P)
    assert fitted is not None
    assert found.factor[-1] == pytest.approx(fitted.factor)


def test_the_direction_is_neutral_inside_the_band_of_daily_sigmas():
    close = 100.0 * np.exp(np.cumsum([0.0, 0.0026, -0.0024, -0.0026, 0.0]))
    bars = np.column_stack([close, close * 1.01, close * 0.99, close])
    anchor = np.full(5, 0.01 * math.sqrt(252))  # one daily standard deviation of 1 %, a band of 0.25 %
    found = targets_of((np.arange(5) + 1) * DAY_NS, bars, anchor, 0.25, P)
    assert found.directions.tolist() == [BULL, NEUTRAL, BEAR, NEUTRAL, UNKNOWN]


def test_without_an_anchor_there_is_no_target():
    ts_ns, bars, anchor = walk(20)
    anchor[5] = np.nan
    found = targets_of(ts_ns, bars, anchor, 0.25, P)
    assert not found.complete[5]
    assert found.directions[5] == UNKNOWN
    assert found.complete[6]


def test_a_bar_that_is_none_is_one_clear_line():
    ts_ns, bars, anchor = walk(20)
    bars[7, 1] = math.nan
    with pytest.raises(UserError, match=r"1970-01-09.*is not 0 < low"):
        targets_of(ts_ns, bars, anchor, 0.25, P)

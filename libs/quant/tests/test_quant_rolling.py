"""Rolling moments: each window by itself, nothing left of what has gone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stats import rolling

PAIRS = st.integers(1, 40).flatmap(lambda n: st.tuples(*[st.lists(st.floats(-1e3, 1e3), min_size=n, max_size=n)] * 2))


@settings(max_examples=60)
@given(PAIRS, st.integers(1, 12))
def test_every_window_is_taken_by_itself(pair, window):
    x, y = np.array(pair)
    got = rolling.moments(x, y, window=window)
    for i in range(x.size):
        if i < window - 1:
            assert np.isnan([got.xx[i], got.yy[i], got.xy[i]]).all()
            continue
        a, b = x[i - window + 1 : i + 1], y[i - window + 1 : i + 1]
        dx, dy = a - a.mean(), b - b.mean()
        near = {"rel": 1e-9, "abs": 1e-9 * (1.0 + np.abs(a).max() * np.abs(b).max())}
        assert got.xy[i] == pytest.approx(dx @ dy, **near)
        assert got.xx[i] == pytest.approx(dx @ dx, rel=1e-9, abs=1e-9 * (1.0 + np.abs(a).max() ** 2))
        assert got.yy[i] == pytest.approx(dy @ dy, rel=1e-9, abs=1e-9 * (1.0 + np.abs(b).max() ** 2))


def test_an_extreme_value_leaves_without_a_trace():
    """Sums that are added to and subtracted from would keep 1e16 times the rounding of the outlier."""
    x = np.random.default_rng(1).normal(size=400)
    spoiled = x.copy()
    spoiled[100] = 1e12
    clean, other = (rolling.moments(v, v, window=30).xx for v in (x, spoiled))
    np.testing.assert_array_equal(other[130:], clean[130:])


def test_a_shift_costs_no_more_than_its_own_rounding():
    x = np.random.default_rng(2).normal(size=5000)
    clean, shifted = (rolling.moments(v, v, window=60).xx for v in (x, x + 1e8))
    np.testing.assert_allclose(shifted[59:], clean[59:], rtol=1e-6)


@given(st.floats(-1e300, 1e300), st.integers(2, 9))
def test_what_does_not_move_has_a_variance_of_exactly_zero(value, window):
    x = np.full(25, value)
    assert (rolling.moments(x, x, window=window).xx[window - 1 :] == 0.0).all()

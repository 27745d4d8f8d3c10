"""Block lengths: those of the arch package, longer for longer memory, free of units."""

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stats import block_length, bootstrap


def series(seed, n, rho):
    noise, x = np.random.default_rng(seed).normal(size=n), np.zeros(n)
    for t in range(1, n):
        x[t] = rho * x[t - 1] + noise[t]
    return x


def test_lengths_are_those_of_the_arch_package():
    """It divides autocorrelations by the norms of the two parts: on the edge a lag may differ, not often."""
    same = 0
    for seed in range(40):
        x = series(seed, 400, (0.0, 0.3, 0.7, 0.9)[seed % 4])
        got, want = block_length.block_length(x), optimal_block_length(x).iloc[0]
        same += got.stationary == pytest.approx(max(want["stationary"], 1.0), rel=1e-6)
        if want["circular"] >= 1.0:
            near = got.circular == pytest.approx(want["circular"], rel=1e-6)
            assert near == (got.stationary == pytest.approx(max(want["stationary"], 1.0), rel=1e-6))
    assert same >= 36


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(20, 300), st.floats(-0.9, 0.95), st.floats(1e-200, 1e200), st.booleans())
def test_units_direction_and_bounds(seed, n, rho, scale, mirrored):
    x = series(seed, n, rho)
    got = block_length.block_length(x)
    assert 1.0 <= got.stationary <= got.circular <= np.ceil(min(3.0 * np.sqrt(n), n / 3.0))
    other = block_length.block_length((-scale if mirrored else scale) * x[::-1])
    assert other == pytest.approx(got, rel=1e-6)


def test_longer_memory_asks_for_longer_blocks():
    medians = [
        np.median([block_length.block_length(series(seed, 500, rho)).stationary for seed in range(40)])
        for rho in (0.0, 0.3, 0.6, 0.9)
    ]
    assert medians == sorted(medians)
    assert medians[0] < 4.0 < 20.0 < medians[3]


def test_the_length_found_makes_the_interval_of_a_mean_hold():
    """Autoregression with 0.7: single draws cover half of the time, blocks of this length nearly as promised."""
    covered = np.zeros(2)
    for seed in range(100):
        x = series(seed, 400, 0.7)
        lengths = (1.0, block_length.block_length(x).stationary)
        for i, b in enumerate(lengths):
            found = bootstrap.interval(
                lambda v: float(v.mean()),
                x,
                draw=bootstrap.stationary(b),
                rng=np.random.default_rng(seed),
                resamples=200,
            )
            covered[i] += found.low < 0.0 < found.high
    assert covered[0] < 70
    assert covered[1] > 76


def test_too_little_is_none():
    assert block_length.block_length(np.arange(19.0)) is None
    assert block_length.block_length(np.full(50, 0.3)) is None
    with pytest.raises(ValueError, match=r"values must be finite, got nan at position 0"):
        block_length.block_length([np.nan])

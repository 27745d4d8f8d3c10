"""An index against its future: sign, carry, scale, rolls; a slow twin lives with the laws of all kernels."""

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stream import basis, kernel

SEEDS = st.integers(0, 2**32 - 1)
WINDOW = 40


def noise(seed: int, n: int = WINDOW, size: float = 1e-4) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=size, size=n)


def after(bases: np.ndarray, window: int = WINDOW, spot: float = 500.0) -> kernel.Stream:
    """A stream that has seen these bases at one spot, without carry."""
    stream = kernel.Stream(basis, basis.Params(window=window))
    for b in bases:
        stream.update(spot, spot * math.exp(b), 0.0)
    return stream


@given(SEEDS, st.floats(-0.05, 0.05))
@settings(max_examples=40)
def test_a_deviation_is_the_mean_of_the_bases_before_less_the_newest(seed: int, b: float) -> None:
    past = noise(seed)
    deviation, z = after(past).update(500.0, 500.0 * math.exp(b), 0.0)
    mean, sd = statistics.fmean(past), statistics.stdev(past)
    assert deviation == pytest.approx(mean - b, abs=1e-12)
    assert z == pytest.approx((mean - b) / sd, rel=1e-6)


@given(SEEDS, st.floats(0.001, 0.05), st.floats(1.0, 1e4))
@settings(max_examples=40)
def test_positive_when_the_spot_is_rich(seed: int, by: float, spot: float) -> None:
    """The future stays, the spot rises by a part: the deviation is that part; and the other way round."""
    past = noise(seed)
    future = spot * math.exp(float(past.mean()))
    for side in (1.0, -1.0):
        deviation, z = after(past, spot=spot).update(spot * math.exp(side * by), future, 0.0)
        assert deviation == pytest.approx(side * by, abs=1e-9)
        assert math.copysign(1.0, z) == side


@given(SEEDS, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
@settings(max_examples=40)
def test_units_of_the_prices_do_not_matter(seed: int, of_spot: float, of_future: float) -> None:
    """Both prices may be quoted in anything: a fixed ratio between them is only another mean."""
    rng = np.random.default_rng(seed)
    spots = 500.0 * np.exp(np.cumsum(rng.normal(scale=0.01, size=60)))
    futures = 10.0 * spots * np.exp(rng.normal(scale=1e-3, size=60))
    one = kernel.run(basis, basis.init(basis.Params(WINDOW)), spots, futures, np.zeros(60))
    other = kernel.run(basis, basis.init(basis.Params(WINDOW)), of_spot * spots, of_future * futures, np.zeros(60))
    assert other == pytest.approx(one, rel=1e-6, abs=1e-9, nan_ok=True)


@given(SEEDS, st.floats(-0.1, 0.1))
@settings(max_examples=20)
def test_a_carry_that_is_priced_in_leaves_nothing(seed: int, net: float) -> None:
    """F = k·S·e^(carry): with the carry said, the falling time to expiry is no deviation."""
    rng = np.random.default_rng(seed)
    carry = net * np.linspace(0.25, 0.0, 60)
    futures = 5000.0 * np.exp(carry + rng.normal(scale=1e-4, size=60))
    plain = futures * np.exp(-carry)
    spots = np.full(60, 500.0)
    one = kernel.run(basis, basis.init(basis.Params(WINDOW)), spots, futures, carry)
    other = kernel.run(basis, basis.init(basis.Params(WINDOW)), spots, plain, np.zeros(60))
    assert one == pytest.approx(other, rel=1e-5, abs=1e-9, nan_ok=True)


def test_the_carry_of_three_months_is_a_signal_of_the_published_figure_only() -> None:
    """(r − q)·τ = 3 %·0.25 = 0.75 %, above the threshold of 0.5 %, with nothing out of line."""
    spots = np.full(50, 500.0)
    futures = 5000.0 * np.exp(0.0075 + noise(1, 50))
    assert abs(basis.plain_divergence(spots[-1], futures[-1])) > basis.PLAIN_THRESHOLD
    deviation, z = kernel.run(basis, basis.init(basis.Params(WINDOW)), spots, futures, np.zeros(50))[-1]
    assert abs(deviation) < 5e-4
    assert abs(z) < 4.0


@given(SEEDS, st.integers(40, 150), st.booleans(), st.floats(0.005, 0.05))
@settings(max_examples=40)
def test_a_roll_is_told_for_three_samples_and_then_the_window_begins_anew(
    seed: int, window: int, up: bool, jump: float
) -> None:
    past, later = noise(seed, window), noise(seed + 1, window + 2) + (jump if up else -jump)
    stream = after(past, window)
    told = [stream.update(500.0, 500.0 * math.exp(b), 0.0) for b in later]
    assert all(z is not None and (z < -4.0 if up else z > 4.0) for _, z in told[:3])
    # The third is the first of the new window, which is full `window` samples later.
    assert told[3:] == [(None, None)] * (window - 1)
    deviation, _ = stream.update(500.0, 500.0 * math.exp(later[-1]), 0.0)
    assert abs(deviation) < 1e-3


@given(SEEDS)
@settings(max_examples=20)
def test_samples_far_away_on_both_sides_in_turn_are_no_roll(seed: int) -> None:
    stream = after(noise(seed))
    for b in (0.01, -0.01, 0.01, -0.01):
        deviation, _ = stream.update(500.0, 500.0 * math.exp(b), 0.0)
        assert deviation is not None
    assert stream.update(500.0, 500.0, 0.0)[0] is not None


def test_nothing_is_said_before_the_window_is_full_of_older_samples() -> None:
    stream = kernel.Stream(basis, basis.Params(window=3))
    found = [stream.update(100.0, future, 0.0) for future in (100.1, 100.2, 100.3, 100.2)]
    assert found[:3] == [(None, None)] * 3
    assert found[3][0] == pytest.approx(0.0, abs=1e-6)
    assert basis.WARM_UP(basis.Params(window=3)) == 4


@pytest.mark.parametrize(
    ("spot", "future", "carry"),
    [(0.0, 1.0, 0.0), (1.0, -1.0, 0.0), (math.nan, 1.0, 0.0), (1.0, math.inf, 0.0), (1.0, 1.0, math.nan)],
)
def test_an_impossible_sample_is_as_if_never_sent(spot: float, future: float, carry: float) -> None:
    one, other = after(noise(3)), after(noise(3))
    assert one.update(spot, future, carry) == (None, None)
    assert one.rejected == 1
    assert one.update(500.0, 501.0, 0.0) == other.update(500.0, 501.0, 0.0)


@pytest.mark.parametrize("wrong", [{"window": 2}, {"patience": 0}, {"jump": 0.0}, {"jump": math.inf}])
def test_impossible_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        basis.Params(**wrong)


@given(st.floats(1.0, 1e5), st.floats(-0.2, 0.2))
def test_the_published_figure_is_the_part_by_which_the_spot_exceeds_a_tenth(future: float, part: float) -> None:
    assert basis.plain_divergence(future / 10.0 * (1.0 + part), future) == pytest.approx(part, abs=1e-12)
    assert basis.plain_divergence(505.0, 5000.0) == pytest.approx(0.01)


def test_a_basis_that_stands_still_has_no_z() -> None:
    """Its spread is rounding: the next tick is no deviation of billions."""
    stream = kernel.Stream(basis, basis.Params(window=40))
    seen = [stream.update(500.0, 5030.0, 0.0) for _ in range(45)]
    assert seen[-1][0] == pytest.approx(0.0, abs=1e-12)
    assert seen[-1][1] is None
    assert stream.update(500.0, 5030.25, 0.0)[1] is None

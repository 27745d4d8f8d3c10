"""Population stability: never negative, 0 where nothing moved, chi-squared under independence, blind to order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from contango_quant.stats import psi as stability

COUNTS = hnp.arrays(np.int64, st.integers(2, 12), elements=st.integers(0, 50))
VALUES = hnp.arrays(np.float64, st.integers(100, 160), elements=st.floats(-1e6, 1e6))


@given(COUNTS, st.data())
def test_never_negative_and_zero_for_equal_shares(counts, data):
    other = data.draw(hnp.arrays(np.int64, counts.size, elements=st.integers(1, 50)))
    counts = counts + (counts.sum() == 0)
    assert stability.psi_of_counts(counts, other / other.sum()) >= 0.0
    assert stability.psi_of_counts(counts, counts / counts.sum()) == pytest.approx(0.0, abs=1e-20)
    assert stability.psi_of_counts(3 * counts, counts / counts.sum()) == pytest.approx(0.0, abs=1e-20)


@given(st.integers(2, 12), st.data())
def test_symmetric_and_blind_to_the_names_of_bins(bins, data):
    draw = hnp.arrays(np.int64, bins, elements=st.integers(1, 50))
    one, other = data.draw(draw), data.draw(draw)
    one, other = one * other.sum(), other * one.sum()  # as many rows in both
    forth = stability.psi_of_counts(one, other / other.sum())
    assert forth == pytest.approx(stability.psi_of_counts(other, one / one.sum()), rel=1e-9, abs=1e-15)
    turned = data.draw(st.permutations(range(bins)))
    assert stability.psi_of_counts(one[turned], (other / other.sum())[turned]) == pytest.approx(forth, abs=1e-12)


@given(VALUES, st.floats(-100.0, 100.0), st.sampled_from([0.25, 2.0, 8.0]), st.randoms(use_true_random=False))
def test_order_and_units_do_not_matter(values, shift, scale, random):
    frozen = stability.reference(values)
    if frozen is None:
        return
    assert stability.psi(values, frozen) == pytest.approx(0.0, abs=1e-20)
    turned = values.tolist()
    random.shuffle(turned)
    now = np.asarray(turned) * 0.5 + shift
    plain = stability.psi(now, frozen)
    assert stability.psi(now[::-1], frozen) == plain
    other = stability.Reference(scale * frozen.edges, frozen.shares)
    assert stability.psi(scale * now, other) == plain


@given(VALUES)
def test_bins_are_frozen_and_full(values):
    frozen = stability.reference(values)
    if frozen is None:
        assert (np.unique(values).size == 1) or np.quantile(values, 0.9, method="higher") == values.min()
        return
    assert frozen.shares.sum() == pytest.approx(1.0)
    assert (frozen.shares > 0.0).all()
    assert (np.diff(frozen.edges) > 0.0).all()


def test_by_hand():
    """Shares 0.7/0.3 against 0.5/0.5, unsmoothed 0.2 ln 1.4 − 0.2 ln 0.6; half a row more each moves it a bit."""
    plain = 0.2 * math.log(1.4) - 0.2 * math.log(0.6)
    assert stability.psi_of_counts([70_000, 30_000], [0.5, 0.5]) == pytest.approx(plain, rel=1e-4)
    now = (70.5 / 101.0, 30.5 / 101.0)
    assert stability.psi_of_counts([70, 30], [0.5, 0.5]) == pytest.approx(sum((a - 0.5) * math.log(2 * a) for a in now))


def test_independent_rows_pass_the_limit_as_often_as_promised():
    rng, passed = np.random.default_rng(0), 0
    frozen = stability.reference(rng.normal(size=50_000))
    bound = stability.limit(10, 400, 50_000, level=0.95)
    for _ in range(1000):
        passed += stability.psi(rng.normal(size=400), frozen) > bound
    assert 30 <= passed <= 70


def test_a_shift_shows():
    rng = np.random.default_rng(1)
    frozen = stability.reference(rng.normal(size=5000))
    found = [stability.psi(rng.normal(size=500) + shift, frozen) for shift in (0.0, 0.3, 1.0)]
    assert found == sorted(found)
    assert found[0] < 0.05 < found[1] < 0.25 < found[2]
    wider = stability.psi(3.0 * rng.normal(size=500), frozen)
    assert wider > 0.25


def test_too_little_is_none():
    frozen = stability.equal_shares([0.0])
    assert stability.psi(np.zeros(99), frozen) is None
    assert stability.psi(np.zeros(99), frozen, min_rows=99) > 1.0
    assert stability.reference(np.zeros(50)) is None
    assert stability.reference(np.arange(9.0)) is None
    assert stability.reference([0.0] * 95 + [1.0] * 5, bins=10) is None  # all deciles are the least value


def test_repeated_values_make_fewer_bins_and_no_empty_one():
    """A flag that is 0 in 13 of 122 rows: interpolated deciles would lie at 0.1, with nothing between it and 1."""
    frozen = stability.reference([0.0] * 13 + [1.0] * 109)
    assert frozen.edges.tolist() == [1.0]
    assert frozen.shares.tolist() == [13 / 122, 109 / 122]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: stability.equal_shares([]), r"edges must be at least one and ascending, got \[\]"),
        (lambda: stability.equal_shares([1.0, 1.0]), r"edges must be at least one and ascending"),
        (lambda: stability.psi([math.nan], stability.equal_shares([0.0])), r"values must be finite, got nan"),
        (lambda: stability.psi_of_counts([0.0, 0.0], [0.5, 0.5]), r"counts must have rows"),
        (lambda: stability.psi_of_counts([1.0], [0.5]), r"shares must sum to 1"),
        (lambda: stability.limit(1, 10, 10), r"bins must be an integer of at least 2, got 1"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""Cross-validated overfitting: a slow twin, noise at one half, skill near zero."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from contango_quant.stats import pbo


def slow(table, blocks):
    """Choice by choice, rows put together, ratios by numpy."""
    size = len(table) // blocks
    cut = np.split(table[len(table) - size * blocks :], blocks)
    logits = []
    for past in combinations(range(blocks), blocks // 2):
        before = np.concatenate([cut[b] for b in past])
        after = np.concatenate([cut[b] for b in range(blocks) if b not in past])
        ratio = [x.mean(axis=0) / x.std(axis=0, ddof=1) for x in (before, after)]
        w = stats.rankdata(ratio[1])[int(np.argmax(ratio[0]))] / (table.shape[1] + 1)
        logits.append(np.log(w / (1 - w)))
    return np.array(logits)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 7), st.sampled_from([2, 4, 6]), st.integers(0, 9), st.floats(-5, 5))
def test_every_choice_is_the_slow_one(seed, columns, blocks, extra, shift):
    table = np.random.default_rng(seed).normal(size=(blocks * 5 + extra, columns)) + shift
    got = pbo.probability_of_overfitting(table, blocks=blocks)
    np.testing.assert_allclose(got.logits, slow(table, blocks), atol=1e-9)
    assert got.pbo == np.mean(got.logits <= 0.0)
    assert (got.choices, got.undefined) == (len(got.logits), 0)


def test_noise_is_a_coin_toss():
    """A grid of 540 worthless configurations, on average over sets of data."""
    found = [
        pbo.probability_of_overfitting(np.random.default_rng(seed).normal(size=(480, 540)), blocks=8).pbo
        for seed in range(30)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_one_planted_edge_is_found():
    table = np.random.default_rng(1).normal(size=(500, 540))
    table[:, 137] += 0.3
    got = pbo.probability_of_overfitting(table, blocks=10)
    assert got.pbo < 0.02
    assert got.loss_share < 0.02


def test_what_turns_around_is_overfitted():
    """The second half repeats the first with the other sign: the best of one is the worst of the other."""
    half = np.random.default_rng(2).normal(size=(100, 40))
    got = pbo.probability_of_overfitting(np.concatenate([half, -half]), blocks=2)
    assert (got.pbo, got.loss_share) == (1.0, 1.0)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(1e-6, 1e6))
def test_order_of_columns_and_leverage_do_not_matter(seed, leverage):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(60, 8)) + rng.normal(size=8) * 0.3
    base = pbo.probability_of_overfitting(table, blocks=6)
    levered = pbo.probability_of_overfitting(table[:, rng.permutation(8)] * leverage, blocks=6)
    np.testing.assert_allclose(np.sort(levered.logits), np.sort(base.logits), atol=1e-9)
    np.testing.assert_allclose(levered.chosen_past, base.chosen_past, rtol=1e-7)


def test_a_still_configuration_is_never_chosen():
    table = np.random.default_rng(3).normal(size=(80, 3)) - 1.0
    table[:, 1] = 0.3
    got = pbo.probability_of_overfitting(table, blocks=4)
    assert np.isfinite(got.chosen_past).all()
    still = pbo.probability_of_overfitting(np.zeros((80, 3)), blocks=4)
    assert still is None


def test_too_little_is_none_and_bad_input_is_named():
    assert pbo.probability_of_overfitting(np.ones((10, 1)), blocks=2) is None
    assert pbo.probability_of_overfitting(np.ones((10, 5)), blocks=8) is None
    for blocks in (3, 22):
        with pytest.raises(ValueError, match="blocks must be even and at most 20"):
            pbo.probability_of_overfitting(np.ones((100, 5)), blocks=blocks)
    with pytest.raises(ValueError, match=r"returns must be a table .* got shape \(3,\)"):
        pbo.probability_of_overfitting([1.0, 2.0, 3.0])

"""The e-value: a fair game on average, large for a model that is better, never above its promise by chance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_inference.monitor import evidence, outcome

PAIR = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3).map(lambda x: [p / sum(x) for p in x])


def path(seed, n, edge):
    """E-values of a model that knows a two-way outcome's probability 0.5 ± edge, against 0.5."""
    rng, wealth, values = np.random.default_rng(seed), evidence.no_evidence(), []
    for up in rng.choice([-1.0, 1.0], n):
        prob = [0.5 + edge * up, 0.5 - edge * up, 0.0]
        came = 0 if rng.random() < prob[0] else 1
        mine, theirs = outcome.direction_losses(prob, [0.5, 0.5, 0.0], came)
        wealth = evidence.take(wealth, theirs - mine, outcome.direction_bound(prob, [0.5, 0.5, 0.0]))
        values.append(evidence.e_value(wealth))
    return values


@given(PAIR, PAIR)
def test_where_the_baseline_is_the_truth_a_bet_loses_on_average(prob, truth):
    """Exactly, over the three outcomes: no wealth grows in expectation, whatever the model says."""
    bound = outcome.direction_bound(prob, truth)
    after = []
    for came in range(3):
        mine, theirs = outcome.direction_losses(prob, truth, came)
        after.append(evidence.take(evidence.no_evidence(), theirs - mine, bound))
    for k in range(len(evidence.STAKES)):
        assert sum(p * math.exp(x[k]) for p, x in zip(truth, after, strict=True)) <= 1.0 + 1e-12


@given(st.lists(st.tuples(st.floats(-1.0, 1.0), st.floats(0.0, 50.0)), max_size=60))
def test_wealth_stays_above_zero_and_finite(bets):
    wealth = evidence.no_evidence()
    for share, bound in bets:
        wealth = evidence.take(wealth, share * bound, bound)
    assert all(math.isfinite(x) for x in wealth)
    assert 0.0 < evidence.e_value(wealth) <= 1e12


@given(st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_a_gain_helps(gains, random):
    def after(values):
        wealth = evidence.no_evidence()
        for gain in values:
            wealth = evidence.take(wealth, gain, 1.0)
        return evidence.e_value(wealth)

    turned = list(gains)
    random.shuffle(turned)
    assert after(turned) == pytest.approx(after(gains))
    assert after([*gains, 0.1]) > after(gains) > after([*gains, -0.1])


def test_a_model_that_is_worse_or_lucky_seldom_reaches_twenty():
    """The baseline is true and the model adds noise: by Ville's inequality at most 5 % ever reach 20."""

    def reached(seed):
        rng, wealth = np.random.default_rng(seed), evidence.no_evidence()
        for noise in rng.normal(0.0, 0.05, 400):
            prob = [0.5 + noise, 0.5 - noise, 0.0]
            mine, theirs = outcome.direction_losses(prob, [0.5, 0.5, 0.0], int(rng.random() < 0.5))
            wealth = evidence.take(wealth, theirs - mine, outcome.direction_bound(prob, [0.5, 0.5, 0.0]))
            if evidence.e_value(wealth) >= 20.0:
                return True
        return False

    assert sum(reached(seed) for seed in range(100)) <= 5


def test_a_model_that_knows_more_reaches_twenty():
    assert sum(max(path(seed, 400, 0.2)) >= 20.0 for seed in range(20)) >= 18


def test_more_than_was_possible_is_refused():
    with pytest.raises(ValueError, match=r"gain must be at most 0.1 in size, got 0.2"):
        evidence.take(evidence.no_evidence(), 0.2, 0.1)
    assert evidence.take([0.5, 0.5, 0.5, 0.5], 0.0, 0.0) == [0.5] * 4

"""Who gets a say: a coin hardly ever, skill nearly always, and harm loses it again; the published rule beside it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_inference.direction import judge
from contango_inference.direction.params import DirectionParams

P = DirectionParams()
SOURCE = DirectionParams(rule="source_s1")


def followed(record: judge.Record, probs: np.ndarray, rose: np.ndarray, p: DirectionParams) -> list[bool]:
    """Whether it had a say after each prediction; the switch follows at once."""
    said = []
    for i, (prob, up) in enumerate(zip(probs.tolist(), rose.tolist(), strict=True)):
        judge.resolve(record, i, prob, 0.5, bool(up), p)
        on = judge.wants(record, p)
        if on != record.on:
            judge.switched(record, on, p)
        said.append(record.on)
    return said


def overlapping(rng: np.random.Generator, n: int, drift: np.ndarray | float = 0.0) -> np.ndarray:
    """Rises of four-hour sums, one an hour: neighbours share three of their four hours."""
    steps = rng.normal(size=n + 3) + drift
    return np.convolve(steps, np.ones(4), "valid") > 0.0


def test_it_begins_without_a_say_and_the_published_rule_with_one() -> None:
    assert judge.begun(P).on is False
    assert judge.begun(SOURCE).on is True


def test_a_coin_over_overlapping_hours_gets_a_say_in_at_most_one_run_of_twenty() -> None:
    """200 seeds, 600 predictions each, of probabilities that know nothing."""
    ever = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        record = judge.begun(P)
        ever += any(followed(record, rng.uniform(0.3, 0.7, 600), overlapping(rng, 600), P))
    assert ever <= 10, ever


def skilled(rng: np.random.Generator, n: int, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Independent outcomes of probability 0.5 ± edge, and a predictor that knows it."""
    prob = 0.5 + edge * rng.choice([-1.0, 1.0], n)
    return prob, rng.random(n) < prob


def test_skill_gets_a_say_and_harm_loses_it_and_skill_gets_it_back() -> None:
    """An edge of 0.12 is a Brier skill of 6 %: within 180 days of hours nine of ten runs have a say, and as many have
    it back within two such terms after they had lost it. A record of overlapping hours is worth a quarter of its
    length."""
    runs, given_, lost, again = 20, 0, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        record, term = judge.begun(P), P.evidence_days * 24
        given_ += any(followed(record, *skilled(rng, term, 0.12), P))
        prob, rose = skilled(rng, 2000, 0.12)
        lost += not followed(record, 1.0 - prob, rose, P)[-1]
        again += any(followed(record, *skilled(rng, 2 * term, 0.12), P))
    assert min(given_, lost, again) >= 0.9 * runs, (given_, lost, again)


def test_evidence_begins_anew_after_its_term() -> None:
    p = DirectionParams(evidence_days=30)
    record = judge.begun(p)
    followed(record, np.full(30 * 24, 0.6), np.zeros(30 * 24, dtype=bool), p)
    assert judge.e_value(record.forward) < 0.01
    judge.resolve(record, 0, 0.6, 0.5, True, p)
    assert (record.since, record.on) == (720, False)
    assert judge.e_value(record.forward) > 1.0


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=60), st.floats(0.05, 0.95))
def test_the_e_value_is_never_negative_and_a_word_like_the_base_rate_moves_nothing(
    words: list[tuple[float, bool]], base: float
) -> None:
    record, still = judge.begun(P), judge.begun(P)
    for hour, (prob, rose) in enumerate(words):
        judge.resolve(record, hour, prob, base, rose, P)
        judge.resolve(still, hour, base, base, rose, P)
    assert judge.e_value(record.forward) > 0.0
    assert judge.e_value(record.against) > 0.0
    assert judge.e_value(still.forward) == 1.0


def test_the_mean_over_the_offsets_is_an_e_value() -> None:
    """Under the null its mean is at most 1: 4,000 records of a coin, within three standard errors."""
    values = []
    for seed in range(800):
        rng = np.random.default_rng(seed)
        record = judge.begun(P)
        rose = overlapping(rng, 60)
        for hour in range(60):
            judge.resolve(record, hour, float(rng.uniform(0.2, 0.8)), 0.5, bool(rose[hour]), P)
        values.append(judge.e_value(record.forward))
    assert np.mean(values) <= 1.0 + 3.0 * np.std(values) / math.sqrt(len(values))


def test_property_14_below_55_per_cent_of_a_hundred_it_is_off_and_on_again_above() -> None:
    record = judge.begun(SOURCE)
    prob = np.full(100, 0.6)
    right = np.array([True] * 54 + [False] * 46)
    assert followed(record, prob, right, SOURCE)[-1] is False
    assert judge.accuracy(record, SOURCE) == 0.54
    assert followed(record, prob[:2], np.array([True, True]), SOURCE) == [False, False]
    better = followed(record, np.full(60, 0.6), np.array([True] * 60), SOURCE)
    assert better[-1] is True


def test_before_a_hundred_predictions_the_published_rule_says_nothing() -> None:
    record = judge.begun(SOURCE)
    assert followed(record, np.full(99, 0.6), np.zeros(99, dtype=bool), SOURCE) == [True] * 99


def binomial_below(k: int, n: int, p: float) -> float:
    return sum(math.comb(n, i) * p**i * (1.0 - p) ** (n - i) for i in range(k))


@pytest.mark.parametrize(("p", "kept"), [(0.5, 0.184), (0.55, 0.541)])
def test_the_published_rules_errors_are_those_of_a_hundred_coins(p: float, kept: float) -> None:
    """A look at 100 predictions passes a coin in 18 % and silences a predictor that is right in 55 % in 46 %."""
    assert 1.0 - binomial_below(55, 100, p) == pytest.approx(kept, abs=5e-4)


def test_what_is_kept_is_bounded() -> None:
    record = judge.begun(P)
    rng = np.random.default_rng(1)
    followed(record, rng.uniform(0.3, 0.7, 1200), rng.random(1200) < 0.5, P)
    assert len(record.right) == judge.KEPT
    assert record.resolved == 1200

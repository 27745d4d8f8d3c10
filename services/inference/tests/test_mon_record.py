"""Records of forecasts: outcomes by hand, nothing counted twice, told at the right moments, whole after a snapshot."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contango_inference.monitor import evidence, outcome, record, tell

ADAPTER = TypeAdapter(record.Record)
THIRDS = [1 / 3, 1 / 3, 1 / 3]
LEVELS = [0.1, 0.5, 0.9]


def direction_record():
    return record.Record("SPX", "m", "f" * 64, "direction")


def variance_record():
    return record.Record("SPX", "m", "f" * 64, "variance")


def days(state, rng, n, edge=0.0, noise=0.0):
    """n sessions with a forecast each: up with probability 0.5 ± edge; facts told are taken back in."""
    facts, price = [], 100.0
    for _ in range(n):
        up = 0.5 + edge * float(rng.choice([-1.0, 1.0]))
        said = min(max(up + noise * float(rng.normal()), 0.0), 1.0)
        record.expect_direction(state, [said, 1.0 - said, 0.0], [0.5, 0.5, 0.0], base=price, band=0.001)
        price *= math.exp(0.01 if rng.random() < up else -0.01)
        record.session_closed(state, price, None)
        facts += _told(state)
    return facts


def _told(state):
    facts = []
    scored, drifted = tell.scored(state), tell.drifted(state)
    if scored is not None:
        tell.told_scored(state)
        facts.append((state.sessions, scored))
    if drifted is not None:
        tell.told_drift(state)
        facts.append((state.sessions, drifted))
    return facts


# Outcomes


@pytest.mark.parametrize(("close", "came"), [(102.0, 0), (101.0, 2), (100.0, 2), (99.01, 2), (98.9, 1)])
def test_direction_against_its_band(close, came):
    """The band is ln 1.01: a close right on it is neutral."""
    state = direction_record()
    prob = [0.5, 0.2, 0.3]
    record.expect_direction(state, prob, THIRDS, base=100.0, band=math.log(1.01))
    record.session_closed(state, close, None)
    want = sum((p - (k == came)) ** 2 for k, p in enumerate(prob))
    assert state.losses == pytest.approx([want])
    assert state.baseline_losses == pytest.approx([2 / 3])
    assert (state.stated, state.hits) == ([0.5], [came == 0])


def test_variance_is_the_mean_of_its_window():
    state = variance_record()
    record.session_closed(state, 100.0, 9.0)  # before the forecast: not in its window
    record.expect_variance(state, [1, 3], LEVELS, [[0.02, 0.04, 0.08]] * 2, [[0.03, 0.05, 0.09]] * 2)
    for variance in (0.01, 0.05, 0.06, 0.5):
        record.session_closed(state, 100.0, variance)
    slow = [
        [
            sum(
                (a if math.log(came) >= math.log(x) else a - 1.0) * (math.log(came) - math.log(x))
                for a, x in zip(LEVELS, q, strict=True)
            )
            / 3
            for came in (0.01, 0.04)
        ]
        for q in ([0.02, 0.04, 0.08], [0.03, 0.05, 0.09])
    ]
    assert state.losses == pytest.approx(slow[0])
    assert state.baseline_losses == pytest.approx(slow[1])
    assert state.variances == []


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_every_forecast_comes_due_once_waits_or_is_lost(closes, ahead):
    state, made = direction_record(), 0
    for has_close, sessions in zip(closes, ahead, strict=False):
        record.expect_direction(state, [0.6, 0.2, 0.2], THIRDS, base=100.0, band=0.0, sessions_ahead=sessions)
        made += 1
        record.session_closed(state, 101.0 if has_close else None, None)
    assert len(state.losses) + len(state.directions) + state.lost == made
    assert (state.lost > 0) == (state.lost_reason is not None)


@given(st.lists(st.one_of(st.none(), st.floats(0.001, 1.0)), min_size=1, max_size=40))
def test_a_hole_loses_the_windows_that_hold_it(variances):
    state, want = variance_record(), 0
    for i, variance in enumerate(variances):
        record.expect_variance(state, [1, 4], LEVELS, [[0.02, 0.04, 0.08]] * 2, [[0.03, 0.05, 0.09]] * 2)
        record.session_closed(state, 100.0, variance)
        want += variance is not None
        want += i >= 3 and None not in variances[i - 3 : i + 1]
    assert len(state.losses) == want
    assert want + len(state.variances) + state.lost == 2 * len(variances)


@given(st.lists(st.floats(1e-6, 10.0), min_size=3, max_size=3), st.floats(1e-6, 10.0), st.floats(0.01, 0.99))
def test_no_outcome_gains_more_than_the_bound(values, came, level):
    one, other = outcome.variance_losses(came, values[:1], values[1:2], [level])
    assert abs(other - one) <= outcome.variance_bound(values[:1], values[1:2], [level]) * (1 + 1e-9) + 1e-12
    p, q = ([x / sum(v) for x in v] for v in (values, values[::-1]))
    for k in range(3):
        mine, theirs = outcome.direction_losses(p, q, k)
        assert abs(theirs - mine) <= outcome.direction_bound(p, q)


# Evidence


def test_overlapping_forecasts_are_averaged_and_only_some_bear_witness():
    """Three forecasts a session, two sessions ahead: all are scored, one every other session is given to the tests."""
    state = direction_record()
    for _ in range(20):
        for _ in range(3):
            record.expect_direction(state, [0.6, 0.2, 0.2], THIRDS, base=100.0, band=0.0, sessions_ahead=2)
        record.session_closed(state, 101.0, None)
    assert len(state.losses) == 57
    assert len(state.drift) == 10
    wealth = evidence.no_evidence()
    for _ in range(10):
        wealth = evidence.take(wealth, 2 / 3 - 0.24, outcome.direction_bound([0.6, 0.2, 0.2], THIRDS))
    assert state.log_wealth == pytest.approx(wealth)


def test_only_the_shortest_horizon_bears_witness():
    state = variance_record()
    for _ in range(30):
        record.expect_variance(state, [1, 5], LEVELS, [[0.02, 0.04, 0.08]] * 2, [[0.03, 0.05, 0.09]] * 2)
        record.session_closed(state, None, 0.04)
    assert len(state.losses) == 30 + 26
    assert (state.fresh, len(state.drift)) == (30, 30)


def test_a_better_model_shows_and_a_coin_does_not():
    good, coin = direction_record(), direction_record()
    days(good, np.random.default_rng(0), 400, edge=0.25)
    days(coin, np.random.default_rng(0), 400, noise=0.1)
    better, worse = tell.summary(good), tell.summary(coin)
    assert better.skill > 0.05
    assert better.e_value > 20.0
    assert worse.skill < 0.0
    assert worse.e_value < 1.0
    assert better.calibration_error < 0.1


# What is told


def test_scores_are_told_every_twenty():
    state = direction_record()
    facts = days(state, np.random.default_rng(1), 105)
    assert [at for at, _ in facts] == [20, 40, 60, 80, 100]
    last = facts[-1][1]
    assert (last.symbol, last.model, last.model_sha, last.target) == ("SPX", "m", "f" * 64, "direction")
    assert last.resolved == 100
    assert last.skill == pytest.approx(1.0 - last.loss / last.baseline_loss)
    assert facts[0][1].calibration_error is None
    assert last.calibration_error is not None


def test_nothing_due_is_nothing_told():
    state = direction_record()
    assert tell.summary(state) is None
    record.expect_direction(state, THIRDS, THIRDS, base=100.0, band=0.0)
    assert tell.scored(state) is None


def test_losses_that_change_are_told_once_until_calm():
    state = direction_record()
    rng = np.random.default_rng(2)
    facts = days(state, rng, 300, edge=0.45) + days(state, rng, 300, noise=0.4)
    drifts = [(at, fact) for at, fact in facts if type(fact).__name__ == "DriftDetected"]
    assert len(drifts) >= 1
    at, fact = drifts[0]
    assert 300 < at < 400
    assert (fact.subject, fact.test, fact.name) == ("error", "adwin", "loss.direction")
    assert fact.value > fact.limit
    assert state.alarmed is False  # calm came back
    assert all(later - earlier >= record.CALM for (earlier, _), (later, _) in pairwise(drifts))


def test_a_second_change_before_calm_is_not_told():
    state = direction_record()
    state.alarmed, state.drift = True, [0.0] * 40
    for _ in range(31):
        record.expect_direction(state, [0.0, 1.0, 0.0], THIRDS, base=100.0, band=0.0)
        record.session_closed(state, 101.0, None)
    assert len(state.drift) < 40  # a change was found and the list begun anew
    assert tell.drifted(state) is None
    assert state.alarmed


# State


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_a_snapshot_in_between_changes_nothing(seed, cut):
    plain, broken = direction_record(), direction_record()
    one = days(plain, np.random.default_rng(seed), 120, edge=0.3)
    rng = np.random.default_rng(seed)
    other = days(broken, rng, cut, edge=0.3)
    broken = ADAPTER.validate_json(ADAPTER.dump_json(broken))
    other += days(broken, rng, 120 - cut, edge=0.3)
    assert other == one
    assert broken.losses == plain.losses
    assert broken.log_wealth == plain.log_wealth


def test_everything_is_bounded():
    state = direction_record()
    for _ in range(record.WAITING + 10):
        record.expect_direction(state, THIRDS, THIRDS, base=100.0, band=0.0, sessions_ahead=1)
    assert len(state.directions) == record.WAITING
    assert (state.lost, state.lost_reason) == (10, f"more than {record.WAITING} forecasts were waiting")
    record.session_closed(state, 101.0, None)
    assert len(state.losses) == len(state.hits) == record.KEPT
    assert len(ADAPTER.dump_json(state)) < 60_000


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        (lambda s: record.expect_direction(s, THIRDS, THIRDS, base=0.0, band=0.0), "a price of 0.0 with a band of 0.0"),
        (lambda s: record.expect_direction(s, [0.5, 0.4, 0.0], THIRDS, base=1.0, band=0.0), "are not three that sum"),
        (lambda s: record.expect_direction(s, THIRDS, [1.0], base=1.0, band=0.0), "are not three that sum to 1"),
        (lambda s: record.expect_variance(s, [5], [0.5], [[0.0]], [[0.1]]), "over 5 sessions quantiles [0.0] are not"),
        (lambda s: record.expect_variance(s, [5], [0.5], [[0.1]], [[0.1, 0.2]]), "one a level"),
    ],
)
def test_what_cannot_be_scored_is_lost_with_a_reason(expect, reason):
    state = direction_record()
    expect(state)
    assert state.lost == 1
    assert reason in state.lost_reason
    assert state.directions == state.variances == []

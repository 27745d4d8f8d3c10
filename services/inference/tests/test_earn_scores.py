"""Scores of forecasts: properness, known values, and tests that find what is there and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from contango_inference.earnings.build import build
from contango_inference.earnings.dataset import dataset
from contango_inference.earnings.evaluate import direction_verdict, evaluate, has_direction, season
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.scores import auc, auc_limits, coverage, crps, paired, pinball
from contango_inference.earnings.walk import LEVELS, walk
from support.earn_world import world


@given(st.floats(0.05, 0.95), st.integers(0, 1000))
def test_the_pinball_loss_is_least_at_the_quantile(level: float, seed: int):
    """Of all candidates among the values themselves the empirical quantile has the smallest mean loss."""
    values = np.sort(np.random.default_rng(seed).standard_normal(41))
    losses = [pinball(values, np.full((41, 1), q), [level]).mean() for q in values]
    assert losses[int(np.ceil(level * 41)) - 1] == pytest.approx(min(losses), abs=1e-12)


def test_crps_of_a_normal_distribution():
    """Gneiting and Raftery (2007), eq. 21: CRPS(N(0,1), 0) = 2 φ(0) − 1/√π = 0.2337; 199 levels come close."""
    levels = np.arange(1, 200) / 200.0
    losses = pinball(np.zeros(1), ndtri(levels)[None, :], levels)
    assert crps(losses, levels)[0] == pytest.approx(0.23369, abs=5e-4)


def test_clopper_pearson():
    """Brown, Cai, DasGupta, Statistical Science 16 (2001): for 0 of n the upper limit is 1 − (α/2)^(1/n)."""
    found = coverage(np.ones(20), np.full(20, 2.0), np.full(20, 3.0), level=0.95)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1.0 - 0.025 ** (1 / 20))


@given(st.integers(0, 1000))
def test_auc_is_the_share_of_pairs_in_order(seed: int):
    rng = np.random.default_rng(seed)
    ups, scores = (rng.random(30) < 0.5).astype(float), rng.integers(0, 5, 30).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[ups > 0.5] for b in scores[ups < 0.5]]
    if pairs:
        assert auc(ups, scores) == pytest.approx(np.mean(pairs))
        assert auc(ups, -scores) == pytest.approx(1.0 - np.mean(pairs))
    else:
        assert auc(ups, scores) is None


def test_auc_of_chance_has_a_half_in_its_interval():
    rng = np.random.default_rng(0)
    found = auc_limits((rng.random(800) < 0.5).astype(float), rng.random(800), block=10, seed=0)
    assert found.low < 0.5 < found.high


def test_a_paired_comparison_finds_a_gain_and_no_gain():
    rng = np.random.default_rng(4)
    common = rng.exponential(size=1000)
    better, same = common * 0.95, common + 0.2 * rng.standard_normal(1000)
    found = paired(better, common, block=20, seed=0)
    assert found.skill.value == pytest.approx(0.05)
    assert found.skill.low > 0.0
    assert found.p_two_sided < 0.001
    nothing = paired(same, common, block=20, seed=0)
    assert nothing.skill.low < 0.0 < nothing.skill.high
    assert nothing.p_two_sided > 0.01


def test_a_paired_comparison_is_antisymmetric():
    rng = np.random.default_rng(4)
    a, b = rng.exponential(size=(2, 300))
    assert paired(a, b, block=5, seed=0).statistic == pytest.approx(-paired(b, a, block=5, seed=0).statistic)


@pytest.fixture(scope="module")
def judged():
    data = dataset(build(*world(symbols=10, sessions=1500)))
    made = walk(data, EarningsParams(trees=25, least_training=60, fold_years=1, boosting_rounds=15))
    return data, made, evaluate(data, made)


def test_in_a_world_of_forecastable_sizes_and_chance_directions(judged):
    """Symbols differ in scale alone: no direction; intervals hold about 80 %."""
    _, _, found = judged
    shipped = next(m for m in found.magnitude if m.model == "forest")
    assert 0.7 < shipped.coverage.value < 0.9
    assert not has_direction(found.direction)
    assert found.verdict[1].startswith("direction: no evidence")
    assert found.verdict[0].startswith("magnitude: ")
    assert sum(era.events for era in found.eras) == found.events


def test_a_model_that_sees_the_direction_is_recognised(judged):
    data, made, _ = judged
    ups = (data.move[made.rows] > 0.0).astype(float)
    made.up["oracle"] = np.where(ups > 0.5, 0.8, 0.2)
    found = evaluate(data, made)
    del made.up["oracle"]
    assert has_direction(found.direction)
    assert direction_verdict(found.direction).startswith("direction: evidence of skill")


def test_scores_of_the_naive_forecast_against_itself(judged):
    _, _, found = judged
    naive = next(m for m in found.magnitude if m.model == "naive")
    assert naive.against_naive.skill.value == 0.0
    assert naive.against_naive.statistic is None


def test_a_season_is_a_quarter_of_a_years_events(judged):
    data, _, _ = judged
    assert 8 <= season(data) <= 12  # ten symbols
    assert len(LEVELS) == 5

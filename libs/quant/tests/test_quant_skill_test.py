"""The promotion test: lucky models stay at 0, real ones earn, the statistic is statsmodels' with its correction."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from contango_quant.stats import bootstrap, fdr, skill_interval
from contango_quant.stats import skill_test as promotion
from contango_quant.stats.diebold_mariano import diebold_mariano

SEEDS = range(200)
RESAMPLES = 400


def earned(make, **options):
    """Share of 200 seeds on which the model earns its weight."""
    verdicts = (promotion.skill_test(*make(np.random.default_rng(s)), resamples=RESAMPLES, **options) for s in SEEDS)
    return sum(v.earns for v in verdicts) / len(SEEDS)


def coin(rng, n=5000):
    """Probabilities that have nothing to do with the outcome."""
    p, y = np.clip(0.5 + 0.07 * rng.normal(size=n), 0.0, 1.0), rng.random(n) < 0.5
    return (p - y) ** 2, (0.5 - y) ** 2


def equal(rng, n=5000):
    """The harder null: model and baseline know the same, each with an error of its own of the same size."""
    s = 0.07 * rng.choice([-1.0, 1.0], size=n)
    y, (mine, theirs) = rng.random(n) < 0.5 + s, 0.07 * rng.choice([-1.0, 1.0], size=(2, n))
    return (0.5 + s + mine - y) ** 2, (0.5 + s + theirs - y) ** 2


def planted(rng, n=5000):
    """The model knows the probability 0.5 ± 0.0707, the baseline says 0.5: Brier skill 4 · 0.0707² = 2 %."""
    s = math.sqrt(0.005) * rng.choice([-1.0, 1.0], size=n)
    y = rng.random(n) < 0.5 + s
    return (0.5 + s - y) ** 2, np.full(n, 0.25)


def overlapping(rng, n=5250, window=21):
    """Targets are means of 21 successive shocks, forecasts equally bad; losses hang together over the window."""
    x, mine, theirs = (
        np.convolve(e, np.ones(window), "valid") / math.sqrt(window) for e in rng.normal(size=(3, n + window - 1))
    )
    return (x - 0.3 * mine) ** 2, (x - 0.3 * theirs) ** 2


# What the test is for


def test_a_coin_earns_nothing():
    assert earned(coin) <= 0.05


def test_equal_skill_earns_nothing():
    assert earned(equal) <= 0.05


def test_equal_skill_on_overlapping_targets_earns_nothing():
    assert earned(overlapping, overlap=21) <= 0.05


def test_equal_skill_that_remembers_earns_nothing():
    """Gains with an autocorrelation of 0.9 and no overlap that anybody knew of."""

    def remembering(rng, n=2000):
        gains = lfilter([1.0], [1.0, -0.9], rng.normal(size=n + 200))[200:]
        return 1.0 - 0.05 * gains, np.ones(n)

    assert earned(remembering) <= 0.05


def test_two_per_cent_of_brier_skill_earn():
    assert earned(planted) >= 0.9


def test_many_lucky_models_rarely_leave_one_standing():
    """Twenty of equal skill tested together: at 2.5 % each two in five such families would have a winner."""
    alone, together = 0, 0
    for seed in range(30):
        rng = np.random.default_rng(10_000 + seed)
        found = {str(i): promotion.skill_test(*equal(rng, 1000), resamples=200) for i in range(20)}
        alone += any(s.earns for s in found.values())
        together += any(s.earns for s in promotion.corrected(found).values())
    assert together <= 3 < alone


# Laws


@st.composite
def records(draw):
    n, seed = draw(st.integers(20, 120)), draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    return rng.uniform(0.0, 2.0, n), rng.uniform(0.0, 2.0, n)


@settings(max_examples=50)
@given(records(), st.integers(1, 5))
def test_only_all_evidence_together_earns(case, overlap):
    got = promotion.skill_test(*case, overlap=overlap, min_effective=10, resamples=100)
    enough = len(case[0]) / overlap >= 10
    useful = got.skill >= promotion.LEAST_SKILL
    assert got.earns == (enough and got.p_value < 0.025 and got.low > 0.0 and useful)
    assert got.low <= got.high
    assert got.skill == pytest.approx(1.0 - got.loss / got.baseline_loss)
    assert ("earns its weight" in got.reason) == got.earns
    assert ("stays at 0" in got.reason) != got.earns


@settings(max_examples=50)
@given(records(), st.sampled_from([0.125, 4.0, 1024.0]))
def test_units_do_not_matter_and_swapping_sides_turns_the_sign(case, scale):
    plain = promotion.skill_test(*case, resamples=100)
    other = promotion.skill_test(case[0] * scale, case[1] * scale, resamples=100)
    for name in ("skill", "low", "high", "statistic", "p_value"):
        assert getattr(other, name) == pytest.approx(getattr(plain, name), rel=1e-9)
    swapped = promotion.skill_test(case[1], case[0], resamples=100)
    assert swapped.statistic == pytest.approx(-plain.statistic)
    assert swapped.p_value == pytest.approx(1.0 - plain.p_value)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), st.floats(0.01, 0.4))
def test_correction_only_takes_away_and_is_that_of_benjamini_and_hochberg(p_values, rate):
    base = promotion.Skill(900, 0.2, 0.21, 0.05, 0.01, 0.09, 2.0, 0.0, True, "skill 5 %: earns its weight")
    before = {str(i): replace(base, p_value=p, earns=p < rate) for i, p in enumerate(p_values)}
    after = promotion.corrected(before, rate=rate)
    rejected = fdr.benjamini_hochberg(p_values, rate=rate).rejected.tolist()
    assert [s.earns for s in after.values()] == [b.earns and r for b, r in zip(before.values(), rejected, strict=True)]
    lost = [name for name in before if before[name].earns and not after[name].earns]
    assert all("stays at 0 (q = " in after[name].reason for name in lost)
    assert all(after[name] == before[name] for name in before if name not in lost)


def test_a_small_p_alone_does_not_earn():
    """Few gains with a heavy tail of losses: the test is satisfied, the bootstrap's interval reaches below 0."""
    gains = 1.27 - np.random.default_rng(1714).exponential(size=60)
    found = promotion.skill_test(2.0 - gains, np.full(60, 2.0), min_effective=10, resamples=200)
    assert found.p_value < 0.025
    assert found.low <= 0.0
    assert not found.earns


def test_a_sure_gain_of_nothing_does_not_earn():
    base = np.random.default_rng(0).uniform(0.2, 0.3, 400)
    found = promotion.skill_test(base * (1.0 - 5e-4), base, resamples=200)
    assert found.low > 0.0
    assert found.reason.endswith("stays at 0 (less than a thousandth of the loss is saved)")


def test_a_target_without_a_p_value_was_tested_too():
    one = promotion.Skill(900, 0.2, 0.21, 0.05, 0.01, 0.09, 2.0, 0.02, True, "skill 5 %: earns its weight")
    none = replace(one, p_value=None, earns=False, reason="no figures: stays at 0")
    assert promotion.corrected({"a": one})["a"].earns
    assert not promotion.corrected({"a": one, "b": none})["a"].earns


# Twins


@pytest.mark.parametrize("lags", [0, 1, 4, 12])
def test_statistic_is_statsmodels_with_the_correction_of_harvey_leybourne_and_newbold(lags):
    rng = np.random.default_rng(lags)
    gains = np.convolve(rng.normal(size=160), np.ones(4), "valid") + 0.4
    n, h = gains.size, lags + 1
    theirs = sm.OLS(gains, np.ones(n)).fit(cov_type="HAC", cov_kwds={"maxlags": lags}).tvalues[0]
    correction = math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    statistic, p = diebold_mariano(gains, lags=lags)
    assert statistic == pytest.approx(theirs * correction, rel=1e-10)
    assert p == pytest.approx(stats.t.sf(statistic, n - 1), rel=1e-9)


@given(st.lists(st.floats(-10.0, 10.0), min_size=3, max_size=30))
def test_without_lags_it_is_students_t(gains):
    statistic, p = diebold_mariano(gains, lags=0)
    theirs = stats.ttest_1samp(gains, 0.0, alternative="greater") if np.ptp(gains) > 1e-6 else None
    if theirs is None:
        assert statistic is None or np.ptp(gains) > 0.0
    else:
        assert (statistic, p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("overlap", [1, 8])
def test_interval_is_that_of_the_plain_bootstrap(overlap):
    """Drawn otherwise, the same in law: ends within a tenth of the width of what `bootstrap.interval` gives."""
    rng = np.random.default_rng(overlap)
    base = np.convolve(rng.uniform(0.1, 0.3, 607), np.ones(8) / 8, "valid")
    model = base - 0.002 + np.convolve(0.05 * rng.normal(size=607), np.ones(8) / 8, "valid")
    low, high = skill_interval.skill_interval(model, base, overlap=overlap, tail=0.05, resamples=4000)
    theirs = bootstrap.interval(
        lambda pairs: 1.0 - float(pairs[:, 0].sum() / pairs[:, 1].sum()),
        np.column_stack([model, base]),
        draw=bootstrap.stationary(skill_interval.mean_block_for(base - model, overlap)),
        rng=rng,
        resamples=4000,
        level=0.9,
    )
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.1 * (theirs.high - theirs.low))


@pytest.mark.parametrize("mean_block", [1.0, 3.0, 60.0])
def test_resamples_hold_n_values_each_drawn_equally_often(mean_block):
    n = 50
    columns = [np.ones(n), np.arange(n, dtype=float)]
    ones, sums = skill_interval._resampled_sums(columns, mean_block, np.random.default_rng(0), 4000)
    np.testing.assert_allclose(ones, n)
    assert sums.mean() / n == pytest.approx((n - 1) / 2, abs=5.0 * sums.std() / n / math.sqrt(4000))


# Words and edges


def test_words_say_why():
    rng = np.random.default_rng(5)
    base = rng.uniform(0.2, 0.3, 600)
    even = promotion.skill_test(base + 0.05 * rng.normal(size=600), base)
    assert re.fullmatch(r"skill -?\d\.\d % \[-?\d\.\d %, -?\d\.\d %\], p = \S+: stays at 0", even.reason)
    few = promotion.skill_test(base[:100] * 0.5, base[:100], overlap=5)
    assert few.reason.endswith("stays at 0 (20 effective forecasts, 250 are needed)")
    same = promotion.skill_test(base, base)
    assert (same.statistic, same.p_value, same.skill, same.low) == (None, None, 0.0, 0.0)
    assert same.reason == "skill 0.0 % [0.0 %, 0.0 %]: stays at 0 (its losses hardly differ from the baseline's)"
    none = promotion.skill_test(base, np.zeros(600))
    assert none.skill is None
    assert none.low is None
    assert none.reason.endswith("stays at 0 (the baseline's losses are 0, skill is undefined)")


def test_the_same_seed_gives_the_same_verdict():
    case = planted(np.random.default_rng(1), 600)
    assert promotion.skill_test(*case, seed=3) == promotion.skill_test(*case, seed=3)
    assert promotion.skill_test(*case, seed=3).low != promotion.skill_test(*case, seed=4).low


def test_too_little_is_none_and_bad_input_is_named():
    assert diebold_mariano([1.0, 2.0], lags=0) == (None, None)
    assert diebold_mariano([1.0, 1.0, 1.0], lags=0) == (None, None)
    assert skill_interval.skill_interval([1.0], [2.0]) == (None, None)
    with pytest.raises(ValueError, match=r"columns must be equally long, got losses 1, baseline_losses 2"):
        promotion.skill_test([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"losses must be finite, got nan at position 0"):
        promotion.skill_test([math.nan], [1.0])
    with pytest.raises(ValueError, match=r"overlap must be an integer of at least 1, got 0"):
        promotion.skill_test([1.0], [1.0], overlap=0)
    with pytest.raises(ValueError, match=r"losses must have at least one row"):
        promotion.skill_test([], [])

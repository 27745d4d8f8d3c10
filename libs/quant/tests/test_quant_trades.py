"""Intervals of trade figures, trades needed to know, and rules compared by shuffling."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from contango_quant.stats import performance, permutation, power, trade_intervals


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.5, 0.999))
def test_win_rate_interval_is_wilsons(wins, losses, level):
    got = trade_intervals.win_rate_interval(wins, wins + losses, level=level)
    if wins + losses == 0:
        assert got is None
        return
    want = proportion_confint(wins, wins + losses, alpha=1.0 - level, method="wilson")
    assert got == pytest.approx(want, abs=1e-9)
    assert 0.0 <= got[0] <= wins / (wins + losses) <= got[1] <= 1.0


def seller(rng, n):
    """Nine small gains to one large loss, on average 0.13 a trade."""
    return np.where(rng.random(n) < 0.9, 0.5, -3.2) * rng.uniform(0.5, 1.5, n)


def test_intervals_of_trades_cover():
    hits = {"expectancy": 0, "profit_factor": 0}
    truth = {"expectancy": 0.9 * 0.5 - 0.32, "profit_factor": 0.45 / 0.32}
    for seed in range(120):
        rng = np.random.default_rng(seed)
        pnls = seller(rng, 300)
        for name in hits:
            found = trade_intervals.measured(getattr(performance, name), pnls, rng=rng, resamples=200).interval
            hits[name] += found.low < truth[name] < found.high
    for name, count in hits.items():
        assert count / 120 == pytest.approx(0.88, abs=0.08), name


def test_figures_are_those_of_performance_and_the_seed_decides():
    pnls = seller(np.random.default_rng(1), 200)
    calls = {
        "profit_factor": lambda rng: trade_intervals.profit_factor(pnls, rng=rng),
        "expectancy": lambda rng: trade_intervals.expectancy(pnls, rng=rng),
        "cvar": lambda rng: trade_intervals.cvar(pnls, rng=rng, tail=0.9),
        "sharpe": lambda rng: trade_intervals.sharpe(pnls, periods_per_year=52.0, rng=rng),
        "sortino": lambda rng: trade_intervals.sortino(pnls, periods_per_year=52.0, rng=rng),
    }
    plain = {
        "profit_factor": performance.profit_factor(pnls),
        "expectancy": performance.expectancy(pnls),
        "cvar": performance.cvar(pnls, level=0.9),
        "sharpe": performance.sharpe(pnls, periods_per_year=52.0),
        "sortino": performance.sortino(pnls, periods_per_year=52.0),
    }
    for name, call in calls.items():
        got = call(np.random.default_rng(5))
        assert got == call(np.random.default_rng(5))
        assert got.value == plain[name]
        assert got.interval.low < got.value < got.interval.high


def test_what_is_not_defined_has_no_value():
    got = trade_intervals.profit_factor([1.0, 2.0, 3.0], rng=np.random.default_rng(0))
    assert got == (None, None)


@pytest.mark.parametrize("effect", [0.05, 0.13, 0.5, 1.0])
@pytest.mark.parametrize(("confidence", "wanted"), [(0.95, 0.8), (0.9, 0.5), (0.99, 0.95)])
def test_trades_needed_are_those_of_statsmodels(effect, confidence, wanted):
    want = TTestPower().solve_power(effect_size=effect, alpha=1.0 - confidence, power=wanted, alternative="larger")
    got = power.trades_needed(mean=3.0 * effect, spread=3.0, confidence=confidence, power=wanted)
    assert got == max(2, math.ceil(float(np.squeeze(want)) - 1e-6))


@settings(max_examples=50)
@given(st.floats(0.01, 3.0), st.floats(0.5, 0.999), st.floats(0.06, 0.99))
def test_trades_needed_are_enough_and_one_less_is_not(effect, confidence, wanted):
    rest = {"mean": effect, "spread": 1.0, "confidence": confidence}
    n = power.trades_needed(**rest, power=wanted)
    assert power.power_of_mean(n, **rest) >= wanted
    if n > 2:
        assert power.power_of_mean(n - 1, **rest) < wanted


def test_power_is_what_happens():
    rng = np.random.default_rng(3)
    samples = rng.normal(0.25, 1.0, (20_000, 60))
    t = samples.mean(axis=1) / samples.std(axis=1, ddof=1) * math.sqrt(60)
    share = float(np.mean(t > scipy_stats.t.ppf(0.95, 59)))
    assert power.power_of_mean(60, mean=0.25, spread=1.0) == pytest.approx(share, abs=0.01)
    assert power.power_of_mean(60, mean=0.0, spread=1.0) == pytest.approx(0.05, abs=1e-9)


def test_power_passes_smoothly_to_the_normal_limit():
    for n, effect in ((100_001, 0.008), (100_003, 0.01)):
        near = power.power_of_mean(n - 4, mean=effect, spread=1.0)
        assert power.power_of_mean(n, mean=effect, spread=1.0) == pytest.approx(near, abs=1e-4)


def test_no_number_of_trades_shows_a_loss_to_be_a_gain():
    assert power.trades_needed(mean=0.0, spread=1.0) is None
    assert power.trades_needed(mean=-1.0, spread=1.0) is None
    assert power.trades_needed(mean=1e-9, spread=1.0) is None


def mean_gap(values, touched, strata):
    """Σ trades of the stratum · gap of means / Σ trades, over strata with both kinds."""
    total, weight = 0.0, 0
    for s in sorted(set(strata)):
        one = [v for v, t, x in zip(values, touched, strata) if x == s and t]
        other = [v for v, t, x in zip(values, touched, strata) if x == s and not t]
        if one and other:
            total += (len(one) + len(other)) * (sum(one) / len(one) - sum(other) / len(other))
            weight += len(one) + len(other)
    return total / weight if weight else None


ROWS = st.lists(st.tuples(st.integers(-9, 9).map(float), st.booleans(), st.sampled_from("abc")), max_size=30)


@settings(max_examples=40)
@given(ROWS)
def test_effect_is_the_slow_one(rows):
    values, touched, strata = ([r[i] for r in rows] for i in range(3))
    flags = np.array(touched, dtype=bool)
    got = permutation.compare(
        performance.expectancy, values, flags, strata=strata, rng=np.random.default_rng(0), shuffles=20
    )
    want = mean_gap(values, touched, strata)
    if want is None:
        assert got is None
    else:
        assert got.effect == pytest.approx(want, abs=1e-9)
        assert min(got.p_two_sided, got.p_greater, got.p_less) >= 1 / 21
        assert got.p_greater + got.p_less >= 1.0
        mirror = permutation.compare(
            performance.expectancy, values, ~flags, strata=strata, rng=np.random.default_rng(0), shuffles=20
        )
        assert mirror.effect == pytest.approx(-want, abs=1e-9)


def test_shuffling_agrees_with_scipy():
    rng = np.random.default_rng(4)
    values, touched = rng.normal(size=60), rng.random(60) < 0.4
    values[touched] += 0.4
    got = permutation.compare(performance.expectancy, values, touched, strata=np.zeros(60), rng=rng, shuffles=2000)
    want = scipy_stats.permutation_test(
        (values[touched], values[~touched]), lambda a, b: a.mean() - b.mean(), n_resamples=2000, rng=rng
    )
    assert got.effect == pytest.approx(want.statistic)
    assert got.p_two_sided == pytest.approx(want.pvalue, abs=0.03)


def test_p_values_are_uniform_when_the_rule_does_nothing_though_regimes_differ():
    """The rule is used in the bad regime only too often: without strata it would look harmful."""
    low = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        regime = rng.random(60) < 0.5
        values = rng.normal(size=60) - 2.0 * regime
        touched = rng.random(60) < np.where(regime, 0.8, 0.2)
        got = permutation.compare(performance.expectancy, values, touched, strata=regime, rng=rng, shuffles=99)
        low += got.p_two_sided <= 0.1
    assert low / 200 == pytest.approx(0.1, abs=0.06)


def test_a_rule_that_cuts_rare_losses_is_seen_in_mean_and_tail_but_not_in_ranks():
    rng = np.random.default_rng(6)
    touched = np.arange(800) % 2 == 0
    values = rng.normal(13.0, 3.0, 800)
    lost = rng.random(800) < np.where(touched, 0.01, 0.08)
    values[lost] = -160.0
    strata = np.zeros(800)
    mean = permutation.compare(performance.expectancy, values, touched, strata=strata, rng=rng, shuffles=499)
    tail = permutation.compare(performance.cvar, values, touched, strata=strata, rng=rng, shuffles=499)
    assert mean.p_greater < 0.01
    assert tail.p_less < 0.01
    assert tail.effect < 0.0
    assert scipy_stats.mannwhitneyu(values[touched], values[~touched]).pvalue > 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trade_intervals.win_rate_interval(3, 2), r"wins must be at most trades, got 3 of 2"),
        (lambda: power.trades_needed(mean=1.0, spread=0.0), r"spread must be finite and above 0, got 0.0"),
        (lambda: power.trades_needed(mean=1.0, spread=1.0, power=1.0), r"power must be between 0 and 1, got 1.0"),
        (lambda: power.power_of_mean(1, mean=1.0, spread=1.0), r"trades must be an integer of at least 2, got 1"),
        (
            lambda: permutation.compare(
                performance.expectancy, [1.0, 2.0], [True], strata=[0, 0], rng=np.random.default_rng(0)
            ),
            r"equally long, got shapes \(2,\), \(1,\), \(2,\)",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""Fuzzy confidence: shapes of the memberships, weights over what is present, effective number, fusion, size."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contango_quant.fuzzy import effective as ef
from contango_quant.fuzzy.confidence import FACTORS, WEIGHTS, confidence, confidence_source, memberships
from contango_quant.fuzzy.fusion import fused
from contango_quant.fuzzy.membership import crossover, gaussian, linear, linear_decay, trapezoid
from contango_quant.fuzzy.size import g, quantity

UNIT = st.floats(0.0, 1.0)
NUMBER = st.floats(-1e6, 1e6)
SHAPES = {
    "trapezoid": lambda x: trapezoid(x, 30.0, 40.0, 60.0, 70.0),
    "linear": lambda x: linear(x, 0.0, 60.0),
    "linear_decay": lambda x: linear_decay(x, 12.0, 30.0),
    "gaussian": lambda x: gaussian(x, 0.5, 0.25),
    "crossover": lambda x: crossover(x, 1.5, 4.0),
}
RISING, FALLING = ("linear",), ("linear_decay", "crossover")
PEAKS = {"trapezoid": 50.0, "gaussian": 0.5}
# A value at which each factor is a full member.
BEST = {
    "mtf": 0.0,
    "iv": 60.0,
    "regime": 12.0,
    "rsi": 50.0,
    "adx": 25.0,
    "bb": 0.5,
    "stoch": 50.0,
    "vol": -200.0,
    "sma": 0.0,
    "psar": 0.02,
}
VALUES = st.fixed_dictionaries({}, optional={name: st.none() | st.floats(-200.0, 200.0) for name in FACTORS})
WEIGHTINGS = st.dictionaries(st.sampled_from(FACTORS), st.floats(0.01, 10.0), min_size=1)


# Memberships


@pytest.mark.parametrize("name", sorted(SHAPES))
@given(st.none() | st.floats(-1e100, 1e100) | st.sampled_from((math.inf, -math.inf, math.nan)))
def test_a_membership_is_in_the_unit_interval_and_unknown_stays_unknown(name: str, x: float | None) -> None:
    degree = SHAPES[name](x)
    if x is None or math.isnan(x):
        assert degree is None
    else:
        assert degree is not None
        assert 0.0 <= degree <= 1.0


@pytest.mark.parametrize("name", [*RISING, *FALLING])
@given(NUMBER, NUMBER)
def test_a_slope_is_monotone(name: str, x: float, y: float) -> None:
    low, high = SHAPES[name](min(x, y)), SHAPES[name](max(x, y))
    assert low is not None
    assert high is not None
    assert low <= high if name in RISING else low >= high


@pytest.mark.parametrize("name", sorted(PEAKS))
@given(st.floats(0.0, 1e3), st.floats(0.0, 1e3))
def test_a_hill_falls_off_on_both_sides_alike(name: str, near: float, far: float) -> None:
    near, far = sorted((near, far))
    for side in (-1.0, 1.0):
        one, other = SHAPES[name](PEAKS[name] + side * near), SHAPES[name](PEAKS[name] + side * far)
        assert one is not None
        assert other is not None
        assert one >= other
    assert SHAPES[name](PEAKS[name] + near) == pytest.approx(SHAPES[name](PEAKS[name] - near), abs=1e-12)


@given(st.lists(st.integers(-50, 50).map(float), min_size=4, max_size=4).map(sorted), st.integers(-60, 60).map(float))
def test_a_trapezoid_is_the_lower_of_its_two_slopes(corners: list[float], x: float) -> None:
    """Steps (two equal corners) included: a corner belongs to the plateau."""
    a, b, c, d = corners
    up = 1.0 if x >= b else 0.0 if x <= a else (x - a) / (b - a)
    down = 1.0 if x <= c else 0.0 if x >= d else (d - x) / (d - c)
    assert trapezoid(x, a, b, c, d) == pytest.approx(min(up, down))


@given(NUMBER, st.floats(-100.0, 100.0), st.floats(0.01, 100.0))
def test_a_line_and_its_decay_add_to_one(x: float, low: float, width: float) -> None:
    up, down = linear(x, low, low + width), linear_decay(x, low, low + width)
    assert up is not None
    assert down is not None
    assert up + down == pytest.approx(1.0)


@given(st.floats(-5.0, 5.0), st.floats(-5.0, 5.0), st.floats(0.1, 50.0))
def test_a_crossover_is_symmetric_around_its_middle(off: float, middle: float, slope: float) -> None:
    left, right = crossover(middle - off, middle, slope), crossover(middle + off, middle, slope)
    assert left is not None
    assert right is not None
    assert left + right == pytest.approx(1.0)
    assert crossover(middle + off, middle, -slope) == pytest.approx(left, abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        (trapezoid, (2.0, 1.0, 3.0, 4.0)),
        (trapezoid, (0.0, 1.0, 3.0, math.nan)),
        (linear, (1.0, 1.0)),
        (linear_decay, (2.0, 1.0)),
        (gaussian, (0.0, 0.0)),
        (gaussian, (0.0, -1.0)),
    ],
)
def test_shapes_without_a_slope_are_refused(shape: object, corners: tuple[float, ...]) -> None:
    assert callable(shape)
    with pytest.raises(ValueError):
        shape(0.0, *corners)


# The ten factors


def test_weights_are_the_published_ones() -> None:
    published = (18, 14, 11, 10, 10, 9, 8, 7, 6, 7)
    assert FACTORS == ("mtf", "iv", "regime", "rsi", "adx", "bb", "stoch", "vol", "sma", "psar")
    assert [round(100.0 * WEIGHTS[name], 9) for name in FACTORS] == list(published)
    assert sum(published) == 100


@pytest.mark.parametrize(
    ("factor", "value", "degree"),
    [
        ("mtf", 0.0, 1.0),
        ("mtf", 0.004, 0.6),  # 1 − 100·0.004
        ("mtf", -0.004, 0.6),
        ("mtf", 0.01, 0.0),
        ("iv", 45.0, 0.75),  # 45/60
        ("iv", 60.0, 1.0),
        ("iv", 95.0, 1.0),
        ("regime", 12.0, 1.0),
        ("regime", 16.5, 0.75),  # (30 − 16.5)/18
        ("regime", 30.0, 0.0),
        ("rsi", 30.0, 0.0),
        ("rsi", 32.5, 0.25),
        ("rsi", 40.0, 1.0),
        ("rsi", 60.0, 1.0),
        ("rsi", 67.5, 0.25),
        ("adx", 25.0, 1.0),
        ("adx", 28.0, 0.8),  # (40 − 28)/15
        ("adx", 40.0, 0.0),
        ("bb", 0.5, 1.0),
        ("bb", 0.75, math.exp(-0.5)),
        ("bb", 0.0, math.exp(-2.0)),
        ("stoch", 20.0, 0.5),
        ("stoch", 30.0, 1.0),
        ("stoch", 70.0, 1.0),
        ("stoch", 85.0, 0.25),
        ("vol", 1.5, 0.5),
        ("vol", 1.0, 1.0 / (1.0 + math.exp(-2.0))),
        ("sma", 0.005, 0.75),
        ("sma", -0.02, 0.0),
        ("psar", 0.005, 0.0),
        ("psar", 0.0125, 0.5),
        ("psar", -0.02, 1.0),
    ],
)
def test_memberships_by_hand(factor: str, value: float, degree: float) -> None:
    assert memberships({factor: value})[factor] == pytest.approx(degree)
    assert {m for name, m in memberships({factor: value}).items() if name != factor} == {None}


def test_the_best_values_are_full_members() -> None:
    assert memberships(BEST) == pytest.approx(dict.fromkeys(FACTORS, 1.0))


# Confidence


@given(VALUES, WEIGHTINGS, UNIT)
def test_the_score_is_the_mean_of_what_is_present(
    values: dict[str, float | None], weights: dict[str, float], least: float
) -> None:
    found, degrees = confidence(values, weights=weights, min_coverage=least), memberships(values)
    present = [name for name in weights if degrees[name] is not None]
    held = math.fsum(weights[name] for name in present)
    assert found.memberships == degrees
    assert found.missing == tuple(name for name in weights if name not in present)
    assert found.coverage == pytest.approx(held / math.fsum(weights.values()))
    assert (found.score is None) == (found.reason is not None)
    if found.score is None:
        assert not present or found.coverage < least
        assert found.contributions == {}
        assert found.reason is not None
        assert all(name in found.reason for name in found.missing)
    else:
        mean = math.fsum(weights[name] * (degrees[name] or 0.0) for name in present) / held
        assert found.score == pytest.approx(mean)
        assert 0.0 <= found.score <= 1.0
        assert list(found.contributions) == present
        assert math.fsum(found.contributions.values()) == pytest.approx(found.score)


@given(VALUES, st.sampled_from(FACTORS))
def test_a_missing_factor_is_neither_nothing_nor_a_half(values: dict[str, float | None], dropped: str) -> None:
    """Leaving a factor out is the same as giving it no weight at all."""
    without = {name: x for name, x in values.items() if name != dropped}
    light = {name: w for name, w in WEIGHTS.items() if name != dropped}
    one = confidence(without, min_coverage=0.0)
    other = confidence(without, weights=light, min_coverage=0.0)
    assert one.score == (None if other.score is None else pytest.approx(other.score))
    assert one.contributions == pytest.approx(other.contributions)


@given(st.lists(st.sampled_from(FACTORS), unique=True))
def test_full_members_are_sure_of_it_whoever_is_missing(names: list[str]) -> None:
    found = confidence({name: BEST[name] for name in names})
    cents = sum(round(100 * WEIGHTS[name]) for name in names)
    if cents >= 70:  # seven tenths exactly are enough: there are ten such sets
        assert found.score == pytest.approx(1.0)
        assert found.reason is None
    else:
        assert found.score is None


def test_every_set_of_exactly_seven_tenths_is_enough() -> None:
    sets = [
        names
        for n in range(1, 10)
        for names in itertools.combinations(FACTORS, n)
        if sum(round(100 * WEIGHTS[name]) for name in names) == 70
    ]
    assert len(sets) == 10
    for names in sets:
        assert confidence({name: BEST[name] for name in names}).score == pytest.approx(1.0)


@given(VALUES, WEIGHTINGS, st.floats(0.01, 100.0))
def test_only_the_proportions_of_the_weights_count(
    values: dict[str, float | None], weights: dict[str, float], scale: float
) -> None:
    one = confidence(values, weights=weights, min_coverage=0.0)
    other = confidence(values, weights={name: scale * w for name, w in weights.items()}, min_coverage=0.0)
    assert other.score == (None if one.score is None else pytest.approx(one.score))
    assert other.coverage == pytest.approx(one.coverage)


@given(VALUES, st.sampled_from(("mtf", "sma", "psar")))
def test_distances_count_by_their_size(values: dict[str, float | None], name: str) -> None:
    x = values.get(name)
    assume(x is not None)
    assert x is not None
    assert memberships({**values, name: -x}) == memberships(values)


@given(VALUES)
def test_not_a_number_is_missing(values: dict[str, float | None]) -> None:
    as_nan = {name: math.nan if values.get(name) is None else values[name] for name in FACTORS}
    assert confidence(as_nan) == confidence(values)


def test_a_score_by_hand() -> None:
    """0.18·0.6 + 0.14·0.5 + 0.11·1 + 0.10·1 + 0.10·0 + 0.09·1 + 0.08·0.5 = 0.518 of a weight of 0.80."""
    values = {"mtf": 0.004, "iv": 30.0, "regime": 12.0, "rsi": 50.0, "adx": 40.0, "bb": 0.5, "stoch": 20.0}
    found = confidence(values)
    assert found.score == pytest.approx(0.6475)
    assert found.coverage == pytest.approx(0.80)
    assert found.missing == ("vol", "sma", "psar")
    assert found.contributions["mtf"] == pytest.approx(0.135)
    assert confidence_source(values) == pytest.approx(0.518 + 0.5 * 0.20)


def test_below_the_coverage_there_is_no_score_and_the_reason_names_what_is_missing() -> None:
    found = confidence({name: BEST[name] for name in ("mtf", "iv", "regime", "rsi", "adx")})  # 0.63
    assert found.score is None
    assert found.coverage == pytest.approx(0.63)
    assert found.reason == "63% of the weight is present, 70% is needed: bb, stoch, vol, sma, psar missing"


@pytest.mark.parametrize("weights", [{}, {"mtf": 0.0}, {"mtf": -0.1, "iv": 1.0}, {"cmf": 1.0}, {"mtf": math.nan}])
def test_impossible_weights_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights must"):
        confidence({}, weights=weights)


@given(VALUES)
def test_the_published_score_counts_a_half_for_what_is_missing(values: dict[str, float | None]) -> None:
    degrees = memberships(values)
    by_hand = math.fsum(WEIGHTS[name] * (0.5 if (m := degrees[name]) is None else m) for name in FACTORS)
    assert confidence_source(values) == pytest.approx(by_hand)
    if None not in degrees.values():
        assert confidence_source(values) == pytest.approx(confidence(values).score)


# Effective number of factors


def recorded(rows: np.ndarray, halflife: float = 1e9) -> np.ndarray:
    record = ef.new(rows.shape[1], halflife=halflife)
    for row in rows:
        ef.push(record, row)
    return record


def twin(rows: np.ndarray, halflife: float, i: int, j: int) -> float:
    """Correlation of one pair over the rows that know both, weighted by age in such rows."""
    both = rows[np.isfinite(rows[:, i]) & np.isfinite(rows[:, j])]
    w = 0.5 ** (np.arange(len(both))[::-1] / halflife)
    cov = np.cov(both[:, i], both[:, j], aweights=w, bias=True)
    return float(cov[0, 1] / math.sqrt(cov[0, 0] * cov[1, 1]))


@given(
    st.integers(1, 8).flatmap(
        lambda n: st.tuples(
            st.lists(st.floats(0.01, 1.0), min_size=n, max_size=n),
            st.lists(st.floats(-1.0, 1.0), min_size=n * n, max_size=n * n),
        )
    )
)
def test_the_effective_number_is_between_one_and_the_count(drawn: tuple[list[float], list[float]]) -> None:
    weights, numbers = drawn
    n = len(weights)
    half = np.tril(np.array(numbers).reshape(n, n), -1)
    rho = half + half.T + np.eye(n)
    found = ef.effective_number(weights, rho)
    assert 1.0 - 1e-12 <= found <= n + 1e-9
    assert found <= sum(weights) ** 2 / sum(w * w for w in weights) + 1e-9
    assert ef.effective_number([3.0 * w for w in weights], rho) == pytest.approx(found)


@given(st.integers(1, 12), st.floats(0.0, 1.0))
def test_the_effective_number_by_formula(n: int, rho: float) -> None:
    """Equal weights, one correlation: n/(1 + (n − 1)ρ); independent n, identical 1."""
    table = np.full((n, n), rho)
    np.fill_diagonal(table, 1.0)
    assert ef.effective_number([1.0 / n] * n, table) == pytest.approx(n / (1.0 + (n - 1) * rho))
    assert ef.effective_number([1.0] * n, np.eye(n)) == pytest.approx(n)
    assert ef.effective_number([1.0] * n, np.ones((n, n))) == pytest.approx(1.0)


def test_factors_that_cancel_are_not_more_than_two() -> None:
    assert ef.effective_number([1.0, 1.0], np.array([[1.0, -1.0], [-1.0, 1.0]])) == 2.0


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_full_factorial_is_as_many_factors_as_it_has(n: int) -> None:
    """All combinations of high and low, equally often: exactly uncorrelated."""
    rows = np.array(list(itertools.product((0.2, 0.7), repeat=n)) * 8)
    assert ef.effective(recorded(rows), [1.0] * n) == pytest.approx(n, rel=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
@settings(max_examples=20)
def test_one_factor_told_many_times_is_one(seed: int, n: int) -> None:
    x = np.random.default_rng(seed).uniform(size=60)
    weights = np.random.default_rng(seed + 1).uniform(0.1, 1.0, size=n).tolist()
    same = np.repeat(x[:, None], n, axis=1)
    assert ef.effective(recorded(same, 60.0), weights) == pytest.approx(1.0)
    slopes = np.linspace(0.2, 1.0, n)  # another scale and another level are still the same factor
    assert ef.effective(recorded(same * slopes, 60.0), weights) == pytest.approx(1.0)


@given(st.integers(0, 2**32 - 1), st.floats(15.0, 500.0), st.floats(0.0, 0.4))
@settings(max_examples=25)
def test_correlations_are_those_of_the_rows_that_know_both(seed: int, halflife: float, gaps: float) -> None:
    rng = np.random.default_rng(seed)
    common = rng.uniform(size=(120, 1))
    rows = np.clip(0.5 * common + 0.5 * rng.uniform(size=(120, 3)), 0.0, 1.0)
    rows[rng.uniform(size=rows.shape) < gaps] = np.nan
    rho = ef.correlations(recorded(rows, halflife))
    assert rho is not None
    assert rho == pytest.approx(rho.T)
    assert np.diag(rho).tolist() == [1.0] * 3
    for i, j in itertools.combinations(range(3), 2):
        assert rho[i, j] == pytest.approx(twin(rows, halflife, i, j), abs=1e-9)


def test_an_unknown_row_changes_nothing_and_too_few_rows_say_nothing() -> None:
    rows = np.random.default_rng(3).uniform(size=(40, 4))
    record = recorded(rows, 60.0)
    before = record.copy()
    ef.push(record, [math.nan] * 4)
    assert (record == before).all()
    assert ef.effective(recorded(rows[:19]), [1.0] * 4) is None
    assert ef.effective(recorded(rows[:21]), [1.0] * 4) is not None


def test_a_factor_without_weight_does_not_count() -> None:
    rows = np.random.default_rng(4).uniform(size=(60, 3))
    rows[:, 1] = rows[:, 0]
    assert ef.effective(recorded(rows), [0.5, 0.5, 0.0]) == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "halflife"), [(0, 60.0), (3, 0.0), (3, -1.0), (3, math.nan)])
def test_impossible_records_are_refused(n: int, halflife: float) -> None:
    with pytest.raises(ValueError, match="n must be"):
        ef.new(n, halflife=halflife)


# Fusion


@given(st.none() | UNIT, st.none() | UNIT, st.none() | UNIT, UNIT)
def test_the_fused_is_the_weighted_mean_of_what_is_present(
    gauss: float | None, fuzzy: float | None, neural: float | None, weight: float
) -> None:
    found = fused(gauss=gauss, fuzzy=fuzzy, neural=neural, neural_weight=weight)
    if gauss is None and fuzzy is None:
        assert found is None
        return
    assert found is not None
    parts = [(w, x) for w, x in ((0.6, gauss), (0.4, fuzzy), (weight, neural)) if x is not None]
    assert found == pytest.approx(math.fsum(w * x for w, x in parts) / math.fsum(w for w, _ in parts))
    assert min(x for _, x in parts) - 1e-12 <= found <= max(x for _, x in parts) + 1e-12
    assert 0.0 <= found <= 1.0


@given(st.none() | UNIT, st.none() | UNIT, st.none() | st.floats(-1e9, 1e9))
def test_a_forecast_without_weight_adds_nothing(gauss: float | None, fuzzy: float | None, neural: float | None) -> None:
    without = fused(gauss=gauss, fuzzy=fuzzy, neural=None)
    assert fused(gauss=gauss, fuzzy=fuzzy, neural=neural, neural_weight=0.0) == without
    assert fused(gauss=gauss, fuzzy=fuzzy, neural=neural) == without
    assert fused(gauss=gauss, fuzzy=fuzzy, neural=None, neural_weight=0.5) == without


def test_fusion_by_hand() -> None:
    assert fused(gauss=1.0, fuzzy=1.0, neural=1.0, neural_weight=0.5) == 1.0  # the plain sum would be 1.5
    assert fused(gauss=0.8, fuzzy=0.5, neural=None) == pytest.approx(0.68)
    assert fused(gauss=0.8, fuzzy=0.5, neural=0.2, neural_weight=0.25) == pytest.approx(0.73 / 1.25)
    assert fused(gauss=0.8, fuzzy=None, neural=0.2, neural_weight=0.2) == pytest.approx(0.65)
    for weight in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="neural_weight"):
            fused(gauss=0.5, fuzzy=0.5, neural=0.5, neural_weight=weight)


# Size


@given(UNIT, UNIT)
def test_the_part_of_the_size_is_the_published_product(score: float, sigma: float) -> None:
    assert g(score, sigma) == score * (1.0 - sigma)
    assert 0.0 <= g(score, sigma) <= score


@given(UNIT, UNIT, UNIT)
def test_more_confidence_never_less_and_more_volatility_never_more(a: float, b: float, other: float) -> None:
    low, high = min(a, b), max(a, b)
    assert g(low, other) <= g(high, other)
    assert g(other, low) >= g(other, high)


@given(st.integers(0, 1_000_000), UNIT | st.integers(0, 1024).map(lambda i: i / 1024.0))
def test_units_are_never_rounded_up(base: int, part: float) -> None:
    """Against exact arithmetic, but for products within a float's reach of a whole number (1024ths are exact)."""
    units, exact = quantity(base, part), base * Fraction(part)
    if part * 1024.0 == int(part * 1024.0) or abs(exact - round(exact)) > Fraction(1, 10**6):
        assert units == math.floor(exact + Fraction(1, 10**9))
    assert 0 <= units <= base
    assert quantity(base, 0.0) == 0
    assert quantity(base, 1.0) == base


def test_the_published_example_and_full_volatility() -> None:
    assert g(0.65, 0.30) == pytest.approx(0.455)
    assert quantity(5, g(0.65, 0.30)) == 2
    assert quantity(1, g(0.99, 0.0)) == 0  # a lot that confidence does not fill is not traded
    assert g(1.0, 1.0) == 0.0


@pytest.mark.parametrize(("score", "sigma"), [(-0.1, 0.5), (1.1, 0.5), (0.5, -0.1), (0.5, 1.1), (math.nan, 0.5)])
def test_sizes_outside_their_range_are_refused(score: float, sigma: float) -> None:
    with pytest.raises(ValueError, match="score and sigma"):
        g(score, sigma)


@pytest.mark.parametrize(("base", "part"), [(-1, 0.5), (5, -0.1), (5, 1.1), (5, math.nan)])
def test_quantities_outside_their_range_are_refused(base: int, part: float) -> None:
    with pytest.raises(ValueError, match="base must"):
        quantity(base, part)


def test_a_product_that_rounding_alone_keeps_below_a_whole_number_is_that_number() -> None:
    assert [quantity(10, g(1.0, 0.9)), quantity(10, g(1.0, 0.8)), quantity(100, 0.29)] == [1, 2, 29]


def test_a_factor_that_was_never_known_is_not_one_more() -> None:
    rng, record = np.random.default_rng(1), ef.new(3)
    for x in rng.uniform(size=100):
        ef.push(record, [x, x, np.nan])
    assert ef.effective(record, [1.0, 1.0, 1.0]) == pytest.approx(1.0)


def test_weights_of_nothing_that_is_present_are_no_score() -> None:
    assert confidence({"mtf": 0.0}, weights={"mtf": 0.0, "iv": 1.0}, min_coverage=0.0).score is None

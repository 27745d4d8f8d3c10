"""The candidate's score and the published entry score: ranges, monotone steps, weights over what is present."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_quant.stats.candidate_score import WEIGHTS, credit_part, delta_part, ev_part, iv_part, weighted
from contango_quant.stats.entry_score import THRESHOLD, entry_score

ANY = st.floats(-1e9, 1e9)
UNIT = st.floats(0.0, 1.0)
NAMES = ("iv", "delta", "credit", "ev")
PARTS = {"iv": iv_part, "delta": delta_part, "credit": credit_part, "ev": ev_part}
PRESENT = st.fixed_dictionaries({name: st.none() | UNIT for name in NAMES})


def weightings() -> st.SearchStrategy[dict[str, float]]:
    raw = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4)
    return raw.map(lambda w: {name: x / math.fsum(w) for name, x in zip(NAMES, w, strict=True)})


# Components


@pytest.mark.parametrize("name", NAMES)
@given(ANY)
def test_a_component_is_in_the_unit_interval(name: str, x: float) -> None:
    part = PARTS[name](x)
    assert part is not None
    assert 0.0 <= part <= 1.0
    assert PARTS[name](None) is None


@pytest.mark.parametrize("name", ["iv", "credit", "ev"])
@given(ANY, ANY)
def test_more_is_never_worse(name: str, x: float, y: float) -> None:
    low, high = PARTS[name](min(x, y)), PARTS[name](max(x, y))
    assert low is not None
    assert high is not None
    assert low <= high


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_delta_counts_by_its_distance_from_a_quarter_whatever_its_sign(a: float, b: float) -> None:
    one, other = delta_part(a), delta_part(b)
    assert one == delta_part(-a)
    assert one is not None
    assert other is not None
    if abs(a - 0.25) <= abs(b - 0.25):
        assert one >= other


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("iv", 0.0, 0.0),
        ("iv", 62.5, 0.625),
        ("iv", 100.0, 1.0),
        ("delta", 0.25, 1.0),
        ("delta", -0.30, 0.8),
        ("delta", 0.16, 0.64),  # 1 − 4·0.09
        ("delta", 0.5, 0.0),
        ("delta", 0.0, 0.0),
        ("delta", -0.9, 0.0),
        ("credit", 0.0, 0.0),
        ("credit", 0.33, 0.66),
        ("credit", 0.5, 1.0),
        ("credit", 0.8, 1.0),
        ("credit", -0.1, 0.0),
        ("ev", -0.25, 0.0),
        ("ev", -1.0, 0.0),
        ("ev", -0.05, 0.4),
        ("ev", 0.1, 0.7),
        ("ev", 2.0, 1.0),
    ],
)
def test_components_by_hand(name: str, value: float, part: float) -> None:
    assert PARTS[name](value) == pytest.approx(part)


def test_the_published_weights() -> None:
    assert {label: tuple(row[name] for name in NAMES) for label, row in WEIGHTS.items()} == {
        "bull_low_vol": (0.20, 0.20, 0.25, 0.35),
        "bull_high_vol": (0.25, 0.35, 0.20, 0.20),
        "bear_low_vol": (0.20, 0.25, 0.35, 0.20),
        "bear_high_vol": (0.35, 0.30, 0.20, 0.15),
    }
    assert all(math.fsum(row.values()) == pytest.approx(1.0, abs=1e-12) for row in WEIGHTS.values())


# Their weighted sum


@given(PRESENT, weightings())
def test_the_sum_is_the_weighted_mean_of_what_is_present(
    parts: dict[str, float | None], weights: dict[str, float]
) -> None:
    found = weighted(parts, weights)
    present = {name: x for name, x in parts.items() if x is not None}
    if not present:
        assert found is None
        return
    assert found is not None
    total = math.fsum(weights[name] for name in present)
    assert found == pytest.approx(math.fsum(weights[name] * x for name, x in present.items()) / total)
    assert min(present.values()) - 1e-12 <= found <= max(present.values()) + 1e-12


@given(PRESENT, st.sampled_from(sorted(WEIGHTS)), st.sampled_from(NAMES))
def test_a_missing_part_is_not_a_zero(parts: dict[str, float | None], label: str, dropped: str) -> None:
    """It says nothing: a part that stands at the mean of the others leaves the sum where it is."""
    without = weighted({**parts, dropped: None}, WEIGHTS[label])
    assert without == weighted({name: x for name, x in parts.items() if name != dropped}, WEIGHTS[label])
    if without is not None:
        assert weighted({**parts, dropped: without}, WEIGHTS[label]) == pytest.approx(without)
        zero = weighted({**parts, dropped: 0.0}, WEIGHTS[label])
        assert zero is not None
        assert zero <= without + 1e-12


@given(PRESENT, st.sampled_from(sorted(WEIGHTS)), st.sampled_from(NAMES), UNIT)
def test_a_better_part_is_never_a_worse_score(
    parts: dict[str, float | None], label: str, name: str, better: float
) -> None:
    was = parts[name]
    if was is None:
        return
    low = weighted({**parts, name: min(was, better)}, WEIGHTS[label])
    high = weighted({**parts, name: max(was, better)}, WEIGHTS[label])
    assert low is not None
    assert high is not None
    assert low <= high + 1e-12


def test_a_sum_by_hand() -> None:
    """0.20·0.6 + 0.20·0.8 + 0.25·0.5 + 0.35·0.7 = 0.65; without the last 0.405/0.65."""
    parts: dict[str, float | None] = {"iv": 0.6, "delta": 0.8, "credit": 0.5, "ev": 0.7}
    assert weighted(parts, WEIGHTS["bull_low_vol"]) == pytest.approx(0.65)
    assert weighted({**parts, "ev": None}, WEIGHTS["bull_low_vol"]) == pytest.approx(0.405 / 0.65)


@pytest.mark.parametrize(
    "weights", [{"iv": 0.5, "ev": 0.48}, {"iv": 0.5, "ev": 0.52}, {"iv": -0.2, "ev": 1.2}, {}, {"iv": math.inf}]
)
def test_weights_that_do_not_add_to_one_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        weighted({"iv": 1.0, "ev": 1.0}, weights)


@pytest.mark.parametrize("last", [0.495, 0.505])
def test_weights_may_miss_one_by_a_hundredth(last: float) -> None:
    assert weighted({"iv": 1.0, "ev": 1.0}, {"iv": 0.5, "ev": last}) == pytest.approx(1.0)


# The published entry score

PART = st.none() | st.floats(-2.0, 2.0)


@given(PART, PART, PART, PART)
def test_the_entry_score_is_within_a_hundred_points_and_names_what_is_missing(
    confidence: float | None, probability: float | None, rules: float | None, direction: float | None
) -> None:
    given_ = {"confidence": confidence, "probability": probability, "rules": rules, "direction": direction}
    found = entry_score(confidence=confidence, probability=probability, rules=rules, direction=direction)
    assert 0.0 <= found.total <= 100.0
    assert found.total == sum(found.parts.values())
    assert found.missing == tuple(name for name, x in given_.items() if x is None)
    assert all(found.parts[name] == 0.0 for name in found.missing)


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), st.sampled_from(("confidence", "probability", "rules")))
def test_more_of_a_part_never_costs_points(x: float, y: float, name: str) -> None:
    def points(value: float) -> float:
        parts: dict[str, float | None] = {"confidence": None, "probability": None, "rules": None, "direction": None}
        parts[name] = value
        return entry_score(
            confidence=parts["confidence"],
            probability=parts["probability"],
            rules=parts["rules"],
            direction=parts["direction"],
        ).total

    assert points(min(x, y)) <= points(max(x, y))


@given(st.floats(-2.0, 2.0))
def test_direction_counts_by_its_size(direction: float) -> None:
    one = entry_score(confidence=None, probability=None, rules=None, direction=direction)
    assert one.total == entry_score(confidence=None, probability=None, rules=None, direction=-direction).total
    assert one.total == (10.0 if abs(direction) < 0.5 else 0.0)


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [
        ("confidence", 0.71, 30.0),
        ("confidence", 0.7, 20.0),
        ("confidence", 0.5, 10.0),
        ("confidence", 0.3, 0.0),
        ("probability", 0.61, 30.0),
        ("probability", 0.6, 20.0),
        ("probability", 0.45, 10.0),
        ("probability", 0.3, 0.0),
        ("rules", 0.51, 30.0),
        ("rules", 0.5, 15.0),
        ("rules", 0.0, 15.0),
        ("rules", -0.01, 0.0),
        ("direction", 0.49, 10.0),
        ("direction", -0.5, 0.0),
    ],
)
def test_the_steps_stand_where_the_source_says(name: str, value: float, points: float) -> None:
    parts: dict[str, float | None] = {"confidence": None, "probability": None, "rules": None, "direction": None}
    found = entry_score(**{**parts, name: value})
    assert found.total == points
    assert found.parts[name] == points


def test_full_marks_and_the_threshold() -> None:
    assert entry_score(confidence=0.9, probability=0.9, rules=0.9, direction=0.0).total == 100.0
    assert entry_score(confidence=None, probability=None, rules=None, direction=None).total == 0.0
    assert THRESHOLD == 40.0
    assert entry_score(confidence=0.55, probability=0.35, rules=-0.1, direction=0.1).total == THRESHOLD

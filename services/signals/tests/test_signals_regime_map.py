"""The mapping between the detectors' labels: total, never from up to down, and without loss where words allow it."""

from itertools import pairwise, product

import pytest

from contango_common.domain.errors import UserError
from contango_signals.regimes import s0, s1, s2
from contango_signals.regimes.labels import MEANINGS, SETS, mapping_rows, translated

ALL = [(name, label) for name in SETS for label in MEANINGS[name]]
PATHS = [(name, label, target) for name, label in ALL for target in SETS]
OPPOSITE_TREND = {"up": "down", "down": "up"}
CALM, WILD = {"low"}, {"high", "extreme"}


def test_the_table_names_every_label_that_a_detector_can_say() -> None:
    assert set(MEANINGS["s0"]) == set(s0.LABELS)
    assert set(MEANINGS["s1"]) == {*s1.LABELS, s1.VOLATILE}
    assert set(MEANINGS["s2"]) == set(s2.LABELS)
    assert set(MEANINGS["s4"]) == {"bull", "bear", "neutral"}


@pytest.mark.parametrize(("name", "label", "target"), PATHS)
def test_every_label_is_read_into_every_set(name: str, label: str, target: str) -> None:
    assert translated(name, label, target) in MEANINGS[target]


@pytest.mark.parametrize(("name", "label", "target"), PATHS)
def test_no_reading_turns_a_trend_round_or_calls_the_wild_calm(name: str, label: str, target: str) -> None:
    here, there = MEANINGS[name][label], MEANINGS[target][translated(name, label, target)]
    assert there.trend != OPPOSITE_TREND.get(here.trend)
    assert not (here.volatility in WILD and there.volatility in CALM)
    assert not (here.volatility in CALM and there.volatility in WILD)


@pytest.mark.parametrize(("name", "label", "target"), PATHS)
def test_labels_of_one_meaning_are_read_into_each_other_and_back(name: str, label: str, target: str) -> None:
    """What the other set can say is said, and comes back."""
    same = [x for x, meaning in MEANINGS[target].items() if meaning == MEANINGS[name][label]]
    if same:
        assert [translated(name, label, target)] == same
        assert translated(target, same[0], name) == label


@pytest.mark.parametrize(("name", "label", "target"), PATHS)
def test_what_is_lost_is_lost_once(name: str, label: str, target: str) -> None:
    """There, back and there again is the same as there."""
    there = translated(name, label, target)
    assert translated(name, translated(target, there, name), target) == there


@pytest.mark.parametrize("name", SETS)
def test_labels_of_a_set_stay_apart_in_the_others(name: str) -> None:
    """A crash and a bear market differ in what they say of volatility. Only UNCERTAIN is read as VOLATILE is."""
    assert len(set(MEANINGS[name].values())) == len(MEANINGS[name])
    others = [target for target in SETS if target != name]
    readings: dict[tuple[str, ...], list[str]] = {}
    for label in MEANINGS[name]:
        readings.setdefault(tuple(translated(name, label, target) for target in others), []).append(label)
    alike = [labels for labels in readings.values() if len(labels) > 1]
    assert alike == ([["VOLATILE", "UNCERTAIN"]] if name == "s1" else [])


@pytest.mark.parametrize(
    ("name", "label", "target"), [("s0", "BULL_TREND", "s1"), ("s9", "x", "s1"), ("s4", "bull", "")]
)
def test_what_is_not_in_the_table_is_refused_by_name(name: str, label: str, target: str) -> None:
    with pytest.raises(UserError) as caught:
        translated(name, label, target)
    assert repr(label) in str(caught.value)


def test_the_rows_for_the_guide_hold_the_whole_table() -> None:
    head, *rows = mapping_rows()
    assert head == ("set", "label", "trend", "volatility", *(f"as {name}" for name in SETS))
    assert {len(row) for row in rows} == {len(head)}
    assert [(row[0], row[1]) for row in rows] == ALL
    for row, (i, target) in product(rows, enumerate(SETS)):
        assert row[4 + i] == translated(row[0], row[1], target)
    assert all(a != b for a, b in pairwise(rows))

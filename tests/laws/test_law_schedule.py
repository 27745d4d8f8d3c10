"""Who handles what, in which order, and what stops two folds that answer each other for ever."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import LogError
from contango_common.events.market import Bars
from contango_common.events.signal import FeatureRow
from contango_common.runtime.engine import Engine
from contango_common.runtime.inputs import Input, with_control
from contango_common.runtime.participant import Participant
from contango_common.runtime.schedule import MAX_DEPTH, Schedule, matches
from support.relay import BUILD, Relay, bar, raw

words = st.sampled_from(["a", "b", "md", "control", "x"])
subjects = st.lists(words, min_size=1, max_size=3).map(lambda parts: ".".join(["log", *parts]))
patterns = subjects | subjects.map(lambda subject: f"{subject}.*")


def _slow_match(pattern: str, subject: str) -> bool:
    if not pattern.endswith(".*"):
        return pattern == subject
    head = pattern.split(".")[:-1]
    parts = subject.split(".")
    return parts[: len(head)] == head and len(parts) > len(head)


@settings(deadline=None)
@given(patterns, subjects)
def test_a_wildcard_matches_what_lies_below_it(pattern, subject):
    assert matches(pattern, subject) == _slow_match(pattern, subject)


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("log.control.*", "log.control.gateway", True),
        ("log.control.*", "log.control", False),
        ("log.control.*", "log.controlled.x", False),
        ("log.md", "log.mdx", False),
        ("log.md", "log.md", True),
        ("log.*", "log.md", True),
    ],
)
def test_known_matches(pattern, subject, expected):
    assert matches(pattern, subject) is expected


@settings(deadline=None)
@given(st.lists(st.frozensets(patterns, max_size=3), max_size=5), st.lists(subjects, max_size=6))
def test_readers_come_in_the_order_of_the_participants_each_once(reads, asked):
    schedule = Schedule((f"p{i}", r) for i, r in enumerate(reads))
    for subject in [*asked, *asked]:
        slow = [i for i, r in enumerate(reads) if any(_slow_match(p, subject) for p in r)]
        assert list(schedule.readers(subject)) == slow


def chatter(name: str, reads: str, limit: int) -> SimpleNamespace:
    """Answers every FeatureRow (and every bar of the market) until ``limit`` answers."""

    def initial() -> dict[str, int]:
        return {"said": 0}

    def evolve(state, event, at, /):
        state["said"] += event.symbol == name

    def decide(state, event, at, /):
        depth = int(event.values["depth"]) + 1 if isinstance(event, FeatureRow) else 1
        return [FeatureRow(symbol=name, values={"depth": float(depth)})] if depth <= limit else []

    return SimpleNamespace(
        NAME=name,
        READS=frozenset({reads, "log.md"} if name == "a" else {reads}),
        initial=initial,
        EVOLVE={FeatureRow: evolve},
        DECIDE={FeatureRow: decide, Bars: decide},
    )


def talk(limit: int) -> Engine:
    folds = (chatter("a", "log.b", limit), chatter("b", "log.a", limit))
    engine = Engine([Participant(fold, {}, BUILD) for fold in folds], BUILD)
    engine.take(Input("md", 1, "in:1", (bar(1.0),)))
    return engine


@pytest.mark.parametrize("limit", [1, 2, MAX_DEPTH - 1, MAX_DEPTH])
def test_a_cascade_up_to_the_limit_runs_to_its_end(limit):
    engine = talk(limit)
    assert [m.subject for m in engine.log.messages] == ["log.md", *(f"log.{'ab'[i % 2]}" for i in range(limit))]


@pytest.mark.parametrize("limit", [MAX_DEPTH + 1, 10_000])
def test_a_deeper_cascade_halts(limit):
    with pytest.raises(LogError, match=f"cascade deeper than {MAX_DEPTH} messages at sequence {MAX_DEPTH + 2}"):
        talk(limit)


def test_the_depth_begins_anew_with_every_input():
    folds = (chatter("a", "log.b", MAX_DEPTH), chatter("b", "log.a", MAX_DEPTH))
    engine = Engine([Participant(fold, {}, BUILD) for fold in folds], BUILD)
    for i in range(3):
        engine.take(Input("md", i, f"in:{i}", (bar(1.0),)))
    assert len(engine.log.messages) == 3 * (MAX_DEPTH + 1)


def test_the_scheduler_by_hand_halts_too():
    with pytest.raises(LogError, match="cascade"):
        Relay(folds=(chatter("a", "log.b", 99), chatter("b", "log.a", 99))).play(
            raw([Input("md", 1, "in:1", (bar(1.0),))])
        )


def test_each_reader_handles_a_message_before_anyone_handles_its_answers():
    folds = (chatter("a", "log.b", 2), chatter("c", "log.md", 1), chatter("b", "log.a", 2))
    relay = Relay(folds=folds).play(raw([Input("md", i, f"in:{i}", (bar(1.0),)) for i in (1, 2)]))
    assert relay.steps[:4] == [("a", 1), ("c", 1), ("b", 2), ("a", 4)]
    assert [m.subject for m in relay.log] == ["log.md", "log.a", "log.c", "log.b"] * 2


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(-2, 11))
def test_parameters_come_first_and_trading_starts_once_before_the_first_input_at_or_after(count, start):
    items = [Input("md", i, f"in:{i}", (bar(float(i)),)) for i in range(count)]
    made = list(with_control(items, {"a": 1}, start, "r"))
    kinds = [type(item.events[0]).__name__ for item in made]
    assert [item for item in made if item.source == "md"] == items
    assert kinds.count("ParametersChanged") == (count > 0)
    assert kinds.count("TradingStarted") == (count > max(start, 0))
    if count:
        assert kinds[0] == "ParametersChanged"
        assert made[0].ts_ns == items[0].ts_ns
    if "TradingStarted" in kinds:
        place = kinds.index("TradingStarted")
        assert made[place + 1].ts_ns == made[place].ts_ns >= start
        assert all(item.ts_ns < start for item in made[:place] if item.source == "md")
    assert len({item.key for item in made}) == len(made)

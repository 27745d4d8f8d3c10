"""Laws of the whole fold: restart anywhere, no look-ahead, nothing on a bad feed, no nan in a fact."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeGuard

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.base import Event
from contango_common.events.codec import Envelope, decode, encode
from contango_common.events.market import Bars, FeedState
from contango_common.events.signal import FeatureRow, Proposal, RegimeReport, Scan
from contango_common.events.system import FeatureSwitched, Halt, ParametersChanged, Resume
from contango_common.runtime.fold import decide
from contango_common.runtime.snapshot import StateCodec
from contango_signals import fold
from support.signals_world import Market, Message, book, messages_of, play, setup

WORLD = Market(
    spots=(2000.0, 2010.0, 1960.0, 1990.0),
    vix=(18.0, 17.0, 37.0, 24.0),
    every_minutes=120,
    strike_step=25,
    params=book(min_sessions_between=0, strategies={"ema_cross": {}}, assets=["SPX"]),
)
MESSAGES = messages_of(WORLD)
WHOLE = play(fold, fold.initial(), MESSAGES)
CODEC = StateCodec(fold)


def kinds(facts: list[tuple[int, Event]]) -> set[str]:
    return {type(fact).__name__ for _, fact in facts}


def is_condor_scan(fact: Event) -> TypeGuard[Scan]:
    return isinstance(fact, Scan) and fact.strategy == "iron_condor"


def test_the_world_is_worth_its_laws() -> None:
    """Otherwise the laws below would hold of nothing."""
    assert kinds(WHOLE) >= {"FeatureRow", "RegimeReport", "Scan", "Proposal"}
    labels = [fact.label for _, fact in WHOLE if isinstance(fact, RegimeReport) and fact.detector == "s2"]
    assert labels[:2] == ["LOW_VOL_RANGE", "CRASH_MODE"]
    scans = [fact for _, fact in WHOLE if is_condor_scan(fact)]
    assert [scan.proposed for scan in scans] == [True, True, False, True]
    assert scans[2].gates["regime_allowed"] is False
    assert any(fact.strategy == "ema_cross" for _, fact in WHOLE if isinstance(fact, Proposal))


def test_restart_from_bytes_at_any_cut() -> None:
    for cut in range(0, len(MESSAGES) + 1, 3):
        state = fold.initial()
        before = play(fold, state, MESSAGES[:cut])
        data = CODEC.dump(state)
        again = CODEC.load(data)
        assert CODEC.dump(again) == data
        assert before + play(fold, again, MESSAGES[cut:], cut + 1) == WHOLE


def peek_at(messages: list[Message]) -> Any:
    """A planted fault: a fold that knows the next bar's close."""
    closes = {m.ts_ns: e.close[0] for m in messages for e in m.events if isinstance(e, Bars)}
    instants = sorted(closes)

    def peek(state: Any, event: Event, at: Any) -> list[Event]:
        later = [ts for ts in instants if ts > at.ts_ns]
        facts = decide(fold, state, event, at)
        return [*facts, FeatureRow(symbol="SPX", values={"x": closes[later[0]]})] if later and facts else facts

    return SimpleNamespace(
        NAME="peek",
        READS=fold.READS,
        initial=fold.initial,
        EVOLVE=fold.EVOLVE,
        DECIDE=dict.fromkeys({*fold.DECIDE, *fold.EVOLVE}, peek),
    )


def looks_ahead(make: Any) -> bool:
    """Whether cutting the future off, or putting another one in its place, changes a fact before the cut."""
    other = messages_of(replace(WORLD, spots=(2000.0, 2010.0, 2300.0, 1500.0), vix=(18.0, 17.0, 12.0, 60.0)))
    cut = len(setup(WORLD)) + 52  # two of the four sessions
    assert [m.ts_ns for m in other[:cut]] == [m.ts_ns for m in MESSAGES[:cut]]
    futures = (MESSAGES, MESSAGES[:cut], MESSAGES[:cut] + other[cut:])
    runs = []
    for messages in futures:
        module = make(messages)
        facts = play(module, module.initial(), messages)
        runs.append([pair for pair in facts if pair[0] <= cut])
    return not runs[0] == runs[1] == runs[2]


def test_later_events_change_no_earlier_fact() -> None:
    assert not looks_ahead(lambda messages: fold)


def test_a_planted_look_ahead_is_found() -> None:
    assert looks_ahead(peek_at)


def test_facts_survive_the_codec() -> None:
    """No nan can hide: the codec refuses it, and the bytes give the same facts back."""
    for seq, fact in WHOLE:
        envelope = Envelope(0, "signals", seq, (fact,), (0,))
        assert decode(encode(envelope)).events == (fact,)
        assert b"NaN" not in encode(envelope)


def test_same_output_twice() -> None:
    assert play(fold, fold.initial(), MESSAGES) == WHOLE


@pytest.mark.parametrize("feed", ["stale", "halted", "refused"])
def test_nothing_is_proposed_on_a_feed_that_is_not_live(feed: str) -> None:
    facts = play(fold, fold.initial(), messages_of(replace(WORLD, feed=feed)))
    scans = [fact for _, fact in facts if isinstance(fact, Scan)]
    assert scans
    assert all(scan.gates["feed_live"] is False for scan in scans)
    assert "Proposal" not in kinds(facts)


def test_nothing_is_proposed_before_the_feed_has_spoken() -> None:
    silent = [m for m in MESSAGES if not any(isinstance(e, FeedState) for e in m.events)]
    assert "Proposal" not in kinds(play(fold, fold.initial(), silent))


def test_nothing_is_proposed_in_warm_up() -> None:
    facts = play(fold, fold.initial(), messages_of(replace(WORLD, started=False)))
    assert "Proposal" not in kinds(facts)
    assert any(not scan.gates["trading_started"] for _, scan in facts if isinstance(scan, Scan))


@pytest.mark.parametrize(
    ("event", "gate"),
    [
        (Halt(reason="test"), "not_halted"),
        (FeatureSwitched(feature="iron_condor", switch="shadow", reason="test"), "switched_on"),
        (ParametersChanged(params={"signals": {"valid_minutes": -1}}, reason="test"), "parameters_valid"),
    ],
)
def test_what_a_person_stops_stays_stopped(event: Event, gate: str) -> None:
    messages = list(MESSAGES)
    messages.insert(len(setup(WORLD)), Message(MESSAGES[0].ts_ns, (event,), "control.test"))
    scans = [fact for _, fact in play(fold, fold.initial(), messages) if is_condor_scan(fact)]
    assert [scan.gates[gate] for scan in scans] == [False] * len(scans)
    assert not any(scan.proposed for scan in scans)


def test_resume_after_halt() -> None:
    messages = list(MESSAGES)
    for event in (Resume(reason="test"), Halt(reason="test")):
        messages.insert(len(setup(WORLD)), Message(MESSAGES[0].ts_ns, (event,), "control.test"))
    assert "Proposal" in kinds(play(fold, fold.initial(), messages))


def test_switched_off_does_not_even_scan() -> None:
    off = FeatureSwitched(feature="iron_condor", switch="off", reason="test")
    messages = list(MESSAGES)
    messages.insert(len(setup(WORLD)), Message(MESSAGES[0].ts_ns, (off,), "control.test"))
    assert not any(is_condor_scan(fact) for _, fact in play(fold, fold.initial(), messages))


def test_one_scan_a_session_and_one_row_an_instant() -> None:
    facts = play(fold, fold.initial(), messages_of(replace(WORLD, every_minutes=30)))
    scans = [seq for seq, fact in facts if is_condor_scan(fact)]
    assert len(scans) == len(WORLD.spots)
    rows = [(seq, fact.cadence) for seq, fact in facts if isinstance(fact, FeatureRow)]
    assert len(rows) == len(set(rows))
    assert sum(cadence == "row" for _, cadence in rows) == 13 * len(WORLD.spots)
    assert sum(cadence == "session" for _, cadence in rows) == len(WORLD.spots)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(range(len(MESSAGES))), min_size=1, max_size=40, unique=True))
def test_evolve_is_total_whatever_is_missing(dropped: list[int]) -> None:
    """Any gap in what the log tells leaves the fold on its feet, and its numbers finite."""
    messages = [m for i, m in enumerate(MESSAGES[:40]) if i not in dropped]
    for _, fact in play(fold, fold.initial(), messages):
        if isinstance(fact, Proposal):
            assert all(v is None or math.isfinite(v) for v in fact.why.values())

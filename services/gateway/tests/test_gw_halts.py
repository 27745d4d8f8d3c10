"""Who halted trading and until when, in every order in which the facts may stand on the log."""

import itertools

import pytest

from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.events.risk import TradingHalted, TradingResumed
from contango_common.events.signal import FeatureFailed
from contango_common.events.system import FeatureSwitched, Halt, Resume
from contango_common.runtime.log import Message
from contango_gateway.views import Views

HALT, RESUME = Halt(reason="news"), Resume(reason="calm")
DRAWDOWN = TradingHalted(reason="daily_drawdown", until_ns=99, kind="drawdown")
NEXT_SESSION = TradingResumed(reason="next_session", kind="drawdown")


def told(*facts: tuple[Event, int]) -> Views:
    """Views after single-fact messages given as (fact, cause); their sequences count from 1."""
    views = Views()
    for seq, (fact, cause) in enumerate(facts, 1):
        views.update(Message(seq, "log.x", b""), Envelope(seq, "x", cause, (fact,), (0,)))
    return views


def reasons(views: Views) -> list[str]:
    return sorted(halt["reason"] for halt in views.control.halts.values())


def answer(reason: str) -> TradingHalted:
    return TradingHalted(reason=reason, until_ns=None, kind="manual")


def test_a_persons_halt_stands_until_a_person_resumes():
    assert reasons(told((HALT, 0))) == ["news"]
    assert reasons(told((HALT, 0), (answer("news"), 1), (NEXT_SESSION, 0))) == ["news"]
    assert not told((HALT, 0), (answer("news"), 1), (RESUME, 0)).control.halted


def test_risks_answer_to_a_halt_that_was_resumed_meanwhile_does_not_stand():
    views = told((HALT, 0), (RESUME, 0), (answer("news"), 1), (TradingResumed(reason="calm"), 2))
    assert not views.control.halted


def test_a_drawdown_halt_ends_with_the_next_session_and_not_by_a_person():
    assert reasons(told((DRAWDOWN, 0), (RESUME, 0))) == ["daily_drawdown"]
    assert not told((DRAWDOWN, 0), (NEXT_SESSION, 0)).control.halted


def test_both_halts_stand_side_by_side_in_either_order():
    for first, second in itertools.permutations([HALT, DRAWDOWN]):
        views = told((first, 0), (second, 0))
        assert reasons(views) == ["daily_drawdown", "news"]
        assert {halt["ends_with"] for halt in views.control.halts.values()} == {"resume", "next_session"}


def test_a_halt_of_risk_for_an_account_that_differs_names_risk():
    views = told((answer("account_mismatch"), 7))
    [halt] = views.control.halts.values()
    assert (halt["by"], halt["ends_with"]) == ("risk", "resume")


def test_a_person_who_uses_risks_own_words_is_still_a_person():
    named = Halt(reason="daily_drawdown")
    views = told((named, 0), (answer("daily_drawdown"), 1))
    [halt] = views.control.halts.values()
    assert (halt["by"], halt["ends_with"]) == ("person", "resume")
    both = told((DRAWDOWN, 0), (TradingResumed(reason="next_session", kind="manual"), 0))
    assert reasons(both) == ["daily_drawdown"]


def test_a_log_from_before_halts_had_kinds_shows_what_its_reasons_say():
    old = TradingHalted(reason="daily_drawdown", until_ns=99)
    assert [halt["ends_with"] for halt in told((old, 0)).control.halts.values()] == ["next_session"]
    assert not told((old, 0), (TradingResumed(reason="next_session"), 0)).control.halted


@pytest.mark.parametrize(
    ("fact", "switch"),
    [
        (FeatureSwitched(feature="iron_condor", switch="shadow", reason="watch"), "shadow"),
        (FeatureFailed(feature="iron_condor", reason="ZeroDivisionError"), "off"),
    ],
)
def test_switches_show_what_people_and_failures_did(fact: Event, switch: str):
    assert told((fact, 0)).control.switches["iron_condor"]["switch"] == switch

"""The desk: what is asked is a function of the log before the proposal, and nothing is asked or scored twice."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.advice import AdviceAbsent, AdviceGiven, AdviceScored
from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.events.signal import FeatureRow, Proposal, RegimeReport, SurfaceFitted
from contango_gateway.advisor import desk as desks
from contango_gateway.advisor.context import CONTEXT_LIMIT_BYTES, Seen, context_of, size_bytes
from contango_gateway.advisor.desk import CLOSED, EXPIRED, FULL, REFUSED, Desk
from contango_gateway.advisor.prompt import prompt_of
from support.advisor_world import HOUR_NS, START_NS, closed, proposal, refused
from support.event_strategies import envelopes, event_of


def envelope(*events: Event, ts_ns: int = START_NS) -> Envelope:
    return Envelope(ts_ns, "signals", 0, events, (0,) * len(events))


def desk_of(*events: Event) -> Desk:
    """A desk that has seen these facts, one a message."""
    desk = Desk()
    for seq, event in enumerate(events, 1):
        desks.take(desk, seq, envelope(event))
    return desk


def given_note(name: str, stance: str = "favourable", confidence: float = 0.75) -> AdviceGiven:
    return AdviceGiven(
        proposal_id=name,
        advisor="m",
        stance=stance,  # type: ignore[arg-type]
        confidence=confidence,
        note="x",
        prompt_sha="s",
        latency_ms=1.0,
    )


def report(detector: str = "s2", label: str | None = "LOW_VOL_RANGE", **values: Any) -> RegimeReport:
    base: dict[str, Any] = {
        "symbol": "SPX",
        "detector": detector,
        "version": 1,
        "label": label,
        "previous": None,
        "posterior": {"LOW_VOL_RANGE": 0.9, "CRASH_MODE": 0.1},
        "as_of_ns": START_NS,
        "stable_since_ns": START_NS - 2 * HOUR_NS,
        "why": {},
    }
    return RegimeReport(**(base | values))


def surface(days: int, iv: float | None) -> SurfaceFitted:
    return SurfaceFitted(
        underlying="SPX",
        root="SPXW",
        expiry_date=20180420,
        expiry_ns=START_NS + days * 24 * HOUR_NS,
        forward=2650.0,
        atm_iv_annual=iv,
        rms_vol=0.001,
        quotes=10,
        smile=(),
        reason=None,
    )


def test_the_context_tells_regimes_term_structure_reversion_and_gates():
    row = FeatureRow(symbol="SPX", values={"ou_z": -1.5, "vix_to_vix3m": 0.9, "iv_rank_252": 60.0, "adx_14": 20.0})
    market = {"term_regime": "contango", "ou_signal": 1.0, "adx_14": 21.0}
    asked = proposal("p", market_context=market, module_specific_params={"underlying_price": 2650.0})
    desk = desk_of(report(), report("mixture", None, abstain="too little history"), surface(30, 0.2), row, asked)
    told = json.loads(desk.waiting["p"].prompt.user)
    assert told["regimes"]["deciding_label"] == "LOW_VOL_RANGE"
    assert told["regimes"]["detectors"]["s2"]["stands_for_hours"] == 2.0
    assert told["regimes"]["detectors"]["mixture"]["abstains_because"] == "too little history"
    assert told["term_structure"] == {
        "term_regime": "contango",
        "vix_to_vix3m": 0.9,
        "atm_iv_annual_by_days": [[30.0, 0.2]],
    }
    assert told["mean_reversion"] == {"ou_z": -1.5, "ou_signal": 1.0}
    assert told["volatility"] == {"iv_rank_252": 60.0}
    assert told["market"] == {"adx_14": 21.0}  # the proposal's own word, not the older row's
    assert told["gates"] == {"iv_rank": True}
    assert told["why"] == {"iv_rank": 60.0}
    assert told["proposal"]["limit_usd_per_unit"] == -700.0  # -700 ticks of 0.01 USD on 100 shares
    assert told["proposal"]["legs"][0] == {"ratio": 1, "right": "P", "strike_to_spot": 0.90566}


def test_a_question_tells_neither_dates_nor_instruments():
    user = desk_of(proposal("p")).waiting["p"].prompt.user
    assert "SPXW" not in user
    assert "2018" not in user
    assert str(START_NS)[:8] not in user


def test_expiries_that_have_passed_or_have_no_volatility_are_forgotten():
    desk = desk_of(surface(1, 0.3), surface(30, 0.2), surface(30, None), surface(60, 0.25))
    desks.take(desk, 9, envelope(surface(90, 0.26), ts_ns=START_NS + 48 * HOUR_NS))
    assert [iv for _, iv in desk.seen.volatilities["SPX"].values()] == [0.25, 0.26]


@settings(max_examples=60)
@given(
    st.lists(event_of(RegimeReport) | event_of(FeatureRow) | event_of(SurfaceFitted), max_size=6), event_of(Proposal)
)
def test_any_context_is_bounded_plain_json(before: list[Event], asked: Proposal):
    desk = desk_of(*before)
    context = context_of(desk.seen, asked, START_NS)
    assert size_bytes(context) <= CONTEXT_LIMIT_BYTES
    assert orjson.loads(prompt_of(context).user) == orjson.loads(orjson.dumps(context))


def test_a_proposal_with_far_too_much_to_say_is_cut_and_says_so():
    much: dict[str, Any] = {
        f"{head}{'x' * 200}{i}": "y" * 500 for i in range(900) for head in ("", "ou_", "iv_", "term_")
    }
    gates = {f"{'g' * 300}{i}": True for i in range(500)}
    asked = proposal("p", market_context=much, module_specific_params=much, gates=gates, instruments=("A",) * 900)
    context = context_of(Seen(), asked, START_NS)
    assert size_bytes(context) <= CONTEXT_LIMIT_BYTES
    assert "market" in context["omitted"]
    assert context["proposal"]["strategy"] == "condor"


taken = [event_of(kind) for kind in desks.HANDLERS if kind is not AdviceGiven]
taken.append(st.builds(given_note, st.sampled_from("abc"), st.just("neutral"), st.floats(0, 1)))
log_events = st.lists(envelopes(st.one_of(taken)), max_size=8)


@settings(max_examples=60)
@given(log_events)
def test_the_desk_takes_any_log(messages: list[Envelope]):
    desk = Desk()
    for seq, message in enumerate(messages, 1):
        desks.take(desk, seq, message)
    assert not desk.waiting.keys() & desk.lost.keys()


NAMES = ("a", "b", "c")
story = st.lists(
    st.sampled_from(NAMES).flatmap(
        lambda name: st.sampled_from(
            [
                proposal(name, valid_until_ns=START_NS + 2 * HOUR_NS),
                given_note(name),
                AdviceAbsent(proposal_id=name, advisor="m", reason="r"),
                refused(name),
                closed(name, 10.0),
                AdviceScored(proposal_id=name, advisor="m", stance="neutral", confidence=0.5, pnl_usd=1.0, score=0.25),
            ]
        )
    ),
    max_size=25,
)


@given(story)
def test_what_the_log_holds_answered_or_scored_is_not_asked_or_scored_again(events: list[Event]):
    desk, open_now, notes, due = Desk(), set(), set(), set()
    for seq, event in enumerate(events, 1):
        desks.take(desk, seq, envelope(event))
        name = event.proposal_id  # type: ignore[attr-defined]
        if isinstance(event, Proposal):
            open_now.add(name)
        elif not isinstance(event, AdviceScored):
            open_now.discard(name)
        if isinstance(event, AdviceGiven):
            notes.add(name)
        if type(event).__name__ == "TradeClosed" and name in notes:
            due.add(name)
        if isinstance(event, AdviceScored):
            due.discard(name)
        if type(event).__name__ in {"TradeClosed", "Refused", "AdviceScored"}:
            notes.discard(name)
        assert desk.waiting.keys() == open_now
        assert desk.given.keys() == notes
        assert desk.due.keys() == due


@given(story)
def test_who_wrote_the_facts_knows_what_a_restarted_one_reads(events: list[Event]):
    """The writer marks its own facts before it reads them back; the one that only reads comes to the same desk."""
    live, later = Desk(), Desk()
    for seq, event in enumerate(events, 1):
        if isinstance(event, AdviceGiven | AdviceAbsent):
            desks.answered(live, event.proposal_id)
        if isinstance(event, AdviceScored):
            desks.scored(live, event.proposal_id)
        desks.take(live, seq, envelope(event))
        desks.take(later, seq, envelope(event))
    assert live == later


@pytest.mark.parametrize(("event", "reason"), [(refused("p"), REFUSED), (closed("p", 1.0), CLOSED)])
def test_a_question_whose_outcome_is_known_is_lost(event: Event, reason: str):
    desk = desk_of(proposal("p"), event)
    assert not desk.waiting
    assert desk.lost["p"].reason == reason


def test_a_question_outlives_its_proposal_by_nothing():
    desk = desk_of(proposal("p", valid_until_ns=START_NS + HOUR_NS))
    desks.take(desk, 2, envelope(ts_ns=START_NS + HOUR_NS))
    assert "p" in desk.waiting
    desks.take(desk, 3, envelope(ts_ns=START_NS + HOUR_NS + 1))
    assert desk.lost["p"].reason == EXPIRED
    assert not desk.waiting


def test_a_note_behind_its_trades_end_is_no_forecast():
    desk = desk_of(proposal("p"), closed("p", 5.0), given_note("p"))
    assert not desk.due
    assert not desk.lost


@pytest.mark.parametrize(
    ("stance", "pnl_usd", "score"),
    [
        ("favourable", 10.0, 0.0625),
        ("favourable", -10.0, 0.5625),
        ("unfavourable", 10.0, 0.5625),
        ("unfavourable", -10.0, 0.0625),
        ("neutral", 10.0, 0.25),
    ],
)
def test_the_score_of_a_closed_trade(stance: str, pnl_usd: float, score: float):
    desk = desk_of(proposal("p"), given_note("p", stance), closed("p", pnl_usd))
    due = desk.due["p"]
    assert (due.seq, due.of) == (3, 0)
    assert due.fact.score == pytest.approx(score)
    assert (due.fact.pnl_usd, due.fact.stance, due.fact.confidence) == (pnl_usd, stance, 0.75)


@given(st.integers(0, 6), st.integers(0, 4), st.booleans())
def test_a_full_desk_drops_the_oldest_and_never_the_one_being_asked(count: int, places: int, asking: bool):
    names = [f"p{i}" for i in range(count)]
    desk = desk_of(*(proposal(name) for name in names))
    first = names[0] if asking and names else None
    desks.trim(desk, places, first)
    queued = [name for name in names if name != first]
    kept = queued[len(queued) - min(places, len(queued)) :]
    assert list(desk.waiting) == ([first] if first else []) + kept
    assert {lost.reason for lost in desk.lost.values()} <= {FULL}
    assert len(desk.waiting) + len(desk.lost) == count


def test_the_notes_that_await_their_trade_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(desks, "UNSCORED_KEPT", 3)
    desk = desk_of(*(given_note(f"p{i}") for i in range(5)))
    assert list(desk.given) == ["p2", "p3", "p4"]

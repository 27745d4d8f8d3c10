"""Advice is never in the order path: no fold reads it, and no decision is another one because of it."""

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contango_gateway
from contango_common.events import advice as facts
from contango_common.events.advice import AdviceAbsent, AdviceGiven, AdviceScored
from contango_common.events.base import TAGS, Event
from contango_common.events.codec import canonical
from contango_common.runtime.audit import redecide
from contango_common.runtime.inputs import with_control
from contango_common.runtime.log import Message
from contango_common.runtime.schedule import matches
from contango_execution import fold as execution
from contango_gateway.advisor import service
from contango_research.house import MODULES, fold_of
from contango_risk import fold as risk
from support.gateway_world import House
from support.relay import Relay, raw
from support.toy import FOLDS, PARAMS, START_NS, inputs

ADVICE = (AdviceGiven, AdviceAbsent, AdviceScored)
SUBJECT = service.SUBJECT

texts = st.text(max_size=20)
ids = st.sampled_from(("condor:SPX:9", "condor:SPX:13", "p")) | texts
advice_facts: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        AdviceGiven,
        proposal_id=ids,
        advisor=texts,
        stance=st.sampled_from(("favourable", "neutral", "unfavourable")),
        confidence=st.floats(0, 1),
        note=texts | st.just("HALT: close all positions"),
        prompt_sha=texts,
        latency_ms=st.floats(0, 1e6),
    ),
    st.builds(AdviceAbsent, proposal_id=ids, advisor=texts, reason=texts),
    st.builds(
        AdviceScored,
        proposal_id=ids,
        advisor=texts,
        stance=st.just("neutral"),
        confidence=st.floats(0, 1),
        pnl_usd=st.floats(-1e9, 1e9),
        score=st.floats(0, 1),
    ),
)


def test_these_are_all_the_facts_of_the_advisor():
    assert {kind for kind in TAGS.values() if kind.__module__ == facts.__name__} == set(ADVICE)
    assert {kind.FAMILY for kind in ADVICE} == {service.NAME}
    assert f"log.{service.NAME}" == SUBJECT


@pytest.mark.parametrize("name", MODULES)
def test_no_fold_and_no_oracle_reads_advice(name: str):
    fold = fold_of(name)
    assert not [pattern for pattern in fold.READS if matches(pattern, SUBJECT)]
    assert not set(ADVICE) & {*fold.EVOLVE, *fold.DECIDE}
    assert fold.NAME != service.NAME


def test_nothing_outside_the_gateway_imports_the_advisor():
    """Beside the gateway only the composition root may know of it."""
    root = Path(contango_gateway.__file__).parents[3]
    found = set()
    for path in [*root.glob("*/src/**/*.py"), *root.parent.glob("libs/*/src/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name.startswith(("contango_gateway.advisor", "contango_common.events.advice")) for name in named):
                found.add(path.relative_to(root.parent).parts[1])
    assert found <= {"gateway", "research"}


def life(advice: list[list[Event]]) -> House:
    """A condor is proposed, opened, marked and closed; between the frames the advisor says what it likes."""
    house = House()
    steps = [house.frame, house.frame, house.frame, lambda: house.frame(vol=0.08), lambda: house.frame(vol=0.08)]
    for step, words in zip(steps, advice, strict=True):
        if words:
            house.put("advice", *words)
        step()
    return house


def without(messages: list[Message]) -> list[Message]:
    """The log as it would be had nobody written advice, every other message where it stands."""
    return [message for message in messages if message.subject != SUBJECT]


words = st.lists(st.lists(advice_facts, max_size=2), min_size=5, max_size=5)


@settings(max_examples=25)
@given(words)
def test_a_log_decides_the_same_with_its_advice_and_without(advice: list[list[Event]]):
    """Byte for byte, by the folds that hold the book and place the orders."""
    house = life(advice)
    log = house.log.messages
    folds = (house.proposer, risk, execution)
    house.proposing = True
    assert redecide(folds, log, house.blocks) is None  # type: ignore[arg-type]
    house.proposing = True
    assert redecide(folds, without(log), house.blocks) is None  # type: ignore[arg-type]


@settings(max_examples=25)
@given(words, words)
def test_whatever_it_says_the_same_trades_come_out(one: list[list[Event]], other: list[list[Event]]):
    """Two lives that differ in the advice alone: message for message the same decisions."""
    silent = [AdviceAbsent(proposal_id="p", advisor="m", reason="r")]
    first, second = (life([said or silent for said in advice]).log.messages for advice in (one, other))
    assert [canonical(m.data) for m in without(first)] == [canonical(m.data) for m in without(second)]
    assert any(b'"TradeClosed"' in m.data for m in first)
    assert [m.subject for m in first] == [m.subject for m in second]


@settings(max_examples=25)
@given(st.lists(advice_facts, max_size=4), st.integers(0, 12))
def test_the_toys_decide_the_same_too(said: list[Event], where: int):
    from contango_common.events.codec import Envelope, encode

    plain = raw(with_control(inputs(12), PARAMS, START_NS, "test"))
    spoken = [(SUBJECT, encode(Envelope(START_NS, "advice", 0, (event,), (0,)))) for event in said]
    log = Relay().play([*plain[:where], *spoken, *plain[where:]]).log
    assert redecide(FOLDS, log, {}) is None
    assert redecide(FOLDS, without(log), {}) is None

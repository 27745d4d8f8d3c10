"""Whoever dies, whenever: the log is what it would have been, byte for byte, and nothing is decided twice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import LogError
from contango_common.runtime.canon import digest
from contango_common.runtime.engine import Engine
from contango_common.runtime.inputs import Input, with_control
from contango_common.runtime.log import Message
from contango_common.runtime.participant import Participant, recover
from contango_common.runtime.snapshot import StateCodec
from support import toy
from support.relay import BUILD, MOMENTS, Kill, Relay, bar, counting, input_lists, raw

INPUTS = list(with_control(toy.inputs(16), toy.PARAMS, toy.START_NS, "test"))
SEVERAL = [Input("md", i, f"in:{i}", tuple(bar(float(i + j)) for j in range(4))) for i in range(1, 7)]


def engine_log(inputs: list[Input]) -> list[Message]:
    engine = Engine([Participant(fold, {}, BUILD) for fold in toy.FOLDS], BUILD)
    for item in inputs:
        engine.take(item)
    return engine.log.messages


def content(messages: list[Message]) -> list[tuple[int, str, bytes]]:
    return [(m.seq, m.subject, m.data) for m in messages]


def boundaries(inputs: list[Input]) -> list[Kill]:
    return [(name, seq, moment) for name, seq in Relay().play(raw(inputs)).steps for moment in MOMENTS]


@settings(deadline=None)
@given(input_lists)
def test_the_scheduler_by_hand_writes_the_engines_log(inputs):
    assert content(Relay().play(raw(inputs)).log) == content(engine_log(inputs))


def test_the_toy_says_enough_for_these_laws():
    for inputs in (INPUTS, SEVERAL):
        subjects = [m.subject for m in engine_log(inputs)]
        assert subjects.count("log.signals") >= 4
        assert subjects.count("log.risk") >= 2
    assert any(b'"of":3' in m.data for m in engine_log(SEVERAL))


@pytest.mark.parametrize("snapshot_every", [0, 1, 4])
@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("inputs", [INPUTS, SEVERAL], ids=["single", "several"])
def test_a_death_at_every_boundary_changes_no_byte(inputs, settled, snapshot_every):
    expected = content(engine_log(inputs))
    for kill in boundaries(inputs):
        relay = Relay(kills=frozenset({kill}), settled=settled, snapshot_every=snapshot_every).play(raw(inputs))
        assert relay.deaths == 1
        assert content(relay.log) == expected, kill


def test_deaths_at_all_boundaries_at_once_change_no_byte():
    for snapshot_every in (0, 3):
        kills = frozenset(boundaries(INPUTS))
        relay = Relay(kills=kills, snapshot_every=snapshot_every).play(raw(INPUTS))
        assert relay.deaths == len(kills)
        assert content(relay.log) == content(engine_log(INPUTS))


@settings(max_examples=80, deadline=None)
@given(input_lists, st.data(), st.booleans(), st.integers(0, 5))
def test_any_deaths_in_any_run_change_no_byte(inputs, data, settled, snapshot_every):
    possible = boundaries(inputs)
    kills = data.draw(st.frozensets(st.sampled_from(possible), max_size=8)) if possible else frozenset()
    relay = Relay(kills=kills, settled=settled, snapshot_every=snapshot_every).play(raw(inputs))
    assert relay.deaths == len(kills)
    assert content(relay.log) == content(engine_log(inputs))


@settings(max_examples=60, deadline=None)
@given(input_lists)
def test_recovery_never_decides_and_ends_in_the_same_state(inputs):
    relay = Relay().play(raw(inputs))
    for fold, lived in zip(toy.FOLDS, relay.participants, strict=True):
        counted, calls = counting(fold)
        reborn = Participant(counted, {}, BUILD)
        wanted = [m for m in relay.log if m.subject == reborn.subject or reborn.reads(m.subject)]
        recover(reborn, wanted, settled=len(relay.log))
        assert calls["DECIDE"] == 0
        assert StateCodec(fold).dump(reborn.state) == StateCodec(fold).dump(lived.state)
        assert (reborn.position, reborn.last_ts_ns) == (lived.position, lived.last_ts_ns)


def test_recovery_would_notice_if_it_decided():
    counted, calls = counting(toy.SUM)
    Participant(counted, {}, BUILD).handle(engine_log(INPUTS)[1])
    assert calls == {"EVOLVE": 1, "DECIDE": 1}


def test_facts_that_a_newer_program_would_not_decide_are_still_taken_from_the_log():
    """Recovery under other code ends where the log says, not where the new code would have gone."""
    log = engine_log(INPUTS)
    counted, _ = counting(toy.SUM)
    counted.DECIDE = {}  # type: ignore[misc]
    reborn = Participant(counted, {}, "newer")
    recover(reborn, [m for m in log if m.subject == "log.signals" or reborn.reads(m.subject)], settled=len(log))
    assert reborn.state.rows == sum(m.subject == "log.signals" for m in log)


def test_without_own_answers_on_the_log_nothing_counts_as_handled():
    log = [m for m in engine_log(INPUTS) if m.subject == "log.md"]
    reborn = Participant(toy.SUM, {}, BUILD)
    recover(reborn, log)
    assert (reborn.position, reborn.state) == (0, toy.SUM.initial())
    recover(reborn, log, settled=log[2].seq)
    assert reborn.position == log[2].seq


def test_no_message_is_handled_twice_or_out_of_order():
    log = [m for m in engine_log(INPUTS) if m.subject == "log.md"]
    participant = Participant(toy.SUM, {}, BUILD)
    participant.handle(log[1])
    for message in (log[1], log[0]):
        with pytest.raises(LogError, match=f"was given message {message.seq} after {log[1].seq}"):
            participant.handle(message)


@settings(deadline=None)
@given(input_lists)
def test_the_digest_does_not_know_the_build_but_everything_else(inputs):
    log = engine_log(inputs)
    other = [Message(m.seq, m.subject, m.data.replace(b'"build":"b"', b'"build":"c"')) for m in log]
    assert digest(other) == digest(log)
    for i, message in enumerate(log):
        changed = Message(message.seq, message.subject, message.data.replace(b'"ts_ns":', b'"ts_ns":1'))
        assert digest([*log[:i], changed, *log[i + 1 :]]) != digest(log)
        assert digest([*log[:i], *log[i + 1 :]]) != digest(log)

"""A message nobody can decode becomes ``Quarantined`` by each of its readers, once, and changes nothing else."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import LogError, Undecodable
from contango_common.events.codec import decode, encode
from contango_common.events.system import Quarantined
from contango_common.runtime.audit import redecide
from contango_common.runtime.inputs import with_control
from contango_common.runtime.log import Message
from contango_common.runtime.participant import Participant, recover
from contango_common.runtime.snapshot import StateCodec
from support import toy
from support.relay import BUILD, MOMENTS, Relay, facts_of, input_lists, raw

INPUTS = raw(with_control(toy.inputs(10), toy.PARAMS, toy.START_NS, "test"))


def decodes(data: bytes) -> bool:
    try:
        decode(data)
    except Undecodable:
        return False
    return True


garbage = st.sampled_from(
    [b"", b"garbage", b"{}", b"\xff\x00", b'{"v":2}', encode(decode(INPUTS[1][1])).replace(b"Bars", b"Bers")]
) | st.binary(max_size=20).filter(lambda data: not decodes(data))
subjects = st.sampled_from(["log.md", "log.control.test"])


def without_quarantine(log: list[Message], at: int) -> list[tuple[str, Any]]:
    """The log as if message ``at`` had never been there: sequences counted anew, also where facts name them."""
    gone = {at, *(m.seq for m in log if b'"tag":"Quarantined"' in m.data)}
    kept = [m for m in log if m.seq not in gone]
    number = {0: 0, **{m.seq: i for i, m in enumerate(kept, 1)}}
    found: list[tuple[str, Any]] = []
    for message in kept:
        envelope = decode(message.data)
        events = [event.model_dump() for event in envelope.events]
        for event in events:
            if "seq" in event.get("why", ()):
                event["why"]["seq"] = float(number[int(event["why"]["seq"])])
        found.append((message.subject, (envelope.ts_ns, number[envelope.cause], events, envelope.of)))
    return found


@settings(deadline=None)
@given(input_lists, garbage, subjects, st.data())
def test_each_reader_quarantines_once_and_nothing_else_changes(inputs, data, subject, draw):
    clean = raw(inputs)
    place = draw.draw(st.integers(0, len(clean)))
    relay = Relay().play([*clean[:place], (subject, data), *clean[place:]])
    (at,) = [m.seq for m in relay.log if m.data == data and m.subject == subject]
    readers = ["signals", "risk"] if subject == "log.md" else ["signals"]
    answers = [m for m in relay.log if b'"tag":"Quarantined"' in m.data]
    # Right behind the message, in the order of the participants, at the instant that each had last seen.
    assert [(m.seq, m.subject) for m in answers] == [(at + 1 + i, f"log.{name}") for i, name in enumerate(readers)]
    for message in answers:
        envelope = decode(message.data)
        (fact,) = envelope.events
        assert isinstance(fact, Quarantined)
        assert (fact.seq, envelope.cause, envelope.of) == (at, at, (0,))
        assert fact.reason
    assert without_quarantine(relay.log, at) == without_quarantine(Relay().play(clean).log, 0)


@settings(max_examples=50, deadline=None)
@given(input_lists, garbage, subjects, st.integers(0, 12), st.booleans())
def test_recovery_and_audit_agree(inputs, data, subject, place, settled):
    clean = raw(inputs)
    played = [*clean[:place], (subject, data), *clean[place:]]
    lived = Relay().play(played)
    assert redecide(toy.FOLDS, lived.log, {}) is None
    kills = frozenset((name, seq, moment) for name, seq in lived.steps for moment in MOMENTS)
    died = Relay(kills=kills, settled=settled, snapshot_every=3).play(played)
    assert [m.data for m in died.log] == [m.data for m in lived.log]
    for one, other in zip(lived.participants, died.participants, strict=True):
        assert StateCodec(one.fold).dump(one.state) == StateCodec(other.fold).dump(other.state)
        assert one.last_ts_ns == other.last_ts_ns


def test_the_audit_finds_a_quarantine_that_was_not_due():
    log = Relay().play([*INPUTS[:3], ("log.md", b"garbage"), *INPUTS[3:]]).log
    position = next(i for i, m in enumerate(log) if m.data == b"garbage")
    healed = [*log[:position], Message(position + 1, "log.md", INPUTS[2][1]), *log[position + 1 :]]
    difference = redecide(toy.FOLDS, healed, {})
    assert difference is not None
    assert difference.seq == position + 1
    assert b"Quarantined" in (difference.recorded or b"")


def test_a_quarantined_answer_of_another_fold_is_read_without_effect():
    with_garbage = Relay().play([*INPUTS, ("log.control.test", b"garbage")])
    without = Relay().play(INPUTS)
    for one, other in zip(with_garbage.participants, without.participants, strict=True):
        assert one.state == other.state


def test_a_first_message_that_is_garbage_is_quarantined_at_instant_zero():
    relay = Relay().play([("log.md", b"garbage"), *INPUTS])
    assert [decode(m.data).ts_ns for m in relay.log[1:3]] == [0, 0]
    assert facts_of(relay.log, "log.signals")[0].seq == 1


def test_garbage_on_the_own_subject_halts_recovery_and_names_the_message():
    log = Relay().play(INPUTS).log
    log.append(Message(len(log) + 1, "log.signals", b"garbage"))
    fresh = Participant(toy.SUM, {}, BUILD)
    with pytest.raises(LogError, match=f"message {len(log)}"):
        recover(fresh, [m for m in log if m.subject == "log.signals" or fresh.reads(m.subject)])

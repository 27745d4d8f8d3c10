"""The audit finds every change of a decision, names who and where, and finds nothing on a clean log."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import ContangoError, Undecodable
from contango_common.events.codec import canonical, decode
from contango_common.runtime.audit import Difference, redecide
from contango_common.runtime.canon import CanonWriter, digest, read_canonical
from contango_common.runtime.inputs import with_control
from contango_common.runtime.log import Message
from support import toy
from support.relay import Relay, input_lists, raw

INPUTS = raw(with_control(toy.inputs(13), toy.PARAMS, toy.START_NS, "test"))
NAMES = {f"log.{fold.NAME}": fold.NAME for fold in toy.FOLDS}


def clean() -> list[Message]:
    return Relay().play(INPUTS).log


LOG = clean()
DECISIONS = [i for i, message in enumerate(LOG) if message.subject in NAMES]


def audit(log: list[Message]) -> Difference | None:
    return redecide(toy.FOLDS, log, {})


def planted(position: int, data: bytes) -> list[Message]:
    old = LOG[position]
    return [*LOG[:position], Message(old.seq, old.subject, data), *LOG[position + 1 :]]


def decodes(data: bytes) -> bool:
    try:
        decode(data)
    except Undecodable:
        return False
    return True


def cause(message: Message) -> int:
    return decode(message.data).cause


@settings(deadline=None)
@given(input_lists)
def test_a_clean_log_has_no_difference(inputs):
    assert audit(Relay().play(raw(inputs)).log) is None


def test_a_log_that_stops_before_an_answer_was_published_differs_there():
    last = DECISIONS[-1]
    difference = audit(LOG[:last])
    assert difference is not None
    assert (difference.seq, difference.recorded) == (cause(LOG[last]), None)


def test_another_build_is_no_difference():
    assert audit([Message(m.seq, m.subject, m.data.replace(b'"build":"b"', b'"build":"zz"')) for m in LOG]) is None


@pytest.mark.parametrize("position", DECISIONS)
def test_every_changed_character_of_a_decision_is_found_and_named(position):
    """Every character turned into three others, wherever the message still decodes (its build left out)."""
    message = LOG[position]
    name, found = NAMES[message.subject], 0
    for i in range(len(canonical(message.data)) - 1):
        for other in b"7 x":
            data = message.data[:i] + bytes([other]) + message.data[i + 1 :]
            if data == message.data or not decodes(data):
                continue
            difference = audit(planted(position, data))
            assert difference is not None, data
            assert difference.fold == name
            assert difference.seq in {cause(message), decode(data).cause}
            if decode(data).cause == cause(message):
                assert difference.seq == cause(message)
                assert (difference.recorded, difference.decided) == (canonical(data), canonical(message.data))
            found += 1
    assert found > 20


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DECISIONS), st.data())
def test_any_planted_bytes_in_a_decision_are_found(position, data):
    message = LOG[position]
    start = data.draw(st.integers(0, len(canonical(message.data)) - 2))
    length = data.draw(st.integers(0, 3))
    changed = message.data[:start] + data.draw(st.binary(max_size=3)) + message.data[start + length :]
    if not decodes(changed) or canonical(changed) == canonical(message.data):
        return
    difference = audit(planted(position, changed))
    assert difference is not None
    assert difference.fold == NAMES[message.subject]


@pytest.mark.parametrize("position", DECISIONS)
def test_a_deleted_decision_is_found(position):
    difference = audit(LOG[:position] + LOG[position + 1 :])
    assert difference is not None
    assert (difference.fold, difference.seq) == (NAMES[LOG[position].subject], cause(LOG[position]))
    assert difference.recorded is None
    assert difference.decided == canonical(LOG[position].data)


@pytest.mark.parametrize("position", DECISIONS)
@pytest.mark.parametrize("where", ["next to it", "at the end"])
def test_a_duplicated_decision_is_found(position, where):
    old = LOG[position]
    copy = Message(len(LOG) + 1, old.subject, old.data)
    log = [*LOG, copy] if where == "at the end" else [*LOG[: position + 1], copy, *LOG[position + 1 :]]
    difference = audit(log)
    assert difference is not None
    assert (difference.fold, difference.seq) == (NAMES[old.subject], cause(old))
    assert (difference.recorded, difference.decided) == (canonical(old.data), None)


SILENT = [
    (name, seq)
    for name, seq in Relay().play(INPUTS).steps
    if not any(LOG[i].subject == f"log.{name}" and cause(LOG[i]) == seq for i in DECISIONS)
]


@pytest.mark.parametrize(("name", "seq"), SILENT)
def test_an_added_decision_is_found(name, seq):
    model = next(LOG[i] for i in DECISIONS if LOG[i].subject == f"log.{name}")
    data = model.data.replace(b'"cause":%d,' % cause(model), b'"cause":%d,' % seq)
    difference = audit([*LOG, Message(len(LOG) + 1, model.subject, data)])
    assert difference is not None
    assert (difference.fold, difference.seq, difference.decided) == (name, seq, None)
    assert difference.recorded == canonical(data)


def test_an_added_decision_on_a_message_that_does_not_exist_is_found():
    model = LOG[DECISIONS[0]]
    data = model.data.replace(b'"cause":%d,' % cause(model), b'"cause":999,')
    assert audit([*LOG, Message(len(LOG) + 1, model.subject, data)]) is not None


def test_a_changed_input_is_found_where_it_changes_an_answer():
    position = next(i for i, m in enumerate(LOG) if b'"close":[3.0]' in m.data)
    difference = audit(planted(position, LOG[position].data.replace(b'"close":[3.0]', b'"close":[4.0]')))
    assert difference is not None
    assert (difference.fold, difference.seq) == ("signals", LOG[position].seq)


def test_the_difference_says_who_where_and_what():
    text = str(audit(LOG[: DECISIONS[0]] + LOG[DECISIONS[0] + 1 :]))
    assert text.startswith(f"signals decides differently on message {cause(LOG[DECISIONS[0]])}\n")
    assert "recorded: nothing" in text
    assert '"tag":"FeatureRow"' in text


@pytest.mark.parametrize("data", [b"", b"garbage", b'{"cause":x,', b'{"v":1,"cause":'])
def test_a_decision_that_no_longer_decodes_is_a_difference_or_a_clear_error(data):
    try:
        assert audit(planted(DECISIONS[1], data)) is not None
    except ContangoError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017


@pytest.mark.parametrize("position", DECISIONS)
def test_a_decision_that_no_longer_decodes_but_names_its_cause_is_found(position):
    old = LOG[position]
    difference = audit(planted(position, old.data.replace(b'"tag":"', b'"tag":"No')))
    assert difference is not None
    assert (difference.fold, difference.seq) == (NAMES[old.subject], cause(old))


@pytest.mark.parametrize("tail", [b"", b'"b', b'"b"', b'"b"}}', b"7}", b"garbage"])
def test_a_message_whose_tail_is_damaged_is_found(tail):
    position = next(i for i in DECISIONS if LOG[i].subject == "log.risk")
    damaged = planted(position, LOG[position].data.removesuffix(b'"b"}') + tail)
    assert not decodes(damaged[position].data)
    assert digest(damaged) != digest(LOG)
    assert audit(damaged) is not None


# The canonical log on disk


@settings(max_examples=40, deadline=None)
@given(inputs=input_lists)
def test_the_canonical_file_is_audited_like_the_log_itself(inputs, tmp_path_factory):
    log = Relay().play(raw(inputs)).log
    path = tmp_path_factory.mktemp("canon") / "log.jsonl.gz"
    writer = CanonWriter(path)
    for message in log:
        writer.write(message)
    assert writer.close() == digest(log)
    read = list(read_canonical(path))
    assert [(m.seq, m.subject, m.data) for m in read] == [(m.seq, m.subject, canonical(m.data)) for m in log]
    assert digest(read) == digest(log)
    assert audit(read) is None


def test_the_canonical_file_of_one_log_is_one_sequence_of_bytes(tmp_path):
    for name in ("a", "b"):
        writer = CanonWriter(tmp_path / name)
        for message in LOG:
            writer.write(message)
        writer.close()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def written(path, log):
    writer = CanonWriter(path)
    for message in log:
        writer.write(message)
    return writer.close()


def test_parameters_with_a_key_build_keep_their_digest_through_the_file(tmp_path):
    log = Relay().play(raw(with_control(toy.inputs(4), {"a": 1, "build": 2}, 1, "test"))).log
    assert written(tmp_path / "log", log) == digest(read_canonical(tmp_path / "log"))


@pytest.mark.parametrize("garbage", [b"garbage", b"", b"two\nlines", b'{"v":9}'])
def test_a_log_with_an_undecodable_message_comes_back_from_the_canonical_file(tmp_path, garbage):
    log = Relay().play([*INPUTS[:4], ("log.md", garbage), *INPUTS[4:]]).log
    assert written(tmp_path / "log", log) == digest(log)
    read = list(read_canonical(tmp_path / "log"))
    assert [(m.seq, m.subject) for m in read] == [(m.seq, m.subject) for m in log]
    assert audit(read) is None


def test_different_undecodable_messages_have_different_digests():
    assert digest([Message(1, "log.md", b"x")]) != digest([Message(1, "log.md", b"y")])

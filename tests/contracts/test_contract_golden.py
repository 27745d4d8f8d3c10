"""The golden file of every event: what is on a log today must be readable for ever.

``golden/<Tag>.json`` is one message, newest form. When a field is added, its file moves to ``<Tag>.1.json`` (then
``.2`` …), is kept as it was, and a new ``<Tag>.json`` names the new field.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from contango_common.domain.errors import Undecodable
from contango_common.events.base import TAGS
from contango_common.events.codec import Envelope, canonical, decode, encode

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.json"))
NEWEST = [path for path in FILES if path.stem in TAGS]
DEFAULTS = [
    (tag, name) for tag in sorted(TAGS) for name, field in TAGS[tag].model_fields.items() if not field.is_required()
]
REQUIRED = [
    (tag, name) for tag in sorted(TAGS) for name, field in TAGS[tag].model_fields.items() if field.is_required()
]


def golden(tag: str) -> bytes:
    return (FOLDER / f"{tag}.json").read_bytes().rstrip(b"\n")


def parsed(tag: str) -> dict[str, Any]:
    return json.loads(golden(tag))


def without(tag: str, name: str) -> bytes:
    raw = parsed(tag)
    del raw["events"][0][name]
    return json.dumps(raw).encode()


def reason(data: bytes) -> str:
    """The one-line reason why ``data`` is refused."""
    with pytest.raises(Undecodable) as caught:
        decode(data)
    text = str(caught.value)
    assert text
    assert len(text.splitlines()) == 1
    return text


def test_every_registered_event_has_a_golden_file_and_every_file_an_event():
    assert {path.stem for path in NEWEST} == set(TAGS)
    assert {path.name.split(".")[0] for path in FILES} == set(TAGS)


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_a_golden_message_is_written_again_byte_for_byte(tag):
    envelope = decode(golden(tag))
    assert [type(event) for event in envelope.events] == [TAGS[tag]]
    assert encode(envelope) == golden(tag)


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_a_golden_message_names_every_field_of_its_event(tag):
    assert list(parsed(tag)["events"][0]) == ["tag", "of", *TAGS[tag].model_fields]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_kept_files_decode_and_gain_nothing_but_defaults(path):
    data = path.read_bytes().rstrip(b"\n")
    event = decode(data).events[0]
    old = json.loads(data)["events"][0]
    assert event.model_fields_set == set(old) - {"tag", "of"}


@pytest.mark.parametrize(("tag", "name"), DEFAULTS)
def test_a_message_from_before_a_field_with_a_default_still_decodes(tag, name):
    event = decode(without(tag, name)).events[0]
    assert getattr(event, name) == TAGS[tag].model_fields[name].get_default()


@pytest.mark.parametrize(("tag", "name"), REQUIRED)
def test_a_missing_required_field_is_named(tag, name):
    assert f"{tag}.{name}" in reason(without(tag, name))


def test_the_law_of_added_fields_notices_a_required_one(monkeypatch):
    class Halt(BaseModel):
        reason: str
        who: str

    monkeypatch.setitem(TAGS, "Halt", Halt)  # type: ignore[arg-type]
    assert "Halt.who" in reason(golden("Halt"))


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_canonical_drops_the_build_and_nothing_else(tag):
    raw = parsed(tag)
    short = canonical(golden(tag))
    assert list(json.loads(short).items()) == [(k, v) for k, v in raw.items() if k != "build"]
    assert golden(tag) == short[:-1] + b',"build":"%b"}' % raw["build"].encode()
    assert canonical(short) == short


def test_canonical_of_a_canonical_message_is_itself_whatever_keys_a_fact_holds():
    raw = parsed("ParametersChanged")
    raw["events"][0]["params"] = {"a": 1, "build": "mine"}
    short = canonical(encode(decode(json.dumps(raw).encode())))
    assert canonical(short) == short


WRONG = (
    ("tag", "Tock", "no event is called 'Tock'"),
    ("tag", 7, "no event is called 7"),
    ("of", "0", "'0' is not an integer"),
    ("of", True, "True is not an integer"),
    ("of", None, "None is not an integer"),
    ("reason", 5, "Halt.reason"),
    ("reason", None, "Halt.reason"),
    ("surprise", 1, "Halt.surprise"),
)


@pytest.mark.parametrize(("key", "value", "says"), WRONG)
def test_a_wrong_event_is_refused_with_the_place(key, value, says):
    raw = parsed("Halt")
    raw["events"][0][key] = value
    assert says in reason(json.dumps(raw).encode())


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("v", 2, "version 2"),
        ("ts_ns", "1", "'1' is not an integer"),
        ("ts_ns", 1.5, "1.5 is not an integer"),
        ("source", 3, "3 is not text"),
        ("cause", None, "None is not an integer"),
        ("build", [], "[] is not text"),
        ("events", 5, "int"),
        ("events", [5], "int"),
        ("events", {"a": 1}, "str"),
    ],
)
def test_a_wrong_envelope_is_refused_with_the_place(key, value, says):
    raw = parsed("Halt")
    raw[key] = value
    assert says in reason(json.dumps(raw).encode())


@pytest.mark.parametrize("key", ["v", "ts_ns", "source", "cause", "events"])
def test_a_missing_envelope_key_is_named(key):
    raw = parsed("Halt")
    del raw[key]
    assert key in reason(json.dumps(raw).encode())


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_what_is_no_finite_number_is_refused(text):
    assert b"2761.24" in golden("ChainFrame")
    reason(golden("ChainFrame").replace(b"2761.24", text))


def _typed(tag: str, name: str, value: object) -> bytes:
    raw = parsed(tag)
    assert name in raw["events"][0]
    raw["events"][0][name] = value
    return json.dumps(raw).encode()


@pytest.mark.parametrize(
    ("tag", "name", "value"),
    [
        ("Filled", "quantity", 0),
        ("Filled", "quantity", 1.5),
        ("Filled", "fees_micros", -1),
        ("Filled", "cash_micros", [1]),
        ("Filled", "instruments", "SPX"),
        ("Filled", "leg_quantities", [None]),
        ("RateSet", "rate_annual", "three"),
        ("RateSet", "rate_annual", None),
        ("OrderSubmitted", "purpose", "close"),
        ("Scan", "proposed", "perhaps"),
        ("Scan", "why", [1.0]),
        ("ParametersChanged", "params", 3),
    ],
)
def test_a_value_of_a_wrong_type_or_range_is_refused(tag, name, value):
    assert f"{tag}.{name}" in reason(_typed(tag, name, value))


@pytest.mark.parametrize(
    ("tag", "name", "value"),
    [
        ("Filled", "quantity", "3"),
        ("Filled", "quantity", 3.0),
        ("Filled", "cash_micros", True),
        ("RateSet", "rate_annual", "0.01"),
        ("RateSet", "rate_annual", False),
        ("Scan", "proposed", "yes"),
        ("Scan", "candidates", "38"),
    ],
)
def test_a_value_of_another_json_type_is_refused(tag, name, value):
    reason(_typed(tag, name, value))


@pytest.mark.parametrize(("key", "value"), [("surprise", 1), ("v", True), ("v", 1.0)])
def test_an_envelope_with_an_unknown_key_or_odd_version_is_refused(key, value):
    raw = parsed("Halt")
    raw[key] = value
    reason(json.dumps(raw).encode())


def test_the_reason_stays_one_line_when_a_field_name_has_newlines():
    raw = parsed("Halt")
    raw["events"][0]["a\nb"] = 1
    reason(json.dumps(raw).encode())


@pytest.mark.parametrize("place", ["value", "field", "tag"])
def test_the_reason_stays_short_when_the_message_is_huge(place):
    raw = parsed("Halt")
    huge = "\x00" * 100_000
    if place == "value":
        raw["events"][0]["surprise"] = huge
    elif place == "field":
        raw["events"][0][huge.replace("\x00", "a")] = 1
    else:
        raw["events"][0]["tag"] = huge
    assert len(reason(json.dumps(raw).encode())) < 10_000


PLAIN = re.compile(r"[ !#-\\[\]-~]*")


def accepted(data: bytes) -> Envelope | None:
    """The envelope, or None when it is refused with a reason; anything else that is raised fails the test."""
    try:
        return decode(data)
    except Undecodable as error:
        return None if str(error) else pytest.fail("refused without a reason")


def decodes_or_is_refused(data: bytes) -> None:
    """What is accepted is also written and read again unchanged (writers' names and builds are plain words)."""
    envelope = accepted(data)
    if envelope is not None and PLAIN.fullmatch(envelope.source + envelope.build):
        assert decode(encode(envelope)) == envelope


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_decode_or_are_refused(data):
    decodes_or_is_refused(data)


json_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["v", "ts_ns", "source", "cause", "events", "build"]), json_documents))
def test_arbitrary_envelopes_decode_or_are_refused(raw):
    decodes_or_is_refused(json.dumps({"v": 1, **raw}).encode())


@settings(deadline=None)
@given(st.sampled_from(sorted(TAGS)), json_documents, json_documents)
def test_arbitrary_events_decode_or_are_refused(tag, first, second):
    raw = parsed(tag)
    for name, value in zip(TAGS[tag].model_fields, (first, second), strict=False):
        raw["events"][0][name] = value
    accepted(json.dumps(raw).encode())


@settings(deadline=None)
@given(st.sampled_from(sorted(TAGS)), st.integers(0, 10_000), st.integers(0, 255))
def test_a_golden_message_with_a_changed_byte_decodes_or_is_refused(tag, position, value):
    data = bytearray(golden(tag))
    data[position % len(data)] = value
    decodes_or_is_refused(bytes(data))


@settings(deadline=None)
@given(st.sampled_from(sorted(TAGS)), st.integers(0, 10_000))
def test_a_truncated_golden_message_is_always_refused(tag, length):
    data = golden(tag)
    reason(data[: length % len(data)])


@settings(deadline=None)
@given(st.sampled_from(sorted(TAGS)), st.sampled_from(sorted(TAGS)), st.integers(0, 999), st.integers(0, 999))
def test_two_golden_messages_spliced_decode_or_are_refused(one, other, first, second):
    decodes_or_is_refused(golden(one)[:first] + golden(other)[second:])

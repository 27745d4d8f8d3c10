"""Laws of the codec: what is written is read again as it was, and the same facts are the same bytes."""

import datetime
import json
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import LogError
from contango_common.events.base import TAGS, Event
from contango_common.events.codec import Envelope, canonical, decode, encode
from contango_common.events.market import Bars, RateSet
from contango_common.events.order import AccountSnapshot
from contango_common.events.signal import FeatureRow
from contango_common.events.system import Halt, ParametersChanged
from support.event_strategies import INT64, envelopes, event_of, floats, json_values


def envelope_of(*events: Event, source: str = "md", build: str = "b") -> Envelope:
    return Envelope(1, source, 0, events, (0,) * len(events), build)


@settings(max_examples=60, deadline=None)
@given(envelopes())
def test_decode_undoes_encode(envelope):
    data = encode(envelope)
    assert decode(data) == envelope
    assert encode(decode(data)) == data


@pytest.mark.parametrize("tag", sorted(TAGS))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_decode_undoes_encode_for_every_event(tag, data):
    event = data.draw(event_of(TAGS[tag]))
    read = decode(encode(envelope_of(event))).events[0]
    assert type(read) is TAGS[tag]
    assert read == event
    assert encode(envelope_of(read)) == encode(envelope_of(event))


@settings(deadline=None)
@given(envelopes(), st.sampled_from(["build", "ts_ns", "cause"]))
def test_equal_envelopes_have_equal_bytes_and_different_ones_have_not(envelope, field):
    fields = envelope._asdict()
    assert encode(Envelope(**fields)) == encode(envelope)
    fields[field] = fields[field] + ("x" if field == "build" else 1)
    other = encode(Envelope(**fields))
    assert other != encode(envelope)
    assert (canonical(other) == canonical(encode(envelope))) == (field == "build")


@settings(max_examples=40, deadline=None)
@given(envelopes(), envelopes())
def test_bytes_are_equal_only_when_envelopes_are(one, other):
    assert (encode(one) == encode(other)) == (repr(one) == repr(other))


@settings(max_examples=60, deadline=None)
@given(envelopes())
def test_a_message_is_one_line_of_standard_json(envelope):
    data = encode(envelope)
    assert b"\n" not in data
    raw = json.loads(data, parse_constant=lambda text: pytest.fail(text))
    assert list(raw) == ["v", "ts_ns", "source", "cause", "events", "build"]
    assert [item["tag"] for item in raw["events"]] == [type(event).__name__ for event in envelope.events]
    assert tuple(item["of"] for item in raw["events"]) == envelope.of


@settings(max_examples=60, deadline=None)
@given(envelopes())
def test_canonical_is_the_message_without_its_last_key(envelope):
    raw = json.loads(encode(envelope))
    del raw["build"]
    assert list(json.loads(canonical(encode(envelope))).items()) == list(raw.items())


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@settings(deadline=None)
@given(st.lists(floats | st.integers(0, 2**64 - 1).map(lambda b: struct.unpack("<d", b.to_bytes(8, "little"))[0])))
def test_floats_keep_every_bit(values):
    finite = tuple(value for value in values if math.isfinite(value))
    bars = Bars(timeframe_s=1, symbols=(), open=finite, high=(), low=(), close=(), volume=finite)
    read = decode(encode(envelope_of(bars))).events[0]
    assert isinstance(read, Bars)
    assert [bits(value) for value in read.open] == [bits(value) for value in finite]
    assert [bits(value) for value in read.volume if value is not None] == [bits(value) for value in finite]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_refused_at_birth(value):
    with pytest.raises(ValueError, match="finite"):
        RateSet(underlying="SPX", rate_annual=value, div_yield_annual=0.0)
    with pytest.raises(ValueError, match="finite"):
        Bars(timeframe_s=1, symbols=(), open=(value,), high=(), low=(), close=(), volume=(None,))


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=6), json_values, max_size=4))
def test_parameters_of_json_values_come_back_as_they_were(params):
    read = decode(encode(envelope_of(ParametersChanged(params=params, reason="r")))).events[0]
    assert isinstance(read, ParametersChanged)
    assert repr(read.params) == repr(params)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["build", "a", ',"build":', '"', "\\", "}", "\u2028", "\x00"]), min_size=1, max_size=4))
def test_texts_that_look_like_the_end_of_a_message_do_no_harm(texts):
    event = ParametersChanged(params=dict.fromkeys(texts, texts), reason="".join(texts))
    data = encode(envelope_of(event, build="b1"))
    assert decode(data).events == (event,)
    assert canonical(data) == data.removesuffix(b',"build":"b1"}') + b"}"


def _comes_back(params: dict[str, object]) -> bool:
    """Whether params are refused at birth or come back from the log as they were."""
    try:
        event = ParametersChanged(params=params, reason="r")
    except ValueError:
        return True
    read = decode(encode(envelope_of(event))).events[0]
    return repr(read.params) == repr(event.params)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, (1, 2), {1: 2}, datetime.date(2018, 1, 1), 2**64, "\ud800"], ids=repr
)
def test_parameters_that_json_cannot_hold_are_refused_at_birth(value):
    assert _comes_back({"section": {"key": value}})


@pytest.mark.parametrize("value", [2**64, -INT64 - 2])
def test_integers_that_the_log_cannot_hold_are_refused_when_they_are_written(value):
    event = AccountSnapshot(cash_micros=value, instruments=(), quantities=())
    with pytest.raises(LogError, match=r"AccountSnapshot cannot be written: .*64-bit"):
        encode(envelope_of(event))


def test_text_that_utf8_cannot_hold_is_refused_when_it_is_written():
    with pytest.raises(LogError, match=r"Halt cannot be written: .*surrogates"):
        encode(envelope_of(Halt(reason="\ud800")))


@pytest.mark.parametrize("kind", sorted(TAGS))
def test_a_fact_is_flat_and_its_dictionary_is_its_json(kind):
    """What the encoder relies on: fields in the order of the class, no serialiser of their own, no nested model."""
    model = TAGS[kind]
    assert not model.__pydantic_decorators__.field_serializers
    assert not model.__pydantic_decorators__.model_serializers


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-INT64 - 1, INT64))
def test_numbers_are_written_as_json_writes_them(x, n):
    event = AccountSnapshot(cash_micros=n, instruments=(), quantities=())
    assert event.model_dump_json().encode()[1:] in encode(envelope_of(event))
    row = FeatureRow(symbol="S", values={"x": x})
    assert row.model_dump_json().encode()[1:] in encode(envelope_of(row))


@pytest.mark.parametrize("word", ['a"b', "a\\b", "a\nb"])
@pytest.mark.parametrize("field", ["source", "build"])
def test_any_writer_name_and_build_comes_back(field, word):
    envelope = envelope_of(Halt(reason="r"), **{field: word})
    assert decode(encode(envelope)) == envelope

"""Hypothesis strategies for every registered event, built from the fields of its class."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from contango_common.events.base import TAGS, Event
from contango_common.events.codec import Envelope

INT64 = 2**63 - 1
# Floats that show a lossy text form: signs of zero, the smallest, the largest, 17 digits, neighbours of one.
AWKWARD = (0.0, -0.0, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 1.0000000000000002, 1e22)
floats = st.sampled_from(AWKWARD) | st.floats(allow_nan=False, allow_infinity=False)
names = st.from_regex(r"[a-z][a-z0-9_.-]{0,11}", fullmatch=True)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-INT64 - 1, INT64) | floats | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def values_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Values that a field with this annotation may hold."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values_of(args[0], (*metadata, *args[1:]))
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(arg) for arg in args])
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple:
        if args[-1] is not Ellipsis:
            return st.tuples(*(values_of(arg) for arg in args))
        return st.lists(values_of(args[0]), max_size=4).map(tuple)
    if origin is dict:
        return st.dictionaries(values_of(args[0]), values_of(args[1]), max_size=4)
    if annotation is int:
        return st.integers(_lowest(metadata), INT64)
    if annotation is float:
        low, high = _bounds(metadata)
        bounded = st.floats(low, high, allow_nan=False, allow_infinity=False)
        awkward = [x for x in AWKWARD if (low is None or x >= low) and (high is None or x <= high)]
        return st.sampled_from(awkward) | bounded
    return {str: st.text(max_size=12), bool: st.booleans(), type(None): st.none(), Any: json_values}[annotation]


def _bounds(metadata: tuple[Any, ...]) -> tuple[float | None, float | None]:
    """Least and largest number that a field takes; None: any."""
    low = [float(rule.ge) for rule in metadata if isinstance(rule, annotated_types.Ge)]  # type: ignore[arg-type]
    high = [float(rule.le) for rule in metadata if isinstance(rule, annotated_types.Le)]  # type: ignore[arg-type]
    return max(low, default=None), min(high, default=None)


def _lowest(metadata: tuple[Any, ...]) -> int:
    for rule in metadata:
        if isinstance(rule, annotated_types.Gt):
            return int(rule.gt) + 1  # type: ignore[call-overload]
        if isinstance(rule, annotated_types.Ge):
            return int(rule.ge)  # type: ignore[call-overload]
    return -INT64 - 1


def event_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(cls, **{name: _field(field) for name, field in cls.model_fields.items()})


def _field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return values_of(field.annotation, tuple(field.metadata))


events: st.SearchStrategy[Event] = st.sampled_from(sorted(TAGS)).flatmap(lambda tag: event_of(TAGS[tag]))


@st.composite
def envelopes(draw: st.DrawFn, of_events: st.SearchStrategy[Event] = events, max_events: int = 4) -> Envelope:
    """Envelopes of up to ``max_events`` events; names of writers and builds are plain words."""
    chosen = tuple(draw(st.lists(of_events, max_size=max_events)))
    of = tuple(draw(st.lists(st.integers(0, 9), min_size=len(chosen), max_size=len(chosen))))
    return Envelope(
        ts_ns=draw(st.integers(-INT64, INT64)),
        source=draw(names),
        cause=draw(st.integers(0, INT64)),
        events=chosen,
        of=of,
        build=draw(names | st.just("")),
    )

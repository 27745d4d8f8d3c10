"""Every key of a book as one row: default, range, unit and meaning, read from the declarations themselves."""

import types
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contango_research.book import Book
from contango_signals.params import SignalsParams
from contango_signals.strategies.registry import STRATEGIES

# Units that the end of a name says, for sections that do not declare one.
SUFFIXES = {
    "_s": "seconds",
    "_minutes": "minutes",
    "_hours": "hours",
    "_days": "days",
    "_sessions": "sessions",
    "_ticks": "ticks",
    "_usd": "USD",
    "_fraction": "fraction",
    "_rate": "fraction",
    "_annual": "per year",
    "_frames": "frames",
    "_dte": "calendar days",
    "_fractions": "fraction of the spread",
}


class Row(NamedTuple):
    """One key: dotted name, what it takes, default, range, unit, meaning, the range worth searching."""

    key: str
    type: str
    default: Any
    range: str
    unit: str
    meaning: str
    tune: str


def rows() -> list[Row]:
    """All keys of a book in the order of the file; strategies as ``signals.strategies.<name>.<key>``."""
    return list(_walk(Book, ""))


def section_rows(model: type[BaseModel], prefix: str = "") -> list[Row]:
    """The keys of one section."""
    return list(_walk(model, prefix))


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Row]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner = _section(field.annotation)
        if model is SignalsParams and name == "strategies":
            yield _row(key, name, field)
            for strategy, spec in STRATEGIES.items():
                yield from _walk(spec.params, f"{key}.{strategy}.")
        elif inner is not None:
            yield from _walk(inner, f"{key}.")
        elif isinstance(field.default, dict) and _value_section(field.annotation) is not None:
            yield _row(key, name, field)
            found = _value_section(field.annotation)
            assert found is not None
            yield from _walk(found, f"{key}.<name>.")
        else:
            yield _row(key, name, field)


def _section(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _value_section(annotation: Any) -> type[BaseModel] | None:
    args = get_args(annotation)
    return _section(args[1]) if get_origin(annotation) is dict and len(args) == 2 else None


def _row(key: str, name: str, field: FieldInfo) -> Row:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = str(extra.get("unit") or next((u for end, u in SUFFIXES.items() if name.endswith(end)), ""))
    tune = extra.get("tune")
    return Row(
        key=key,
        type=_type(field.annotation),
        default=_default(name, field),
        range=_range(field),
        unit=unit,
        meaning=field.description or "",
        tune="" if not isinstance(tune, list) else f"{tune[0]:g} to {tune[1]:g}",
    )


def _default(name: str, field: FieldInfo) -> Any:
    default = field.get_default(call_default_factory=True)
    if name == "strategies" and isinstance(default, dict):
        return list(default)
    if isinstance(default, tuple):
        return list(default)
    return getattr(default, "value", default)


def _type(annotation: Any) -> str:
    """What a person writes there.

    >>> _type(float | None), _type(tuple[str, ...]), _type(Literal["a", "b"])
    ('number or null', 'list of text', 'a or b')
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(str(a) for a in args)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if a is type(None) else _type(a) for a in args)
    if origin in (tuple, list):
        return f"list of {_type(args[0])}"
    if origin is dict:
        return f"mapping of {_type(args[0])} to {_type(args[1])}"
    names = {int: "integer", float: "number", bool: "true or false", str: "text"}
    if annotation in names:
        return names[annotation]
    if isinstance(annotation, type) and hasattr(annotation, "__members__"):
        return " or ".join(str(m.value) for m in annotation)  # type: ignore[attr-defined]
    if _section(annotation) is not None:
        return "section"
    return "mapping"


def _range(field: FieldInfo) -> str:
    low = high = ""
    for limit in field.metadata:
        match limit:
            case Ge(ge=value):
                low = f"≥ {value:g}"
            case Gt(gt=value):
                low = f"> {value:g}"
            case Le(le=value):
                high = f"≤ {value:g}"
            case Lt(lt=value):
                high = f"< {value:g}"
            case MinLen(min_length=value):
                low = f"at least {value}"
            case MaxLen(max_length=value):
                high = f"at most {value}"
            case _:
                pass
    return ", ".join(part for part in (low, high) if part)

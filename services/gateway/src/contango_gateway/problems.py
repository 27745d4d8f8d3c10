"""Every refusal as one answer: what is wrong, where, and what to do."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SHOWN_CHARACTERS = 60
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "expected": "one of"}
_BOUNDS |= {"min_length": "length at least", "max_length": "length at most", "pattern": "pattern"}


class ProblemBody(BaseModel):
    """What every refused request answers."""

    model_config = ConfigDict(extra="forbid")
    error: str = Field(description="what is wrong, in one line", examples=["no open position is called X"])
    where: str = Field(description="the part of the request that it is about", examples=["path: position_id"])
    what_to_do: str = Field(description="how to put it right", examples=["GET /v1/positions lists the open ones"])


class Problem(Exception):
    """Raised by a handler; becomes the status and a ProblemBody."""

    def __init__(
        self, status: HTTPStatus, error: str, where: str, what_to_do: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status, self.headers = status, dict(headers or {})
        self.body = {"error": one_line(error), "where": where, "what_to_do": what_to_do}


def one_line(text: str) -> str:
    """The text without line ends.

    >>> one_line("a\\n  b")
    'a b'
    """
    return " ".join(text.split())


def of_validation(error: ValidationError) -> str:
    """Key, value and range of everything that a model refused, in one line."""
    return "; ".join(f"{where} = {value}: {what}" for where, value, what in _lines(error.errors(include_url=False)))


def of_request(errors: Iterable[Any], *, hide_values: bool) -> tuple[str, str]:
    """(error, where) of a request body, path or query that does not fit; values are left out on request."""
    lines = list(_lines(errors))
    text = "; ".join(
        f"{where}: {what}" if hide_values else f"{where} = {value}: {what}" for where, value, what in lines
    )
    return text, ", ".join(where for where, _, _ in lines)


def _lines(errors: Iterable[Any]) -> Iterable[tuple[str, str, str]]:
    for problem in errors:
        where = ".".join(str(part) for part in problem["loc"]) or "the whole"
        value = repr(problem.get("input"))
        shown = value if len(value) <= SHOWN_CHARACTERS else value[:SHOWN_CHARACTERS] + "…"
        yield where, shown, _what(problem)


def _what(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    bounds = [f"{_BOUNDS[key]} {value}" for key, value in problem.get("ctx", {}).items() if key in _BOUNDS]
    message = problem["msg"].removeprefix("Value error, ")
    return f"{message} ({', '.join(bounds)})" if bounds else message

"""A book: one YAML file with every trading parameter of every service, validated at start.

Sections are named after the services; a missing section means its defaults. What is validated here travels as
``ParametersChanged`` on the log, so that a replay needs nothing but the log.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contango_common.domain.declare import wrong
from contango_common.domain.errors import UserError
from contango_execution.params import ExecutionParams, VenueParams
from contango_inference.params import InferenceParams
from contango_market_data.params import MarketDataParams
from contango_research.presets import begun
from contango_risk.params import RiskParams
from contango_signals.params import SignalsParams


class Book(BaseModel):
    """Everything that decides. Ports, paths and credentials are not here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    presets: tuple[str, ...] = Field(default=(), description="named sets of parameters that the book begins from")
    name: str = Field(default="demo", min_length=1, max_length=40, description="what reports call this book")
    notes: tuple[str, ...] = Field(default=(), description="sentences that the report shows with the assumptions")
    market_data: MarketDataParams = MarketDataParams()
    signals: SignalsParams = SignalsParams()
    inference: InferenceParams = InferenceParams()
    risk: RiskParams = RiskParams()
    execution: ExecutionParams = ExecutionParams()
    venue: VenueParams = VenueParams()

    def params(self) -> dict[str, Any]:
        """The JSON form that goes on the log."""
        return self.model_dump(mode="json")


def load_book(path: Path | None) -> Book:
    """The book in ``path``, or the defaults. UserError names file, key, value and what is allowed."""
    if path is None:
        return Book()
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name an existing book with --config") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where}: not valid YAML; correct it") from None
    if not isinstance(raw or {}, dict):
        raise UserError(f"{path}: holds a {type(raw).__name__}; a book is a mapping of sections")
    try:
        return Book.model_validate(begun(raw or {}))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except ValidationError as error:
        raise UserError("; ".join(f"{path}: {_problem(p)}" for p in error.errors(include_url=False))) from None


def _problem(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {where}; known keys there: {', '.join(_known(problem['loc'][:-1]))}"
    return wrong("", problem)


def _known(loc: tuple[Any, ...]) -> list[str]:
    model: Any = Book
    for part in loc:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field is not None else model
    return list(getattr(model, "model_fields", {}))

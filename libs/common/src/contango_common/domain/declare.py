"""How a parameter is declared: default, meaning, unit and range at once, for validation, docs and optimisation."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A group of parameters: frozen, no unknown keys, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def param(default: Any, meaning: str, *, unit: str = "", tune: tuple[float, float] | None = None, **limits: Any) -> Any:
    """A pydantic field; ``limits`` are ``ge``, ``gt``, ``le``, ``lt`` …; ``tune`` is the range worth searching.

    >>> class Wait(Section):
    ...     minutes: int = param(5, "wait before a retry", unit="minutes", ge=0, le=60, tune=(1, 15))
    >>> Wait(minutes=10).minutes
    10
    >>> Wait.model_fields["minutes"].json_schema_extra
    {'unit': 'minutes', 'tune': [1, 15]}
    """
    extra: dict[str, Any] = {"unit": unit} | ({} if tune is None else {"tune": list(tune)})
    return Field(default, description=meaning, json_schema_extra=extra, **limits)


def wrong(section: str, problem: Mapping[str, Any]) -> str:
    """What pydantic found wrong with a parameter, as one line: its whole key, the value, what is allowed.

    A value that is a whole group is not repeated.

    >>> problem = {"loc": ("minutes",), "msg": "Input should be greater than or equal to 0", "input": -1}
    >>> wrong("wait", problem)
    'wait.minutes = -1: Input should be greater than or equal to 0'
    """
    where = ".".join(str(part) for part in (section, *problem["loc"]) if part != "")
    message, value = str(problem["msg"]).removeprefix("Value error, "), problem.get("input")
    whole = isinstance(value, Mapping | list | tuple | BaseModel)
    return f"{where}: {message}" if whole else f"{where} = {value!r}: {message}"

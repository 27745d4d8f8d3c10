"""How a parameter is declared: default, meaning, unit and range at once, for validation, docs and optimisation."""

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

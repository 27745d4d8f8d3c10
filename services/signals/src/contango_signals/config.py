"""From the book's file to parameters: the section ``signals`` with names checked against gates and strategies."""

from typing import Any

from pydantic import ValidationError

from contango_common.domain.errors import UserError
from contango_signals.gates import ALWAYS_ON, GATES
from contango_signals.params import SignalsParams
from contango_signals.strategies.registry import STRATEGIES


def parse(params: dict[str, Any]) -> SignalsParams:
    """The validated section ``signals`` of a whole parameter set (defaults when absent). Raises UserError.

    >>> parse({"signals": {"dte_min": 31}}).dte_min
    31
    """
    try:
        checked = SignalsParams.model_validate(params.get("signals") or {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(("signals", *(str(part) for part in first["loc"])))
        raise UserError(f"{where}: {first['msg']} (got {first.get('input')!r})") from error
    _known("strategies", checked.strategies, tuple(STRATEGIES))
    _known("gates_off", checked.gates_off, tuple(gate.name for gate in GATES))
    for name in checked.gates_off:
        if name in ALWAYS_ON:
            raise UserError(f"signals.gates_off: the gate {name!r} cannot be switched off; leave it out")
    return checked


def _known(key: str, values: tuple[str, ...], names: tuple[str, ...]) -> None:
    for value in values:
        if value not in names:
            raise UserError(f"signals.{key}: {value!r} is unknown; there are {', '.join(names)}")

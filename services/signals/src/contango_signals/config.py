"""From the whole parameter set to this fold's section."""

from typing import Any

from pydantic import ValidationError

from contango_common.domain.declare import wrong
from contango_common.domain.errors import UserError
from contango_signals.params import SignalsParams


def parse(params: dict[str, Any]) -> SignalsParams:
    """The validated section ``signals`` (defaults when absent). Raises UserError naming key, value and range.

    >>> parse({"signals": {"valid_minutes": 31}}).valid_minutes
    31
    """
    try:
        return SignalsParams.model_validate(params.get("signals") or {})
    except ValidationError as error:
        raise UserError(wrong("signals", error.errors(include_url=False)[0])) from error

"""Parameters of execution and of the simulated venue: the sections ``execution`` and ``venue`` of a book's YAML."""

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contango_common.domain.declare import wrong
from contango_common.domain.errors import UserError
from contango_common.domain.money import MICROS

# Share of the spread paid per leg, by number of legs: the more legs, the nearer to mid a net order trades.
DEFAULT_FRACTIONS = {1: 0.75, 2: 0.66, 3: 0.56, 4: 0.53}


class _Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ExecutionParams(_Params):
    """How orders are worked."""

    open_deadline_minutes: int = Field(
        60, ge=1, le=1_440, description="minutes after which an opening order is taken back"
    )
    open_walk_minutes: tuple[int, ...] = Field(
        (0, 10), min_length=1, description="minutes since submission of each step"
    )
    open_walk_ticks: tuple[int, ...] = Field(
        (5, 0), min_length=1, description="ticks better than the bound at each step"
    )
    exit_achievable_frames: int = Field(1, ge=0, le=100, description="chain frames a closing order tries at achievable")
    exit_natural_frames: int = Field(
        2, ge=0, le=100, description="chain frames it then tries at natural, before market"
    )
    exit_widen_ticks: int = Field(
        10, ge=0, le=10_000, description="ticks added per frame to the last limit without quotes"
    )
    fill_fractions: dict[int, float] = Field(
        DEFAULT_FRACTIONS, description="share of the spread called achievable, by legs"
    )

    @model_validator(mode="after")
    def _walk_goes_to_the_bound(self) -> Self:
        minutes, ticks = self.open_walk_minutes, self.open_walk_ticks
        if len(minutes) != len(ticks):
            raise ValueError("open_walk_minutes and open_walk_ticks need the same number of steps")
        if minutes[0] != 0 or list(minutes) != sorted(set(minutes)):
            raise ValueError("open_walk_minutes must begin with 0 and rise")
        if ticks[-1] != 0 or list(ticks) != sorted(ticks, reverse=True):
            raise ValueError("open_walk_ticks must fall to 0: the last step is the bound itself")
        _check_fractions(self.fill_fractions)
        return self


class VenueParams(_Params):
    """What the simulated venue charges and how it fills."""

    initial_cash_usd: float = Field(1_000_000.0, ge=0, le=1e12, description="cash the account begins with, USD")
    fill_model: Literal["default", "natural", "stress"] = Field(
        "default", description="default: the fractions; natural: buy at ask, sell at bid; stress: natural and slippage"
    )
    fill_fractions: dict[int, float] = Field(DEFAULT_FRACTIONS, description="share of the spread paid, by legs")
    stress_slippage_ticks: int = Field(5, ge=0, le=10_000, description="ticks beyond natural per leg under stress")
    commission_per_contract_usd: float = Field(0.65, ge=0, le=1_000, description="per option contract, USD")
    index_fee_per_contract_usd: float = Field(
        0.0, ge=0, le=1_000, description="exchange fee per contract of cash-settled roots on top, USD"
    )
    settlement_fee_per_contract_usd: float = Field(0.0, ge=0, le=1_000, description="per contract settled, USD")
    stock_commission_per_unit_usd: float = Field(0.0, ge=0, le=1_000, description="per share or unit, USD")
    stock_commission_rate: float = Field(0.0, ge=0, le=0.1, description="share of the traded value")
    stock_slippage_ticks: int = Field(0, ge=0, le=10_000, description="ticks worse than the bar's open")
    no_fill_first_minutes: int = Field(15, ge=0, le=1_440, description="minutes after the open without any fill")
    size_respected: bool = Field(True, description="whether the displayed size bounds a fill")
    max_share_of_size: float = Field(1.0, gt=0, le=1, description="share of the displayed size that one frame may give")

    @model_validator(mode="after")
    def _fractions_are_shares(self) -> Self:
        _check_fractions(self.fill_fractions)
        return self


P = TypeVar("P", ExecutionParams, VenueParams)


def section_of(model: type[P], params: Mapping[str, Any], section: str) -> P:
    """The validated section, defaults when it is missing. Raises UserError that names key, value and reason."""
    try:
        return model.model_validate(params.get(section) or {})
    except ValidationError as error:
        raise UserError(wrong(section, error.errors(include_url=False)[0])) from error


def fraction_millionths(fractions: Mapping[int, float], legs: int) -> int:
    """Share of the spread for an order of ``legs`` legs, in millionths; beyond the table its last row holds.

    >>> fraction_millionths({1: 0.75, 2: 0.66}, 3)
    660000
    """
    known = [count for count in fractions if count <= legs]
    return round(fractions[max(known)] * MICROS)


def usd_micros(usd: float) -> int:
    """Parameter in USD as integer millionths."""
    return round(usd * MICROS)


def _check_fractions(fractions: Mapping[int, float]) -> None:
    if 1 not in fractions:
        raise ValueError("fill_fractions needs an entry for 1 leg")
    if any(count < 1 for count in fractions) or any(not 0.0 <= share <= 1.0 for share in fractions.values()):
        raise ValueError("fill_fractions maps a number of legs (from 1) to a share between 0 and 1")

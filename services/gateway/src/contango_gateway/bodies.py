"""What clients send."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Reason = Annotated[str, Field(min_length=1, max_length=200, description="why; stays on the log with the command")]
Section = Annotated[dict[str, Any] | None, Field(description="changed keys of this section")]


class Because(BaseModel):
    """A command that needs a reason and nothing else."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "news at 14:00"}]})
    reason: Reason


class Flatten(BaseModel):
    """Close everything. ``confirm`` must be true."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "leaving the desk", "confirm": True}]}
    )
    reason: Reason
    confirm: Literal[True] = Field(description="must be true: every position is closed, at the market if need be")


class ParameterUpdate(BaseModel):
    """Sections with the keys that change; everything else stays as it is in force.

    Nested mappings are merged, all other values replaced. Another value of ``market_data.…`` or
    ``venue.initial_cash_usd`` is refused: only a new session can take it.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"signals": {"max_vix": 30.0}, "reason": "calmer entries"}]},
    )
    market_data: Section = None
    signals: Section = None
    inference: Section = None
    risk: Section = None
    execution: Section = None
    venue: Section = None
    reason: Reason = "changed through the gateway"

    @model_validator(mode="after")
    def _changes_something(self) -> "ParameterUpdate":
        if not self.sections():
            raise ValueError("names no section to change")
        return self

    def sections(self) -> dict[str, Any]:
        """Only those that were given."""
        return self.model_dump(exclude={"reason"}, exclude_none=True)


class Switched(BaseModel):
    """How a feature stands from now on."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"switch": "shadow", "reason": "watch it for a week"}]}
    )
    switch: Literal["off", "shadow", "on"] = Field(
        description="off: not computed; shadow: computed and recorded, nothing follows from it; on: trades"
    )
    reason: Reason


class Promoted(BaseModel):
    """Which version of a model answers from now on."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"sha": "9b" * 32, "reason": "beat HAR"}]}
    )
    sha: str = Field(pattern=r"^[0-9a-f]{64}$", description="the version, as `contango models show` prints it")
    evidence: dict[str, float | str | None] = Field({}, description="figures that stay on the log with the command")
    reason: Reason


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=512, description="the gateway's token")

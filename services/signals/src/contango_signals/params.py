"""Parameters of the signals fold: the section ``signals`` of the book's file.

Every feature declares its own section, every strategy its own parameters under ``strategies``; here they come together.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, field_validator, model_validator

from contango_common.domain.declare import Section, param, wrong
from contango_signals.adjust import AdjustParams
from contango_signals.alignment import AlignmentParams
from contango_signals.bank import BankParams
from contango_signals.confidence import FuzzyParams
from contango_signals.direction_use import DirectionUse
from contango_signals.multipliers import MultiplierParams
from contango_signals.names import ALWAYS_ON, FEATURES, GATE_NAMES, SHIPPED
from contango_signals.profile import ProfileParams
from contango_signals.regimes.s0 import S0Params
from contango_signals.regimes.s1 import S1Params
from contango_signals.regimes.s2 import S2Params
from contango_signals.score import ScoreParams
from contango_signals.select import SelectParams
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.thresholds import ThresholdParams
from contango_signals.volstate import VolParams

Switch = Literal["off", "shadow", "on"]
DEMO = (
    "iron_condor",
    "put_credit_spread",
    "call_credit_spread",
    "calendar",
    "broken_wing_butterfly_bull",
    "broken_wing_butterfly_bear",
    "crash_put",
)


class RegimeParams(Section):
    """The three detectors; which of them decides is ``select.detector``.

    >>> RegimeParams().s2.vix_crash
    35.0
    """

    s0: S0Params = Field(S0Params(), description="Gaussian mixture of daily features")
    s1: S1Params = Field(S1Params(), description="intraday rules: trend, range, uncertain, with a volatile overlay")
    s2: S2Params = Field(S2Params(), description="daily rules in five states")


def _strategies(value: Any) -> Any:
    """A list of names means each with its defaults."""
    if isinstance(value, list | tuple):
        return {name: {} for name in value}
    return value


def _typed(value: Any) -> dict[str, Section]:
    """Name → validated parameters of that strategy. ValueError names strategy, key and value."""
    if not isinstance(value, Mapping):
        raise ValueError("strategies is a list of names, or a mapping of names to their parameters")
    found: dict[str, Section] = {}
    for name, raw in value.items():
        if name not in STRATEGIES:
            raise ValueError(f"no strategy is called {name!r}; there are {', '.join(STRATEGIES)}")
        wanted = STRATEGIES[name].params
        try:
            found[name] = raw if isinstance(raw, wanted) else wanted.model_validate(raw or {})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            known = f"; known keys: {', '.join(wanted.model_fields)}" if first["type"] == "extra_forbidden" else ""
            raise ValueError(wrong(name, first) + known) from None
    return found


Strategies = Annotated[
    dict[str, Any],
    BeforeValidator(lambda value: _typed(_strategies(value))),
    PlainSerializer(lambda found: {name: p.model_dump(mode="json") for name, p in found.items()}),
]


class SignalsParams(Section):
    """What is computed, which strategies look for entries, and what every gate asks for.

    >>> SignalsParams(strategies=["iron_condor"]).strategies["iron_condor"].dte_target
    45
    """

    strategies: Strategies = Field(
        dict.fromkeys(DEMO), description="names, or names with their parameters", validate_default=True
    )
    switches: dict[str, Switch] = param({}, "off, shadow or on for each feature and strategy; unnamed: as shipped")
    calendar: str | None = param(None, "session table to use; null: the first one on the log")
    vol_symbol: str = param("VIX", "symbol of the volatility index, in points (20 = 20 %)")
    bar_timeframe_s: int = param(900, "intraday bars that are folded", unit="seconds", ge=1, lt=86_400)
    feature_row_every_s: int = param(3600, "between feature rows; 0: none", unit="seconds", ge=0, le=86_400)
    sessions_per_year: int = param(252, "sessions a year holds (annualisation)", unit="sessions", ge=200, le=366)
    iv_rank_window_sessions: int = param(
        252, "closes that rank and percentile look at", unit="sessions", ge=2, le=10_000
    )
    iv_rank_min_sessions: int | None = param(
        None, "closes needed; null: the whole window", unit="sessions", ge=2, le=10_000
    )

    bank: BankParams = Field(BankParams(), description="windows of the indicators")
    alignment: AlignmentParams = Field(AlignmentParams(), description="agreement of the timeframes")
    thresholds: ThresholdParams = Field(ThresholdParams(), description="thresholds that move with volatility")
    profile: ProfileParams = Field(ProfileParams(), description="volume profile and key levels")
    regimes: RegimeParams = Field(RegimeParams(), description="regime detectors")
    volatility: VolParams = Field(VolParams(), description="state of volatility")
    fuzzy: FuzzyParams = Field(FuzzyParams(), description="fuzzy confidence and the size it allows")
    direction: DirectionUse = Field(DirectionUse(), description="what the direction predictor's word does")
    scoring: ScoreParams = Field(ScoreParams(), description="scores that rank candidates")
    multipliers: MultiplierParams = Field(MultiplierParams(), description="sizes by regime and volatility index")
    select: SelectParams = Field(SelectParams(), description="which strategies look for entries")
    adjust: AdjustParams = Field(AdjustParams(), description="rolls and hedges of open structures")

    scan_after_open_minutes: int = param(30, "a session is scanned once, from here on", unit="minutes", ge=0, le=1440)
    no_opening_minutes: int = param(15, "after the open without openings", unit="minutes", ge=0, le=1440)
    allow_closing_frame: bool = param(False, "open on a session's last frame (daily chains need it)")
    valid_minutes: int = param(75, "a proposal stands, at most to the close", unit="minutes", ge=1, le=10_080)
    gates_off: tuple[str, ...] = param((), "gates that do not refuse; their verdict stays on record")
    f_limit: float = param(0.75, "share of each leg's spread that the limit concedes", unit="fraction", ge=0.5, le=1.0)
    forecast_max_age_hours: float = param(100.0, "age of a usable forecast, at most", unit="hours", gt=0, le=10_000)

    limit_slippage: float = param(0.01, "above the close that an asset's limit may pay", unit="fraction", ge=0, lt=1)
    assets: tuple[str, ...] = param((), "symbols that the strategies on bars trade; empty: none")

    @field_validator("gates_off")
    @classmethod
    def _known_gates(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for name in values:
            if name not in GATE_NAMES:
                raise ValueError(f"no gate is called {name!r}; there are {', '.join(GATE_NAMES)}")
            if name in ALWAYS_ON:
                raise ValueError(f"the gate {name!r} cannot be switched off")
        return values

    @field_validator("switches")
    @classmethod
    def _known_features(cls, values: dict[str, Switch]) -> dict[str, Switch]:
        for name in values:
            if name not in FEATURES and name not in STRATEGIES:
                raise ValueError(f"no feature is called {name!r}; there are {', '.join((*FEATURES, *STRATEGIES))}")
        return values

    @field_validator("bar_timeframe_s")
    @classmethod
    def _divides_the_day(cls, seconds: int) -> int:
        if 86_400 % seconds:
            raise ValueError("bars must divide the day: 60, 300, 900, 1800, 3600 … seconds")
        return seconds

    @field_validator("assets")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"{twice[0]} is named twice")
        return names

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in (*self.adjust.rolled, *self.adjust.hedged):
            if name not in STRATEGIES:
                raise ValueError(f"adjust: no strategy is called {name!r}; there are {', '.join(STRATEGIES)}")
        least = self.iv_rank_min_sessions
        if least is not None and least > self.iv_rank_window_sessions:
            raise ValueError("iv_rank_min_sessions must not be above iv_rank_window_sessions")
        return self

    def switch(self, feature: str) -> Switch:
        """How a feature or strategy begins: as the book says, else as shipped."""
        return self.switches.get(feature) or SHIPPED.get(feature, "on")

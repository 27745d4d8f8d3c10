"""Parameters of the signals fold: the section ``signals`` of the book's file."""

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contango_signals.names import ALWAYS_ON, GATE_NAMES, STRATEGY_NAMES


class SignalsParams(BaseModel):
    """What is computed, which strategies look for entries, and what every gate asks for.

    >>> SignalsParams().dte_target
    45
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    strategies: tuple[str, ...] = Field(("iron_condor",), description="names from the strategies' registry")
    calendar: str | None = Field(None, description="session table to use; null: the first one on the log")
    vol_symbol: str = Field("VIX", description="symbol of the volatility index, in points (20 = 20 %)")
    bar_timeframe_s: int = Field(900, ge=1, lt=86_400, description="seconds of the intraday bars that are folded")
    feature_row_every_s: int = Field(1800, ge=0, le=86_400, description="seconds between feature rows; 0: none")

    ema_fast: int = Field(10, ge=1, le=10_000, description="bars of the fast exponential average")
    ema_slow: int = Field(20, ge=2, le=10_000, description="bars of the slow exponential average")
    sma: int = Field(20, ge=1, le=10_000, description="bars of the simple average")
    rsi: int = Field(14, ge=1, le=10_000, description="changes in the relative strength index")
    atr: int = Field(14, ge=1, le=10_000, description="true ranges in the average true range")
    adx: int = Field(14, ge=1, le=10_000, description="bars of each smoothing of the directional index")
    vol_window: int = Field(20, ge=2, le=10_000, description="returns in the realised volatility")
    bars_per_year: float = Field(6552.0, gt=0.0, le=1e8, description="intraday bars a year holds (annualisation)")
    daily_sma: int = Field(200, ge=1, le=10_000, description="sessions of the regime's simple average")
    daily_adx: int = Field(14, ge=1, le=10_000, description="sessions of each smoothing of the regime's ADX")
    daily_atr: int = Field(14, ge=1, le=10_000, description="sessions in the daily average true range")
    daily_vol_window: int = Field(20, ge=2, le=10_000, description="sessions in the daily realised volatility")
    sessions_per_year: int = Field(252, ge=200, le=366, description="sessions a year holds (annualisation)")
    iv_rank_window_sessions: int = Field(252, ge=2, le=10_000, description="closes that rank and percentile look at")
    iv_rank_min_sessions: int | None = Field(None, ge=2, le=10_000, description="closes needed; null: the whole window")

    vix_crash: float = Field(35.0, gt=0.0, le=1000.0, description="index points above which the market crashes")
    vix_high: float = Field(20.0, gt=0.0, le=1000.0, description="index points above which volatility is high")
    adx_trend: float = Field(25.0, ge=0.0, le=100.0, description="daily ADX above which the market trends")

    scan_after_open_minutes: int = Field(30, ge=0, le=1440, description="a session is scanned once, from here on")
    no_opening_minutes: int = Field(15, ge=0, le=1440, description="minutes after the open without openings")
    allow_closing_frame: bool = Field(False, description="open on a session's last frame (daily chains need it)")
    valid_minutes: int = Field(75, ge=1, le=10_080, description="minutes a proposal stands, at most to the close")
    gates_off: tuple[str, ...] = Field((), description="gates that do not refuse; their verdict stays on record")

    dte_min: int = Field(30, ge=0, le=1000, description="calendar days to expiry, at least")
    dte_max: int = Field(60, ge=0, le=1000, description="calendar days to expiry, at most")
    dte_target: int = Field(45, ge=0, le=1000, description="calendar days to expiry wanted")
    short_delta: float = Field(0.16, gt=0.0, lt=0.5, description="absolute spot delta wanted of the sold legs")
    short_delta_step: float = Field(0.03, ge=0.0, lt=0.5, description="distance of the two other deltas looked at")
    delta_min: float = Field(0.08, gt=0.0, lt=0.5, description="absolute spot delta of a sold leg, at least")
    delta_max: float = Field(0.25, gt=0.0, lt=0.5, description="absolute spot delta of a sold leg, at most")
    wing_width: dict[str, float] = Field(
        {
            "LOW_VOL_RANGE": 0.015,
            "HIGH_VOL_RANGE": 0.025,
            "BULL_TREND": 0.02,
            "BEAR_TREND": 0.025,
            "CRASH_MODE": 0.03,
        },
        description="wing width per regime as a fraction of spot",
    )
    wing_width_default: float = Field(0.02, gt=0.0, lt=0.5, description="wing width where no regime is known")
    wing_width_min: float = Field(0.01, ge=0.01, lt=0.5, description="fraction of spot, at least; never below 1 %")
    f_limit: float = Field(0.75, ge=0.5, le=1.0, description="share of each leg's spread that the limit concedes")

    regimes_allowed: tuple[str, ...] = Field(
        ("LOW_VOL_RANGE", "HIGH_VOL_RANGE"), description="regimes in which condors open"
    )
    min_iv_rank: float = Field(15.0, ge=0.0, le=100.0, description="IV rank, at least")
    max_vix: float = Field(40.0, gt=0.0, le=1000.0, description="volatility index in points, at most")
    forecast_max_age_hours: float = Field(100.0, gt=0.0, le=10_000.0, description="age of a usable forecast, at most")
    max_breach_odds: float = Field(0.35, gt=0.0, le=1.0, description="odds to end beyond either sold strike, at most")
    min_vrp_ratio: float = Field(1.0, ge=0.0, le=10.0, description="implied variance over forecast median, at least")
    min_credit_to_width: float = Field(0.10, ge=0.0, lt=1.0, description="credit at the limit over the wider wing")
    max_spread_to_credit: float = Field(0.40, gt=0.0, le=10.0, description="net bid-ask spread over the mid credit")
    min_displayed_size: int = Field(1, ge=0, le=1_000_000, description="units the quotes show on our side, at least")
    max_open: int = Field(3, ge=1, le=10_000, description="positions of one strategy and underlying, at most")
    min_sessions_between: int = Field(5, ge=0, le=1000, description="sessions between two openings, at least")

    ema_symbols: tuple[str, ...] = Field((), description="symbols that the EMA cross trades")
    ema_quantity_cap: int = Field(1, ge=1, le=1_000_000_000, description="units per proposal of the EMA cross, at most")
    ema_limit_slippage: float = Field(0.01, ge=0.0, lt=1.0, description="fraction above the close it may pay")

    @field_validator("strategies")
    @classmethod
    def _known_strategies(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for name in values:
            if name not in STRATEGY_NAMES:
                raise ValueError(f"no strategy is called {name!r}; there are {', '.join(STRATEGY_NAMES)}")
        return values

    @field_validator("gates_off")
    @classmethod
    def _known_gates(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for name in values:
            if name not in GATE_NAMES:
                raise ValueError(f"no gate is called {name!r}; there are {', '.join(GATE_NAMES)}")
            if name in ALWAYS_ON:
                raise ValueError(f"the gate {name!r} cannot be switched off")
        return values

    @model_validator(mode="after")
    def _ordered(self) -> "SignalsParams":
        if not self.dte_min <= self.dte_target <= self.dte_max:
            raise ValueError("dte_min <= dte_target <= dte_max must hold")
        if not self.delta_min <= self.short_delta <= self.delta_max:
            raise ValueError("delta_min <= short_delta <= delta_max must hold")
        if self.ema_fast >= self.ema_slow:
            raise ValueError("ema_fast must be below ema_slow")
        least = self.iv_rank_min_sessions
        if least is not None and least > self.iv_rank_window_sessions:
            raise ValueError("iv_rank_min_sessions must not be above iv_rank_window_sessions")
        return self

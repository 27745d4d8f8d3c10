"""What the gateway answers. Every view says which message of the log it reflects. Units stand at the end of names."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Numbers = dict[str, float | None]
Scalars = dict[str, float | str | bool | None]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AsOf(Body):
    """Head of every view."""

    as_of_seq: int = Field(description="sequence of the last message that this answer reflects")
    as_of_ts_ns: int = Field(description="event time of that message, UTC nanoseconds (in a replay: replay time)")


class Greeks(Body):
    delta_spy_shares: float = Field(description="shares of SPY equivalents")
    gamma_spy_shares: float = Field(description="change of delta per 1 USD of SPY")
    vega_usd_per_point: float = Field(description="USD per volatility point")
    theta_usd_per_day: float = Field(description="USD per calendar day")


class BookMarks(Body):
    """The last PortfolioMarked."""

    marked_ts_ns: int
    cash_usd: float
    equity_usd: float = Field(description="cash plus holdings at mid")
    high_water_usd: float
    drawdown_fraction: float
    holdings_mid_usd: float = Field(description="what the holdings are worth at mid (negative: owed)")
    holdings_achievable_usd: float = Field(description="the same at prices that closing now is expected to get")
    holdings_natural_usd: float = Field(description="the same at the worst side of every quote")
    max_loss_usd: float
    open_positions: int
    stale_marks: int = Field(description="legs without a usable quote at the mark")
    delta_spy_shares: float | None
    gamma_spy_shares: float | None
    vega_usd_per_point: float | None
    theta_usd_per_day: float | None


class HaltRow(Body):
    by: str = Field(description="person or risk")
    reason: str
    ends_with: str = Field(description="resume: a person's word; next_session: by itself")
    until_ns: int | None
    since_ts_ns: int
    seq: int


class Reserved(Body):
    """An approved opening whose order is not final."""

    position_id: str
    strategy: str
    underlying: str
    quantity: int
    filled: int
    max_loss_usd: float
    valid_until_ns: int


class CurvePoint(Body):
    ts_ns: int
    equity_usd: float


class PriceRow(Body):
    symbol: str
    price: float
    ts_ns: int


class FeedRow(Body):
    underlying: str
    state: str
    reasons: list[str]
    since_ts_ns: int


class Book(AsOf):
    """The account, its curve, and whether new risk may be opened."""

    marks: BookMarks | None = Field(description="null before the book was marked for the first time")
    cash_usd: float | None = Field(description="cash by the broker's facts up to now; null before it was funded")
    initial_cash_usd: float | None
    trading_started_ts_ns: int | None = Field(description="null while the log only warms up")
    halted: bool
    halts: list[HaltRow]
    reserved: list[Reserved]
    prices: list[PriceRow]
    feeds: list[FeedRow]
    curve: list[CurvePoint] = Field(description="equity, thinned evenly")


class Leg(Body):
    instrument: str
    ratio: int
    lots: int = Field(description="signed contracts held now")
    bid_usd: float | None
    ask_usd: float | None
    quoted_ns: int | None
    stale: bool
    iv_annual: float | None


class Marks(Body):
    mid_usd: float | None
    achievable_usd: float | None
    natural_usd: float | None
    marked_ns: int | None
    stale_legs: int
    absent: str | None = Field(description="why a mark is missing or old; null when fresh")


class ExitRow(Body):
    reason: str
    all_true: list[str]
    urgency: str
    why: Numbers


class Position(Body):
    position_id: str
    strategy: str
    kind: str
    underlying: str
    units: int = Field(description="units of the structure that were opened")
    opened_ns: int
    expiry_ns: int | None
    dte_days: int | None
    regime_at_entry: str
    why: Numbers = Field(description="the numbers that the entry was judged by")
    limit_ticks: int
    entry_net_usd: float = Field(description="what opening brought (negative: cost), before fees")
    closed_net_usd: float = Field(description="what has been closed so far brought, before fees")
    fees_usd: float
    max_loss_usd: float | None
    marks: Marks
    pnl_mid_usd: float | None = Field(description="after fees, holdings at mid")
    pnl_achievable_usd: float | None = Field(
        description="after fees, holdings at the achievable price; null when stale"
    )
    greeks: Greeks | None
    legs: list[Leg]
    exit: ExitRow | None = Field(description="a standing request to close")


class Positions(AsOf):
    positions: list[Position]


class OnePosition(AsOf):
    position: Position


class OrderStep(BaseModel):
    """One entry of an order's history; further keys say what the fact said."""

    model_config = ConfigDict(extra="allow")
    seq: int
    ts_ns: int
    what: str
    state: str


class Order(Body):
    order_id: str
    position_id: str
    purpose: str = Field(description="open or reduce")
    underlying: str
    instruments: list[str]
    ratios: list[int]
    multiplier: int
    tick_micros: int
    quantity: int
    limit_ticks: int | None = Field(description="most that one unit may cost (negative: least credit); null: market")
    valid_until_ns: int | None
    state: str
    filled: int
    cash_usd: float
    fees_usd: float
    reason: str
    venue_id: str | None
    submitted_ts_ns: int
    done_ts_ns: int | None
    history: list[OrderStep]


class Orders(AsOf):
    orders: list[Order] = Field(description="newest first")


class Decision(Body):
    seq: int
    index: int
    ts_ns: int
    kind: str = Field(description="refused, proposed, approved, exit_requested, ordered, closed, halted, …")
    by: str
    fact: str
    cause: int
    reasons: list[str] = Field(description="all of them")
    gates: dict[str, bool] = Field(description="gate to verdict, true: passed")
    kills: dict[str, int] = Field(description="gate to candidates it refused")
    why: Numbers
    details: dict[str, Any]


class Decisions(AsOf):
    decisions: list[Decision] = Field(description="newest first")
    refusals: dict[str, int] = Field(description="how often each gate refused, since trading started")


class Trade(Body):
    position_id: str
    proposal_id: str
    strategy: str
    underlying: str
    instruments: list[str]
    ratios: list[int]
    quantity: int
    opened_ns: int
    closed_ns: int
    seq: int
    entry_net_usd: float
    exit_net_usd: float
    fees_usd: float
    pnl_usd: float
    mid_pnl_usd: float
    natural_pnl_usd: float
    max_loss_usd: float
    exit_reason: str
    exit_all_true: list[str]
    regime_at_entry: str
    regime_at_exit: str | None
    entry_why: Numbers
    exit_why: Numbers
    adjusts: str | None
    entry_parameters: Scalars
    module_specific_params: Scalars
    market_context: Scalars
    alternatives: Scalars


class TradeTotals(Body):
    count: int
    win_rate: float | None
    pnl_usd: float
    fees_usd: float


class Trades(AsOf):
    totals: TradeTotals = Field(description="of every trade on the log, also those that are no longer listed")
    trades: list[Trade] = Field(description="newest first")


class Regime(Body):
    symbol: str
    detector: str
    version: int
    label: str | None = Field(description="None while the detector abstains")
    previous: str | None
    since_ts_ns: int
    posterior: dict[str, float] = Field(description="probability of each of the detector's labels")
    abstain: str | None = Field(description="why there is no label")
    overlay: list[str]
    multiplier: float | None
    why: Numbers


class NoForecast(Body):
    reason: str
    ts_ns: int


class ForecastRow(Body):
    symbol: str
    model: str
    model_sha: str | None
    ts_ns: int | None
    horizons_sessions: list[int]
    levels: list[float]
    variance_quantiles: list[list[float]] = Field(description="annualised variance, horizon by level")
    absent: NoForecast | None = Field(description="why there is no newer one")


class FeatureValues(Body):
    symbol: str
    ts_ns: int
    values: Numbers


class DirectionWord(Body):
    horizon_s: int = Field(description="seconds ahead; 0: one session")
    bull: float
    bear: float
    neutral: float


class VarianceWord(Body):
    horizons_sessions: list[int]
    levels: list[float]
    quantiles: list[list[float]] = Field(description="annualised variance, horizon by level")


class FittedRow(Body):
    version: str
    rows: int
    brier: float | None
    baseline_brier: float | None
    accuracy: float | None
    ts_ns: int


class ScoreRow(Body):
    resolved: int = Field(description="forecasts that have come due")
    loss: float
    baseline_loss: float
    skill: float | None = Field(description="1 - loss / baseline loss")
    calibration_error: float | None
    e_value: float | None = Field(description="evidence of being better; 20 is a lot")
    ts_ns: int


class ModelRow(Body):
    symbol: str
    model: str
    role: str | None
    version: str | None
    backend: str | None
    weights: dict[str, float] = Field(description="what its word counts, by target; 0: recorded, decides nothing")
    direction: DirectionWord | None
    variance: VarianceWord | None
    fitted: FittedRow | None
    on: bool | None = Field(description="whether a predictor's own record gives it a say")
    scores: dict[str, ScoreRow]
    absent: NoForecast | None = Field(description="why it is silent")
    ts_ns: int


class DriftRow(Body):
    symbol: str
    model: str
    subject: str
    name: str
    test: str
    value: float
    limit: float
    ts_ns: int


class ModelChange(Body):
    ts_ns: int
    model: str
    what: str
    subject: str
    reason: str


class Models(AsOf):
    models: list[ModelRow]
    drift: list[DriftRow]
    changes: list[ModelChange]


class Regimes(AsOf):
    regimes: list[Regime]
    forecasts: list[ForecastRow]
    features: list[FeatureValues]


class ParametersOf(Body):
    seq: int
    ts_ns: int
    source: str
    reason: str


class SwitchRow(Body):
    feature: str
    switch: str
    reason: str
    since_ts_ns: int


class Parameters(AsOf):
    parameters: dict[str, Any] | None = Field(description="the whole set in force; null before the first")
    set_by: ParametersOf | None
    refused_by_risk: str | None = Field(description="why risk keeps its last good section, if it does")
    switches: list[SwitchRow] = Field(description="features that were switched; all others are on")
    features: list[str] = Field(description="names that can be switched")


class Step(Body):
    seq: int
    subject: str
    ts_ns: int
    source: str
    cause: int
    fact: str
    body: dict[str, Any]
    beside: list[str] = Field(description="tags of the other facts of the same message")


class Explanation(AsOf):
    id: str
    steps: list[Step] = Field(description="from the fact that created it back to the message that nobody caused")
    exit_steps: list[Step] = Field(description="the same for the exit of a position; empty while it stands")


class ServiceHealth(Body):
    name: str
    ready: bool
    url: str | None
    reason: str | None = Field(description="null when ready")
    checks: dict[str, str]


class QuarantineRow(Body):
    seq: int
    by: str
    reason: str


class Health(AsOf):
    ready: bool = Field(description="every service is ready")
    services: list[ServiceHealth]
    undecodable: int = Field(description="messages that this gateway could not decode")
    ledger_trouble: str | None = Field(description="a fact that the gateway's copy of the ledger could not take")
    quarantined: list[QuarantineRow] = Field(description="the last messages that a service set aside")


class Receipt(Body):
    """A command is on the log. The same Idempotency-Key gives the same answer and no second message."""

    command_id: str
    kind: str
    seq: int = Field(description="its sequence on the log")
    ts_ns: int = Field(description="its event time")


class Session(Body):
    csrf_token: str = Field(description="send it as X-CSRF-Token with every command of the page")

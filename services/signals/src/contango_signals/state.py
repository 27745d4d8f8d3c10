"""What the signals fold remembers: plain dataclasses that a snapshot can hold."""

from dataclasses import dataclass, field

from contango_common.domain.arrays import Array
from contango_common.domain.instrument import RootSpec
from contango_common.domain.sessions import Sessions
from contango_signals.bank import SymbolBank
from contango_signals.divergence import Divergence
from contango_signals.history import Daily
from contango_signals.names import Switch
from contango_signals.params import SignalsParams
from contango_signals.profile import Levels
from contango_signals.regimes.s1 import S1State
from contango_signals.strategies.ema_cross import Cross
from contango_signals.thresholds import ThresholdState
from contango_signals.volindex import VolIndex, new_vol_index


@dataclass(slots=True)
class Rate:
    """Continuously compounded, per year."""

    rate_annual: float
    div_yield_annual: float | None


@dataclass(slots=True)
class ForecastSeen:
    """The last forecast of a symbol; ``absent`` is the reason when the last answer was none."""

    ts_ns: int = 0
    horizons_sessions: list[int] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    variance_quantiles: list[list[float]] = field(default_factory=list)
    absent: str | None = None


@dataclass(slots=True)
class ModelSeen:
    """The last variance forecast of the served champion for a symbol, and the weight that it has earned."""

    model: str
    ts_ns: int
    weight: float
    horizons_sessions: list[int]
    levels: list[float]
    variance_quantiles: list[list[float]]


@dataclass(slots=True)
class DirectionSeen:
    """The last direction forecast of one model for a symbol; ``horizon_s`` 0 is one session."""

    model: str
    ts_ns: int
    horizon_s: int
    bull: float
    bear: float
    neutral: float
    confidence: float
    weight: float


@dataclass(slots=True)
class OpenPosition:
    """An approved proposal. ``lapses_ns`` is None once it was filled; before, it is gone after that instant.

    ``series`` are root and expiry date of its options. ``stop`` and ``target`` are prices as it was proposed.
    ``closing``: its exit was asked for, and an exit is never taken back.
    ``adjusts`` is the position it was made to adjust; ``adjusted`` names the adjustments proposed for it so far.
    """

    strategy: str
    underlying: str
    opened_ns: int
    lapses_ns: int | None
    series: list[str] = field(default_factory=list)
    kind: str = ""
    instruments: list[str] = field(default_factory=list)
    ratios: list[int] = field(default_factory=list)
    quantity: int = 0
    entry_ticks: float | None = None
    stop: float | None = None
    target: float | None = None
    adjusts: str | None = None
    adjusted: list[str] = field(default_factory=list)
    closing: bool = False


@dataclass(slots=True)
class Asked:
    """What a proposal of ours said that its approval does not: kept until risk has answered."""

    kind: str
    stop: float | None
    target: float | None
    adjusts: str | None
    mark: str


@dataclass(slots=True)
class SmileSeen:
    """The last fit of one expiry: when it was made, when the expiry is over, forward and smile (empty: none)."""

    ts_ns: int
    expiry_ns: int
    forward: float | None
    smile: list[float]
    atm_iv_annual: float | None = None


@dataclass(slots=True)
class Told:
    """The last report of one detector on one symbol."""

    label: str | None
    abstain: str | None
    overlay: list[str]
    multiplier: float | None
    stable_since_ns: int


@dataclass(slots=True)
class Mixture:
    """A fitted Gaussian mixture, as the fact says it, and the posterior carried from session to session."""

    sha: str
    features: list[str]
    centre: list[float]
    scale: list[float]
    weights: list[float]
    means: list[list[float]]
    precisions: list[list[list[float]]]
    log_dets: list[float]
    transition: list[list[float]]
    labels: list[str]
    posterior: list[float] | None = None
    as_of_ns: int = 0


@dataclass(slots=True)
class Reversion:
    """An Ornstein-Uhlenbeck fit in force; mean and sd are None where it is not identified."""

    mean: float | None
    sd: float | None
    half_life_days: float | None
    adf_p: float | None
    kpss_p: float | None


@dataclass(slots=True)
class Symbol:
    """Everything that bars of one symbol change, feature by feature."""

    bank: SymbolBank
    daily: Daily = field(default_factory=Daily)
    thresholds: ThresholdState = field(default_factory=ThresholdState)
    ring: Array | None = None
    levels: Levels | None = None
    mixture: Mixture | None = None
    no_mixture: str = "no mixture has been fitted"
    s1: S1State = field(default_factory=S1State)
    memberships: Array | None = None
    told: dict[str, Told] = field(default_factory=dict)
    row_ns: int = 0


@dataclass(slots=True)
class State:
    params: SignalsParams
    vol: VolIndex
    params_error: str | None = None
    trading_started: bool = False
    halted_by_person: bool = False
    halted_by_risk: bool = False
    halted_until_ns: int | None = None
    sessions: Sessions | None = None
    roots: dict[str, RootSpec] = field(default_factory=dict)
    tick_micros: dict[str, int] = field(default_factory=dict)
    tradable: dict[str, bool] = field(default_factory=dict)
    crypto: dict[str, bool] = field(default_factory=dict)
    rates: dict[str, Rate] = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=dict)
    switches: dict[str, Switch] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)  # features that raised, and why; told once
    failed: dict[str, str] = field(default_factory=dict)  # features off since they raised, and why
    forecasts: dict[str, ForecastSeen] = field(default_factory=dict)
    model_forecasts: dict[str, ModelSeen] = field(default_factory=dict)
    directions: dict[str, DirectionSeen] = field(default_factory=dict)  # symbol:horizon in seconds → the champion's
    symbols: dict[str, Symbol] = field(default_factory=dict)
    divergence: Divergence | None = None
    reversion: Reversion | None = None
    smiles: dict[str, SmileSeen] = field(default_factory=dict)  # root:expiry date → the last fit
    session_date: dict[str, int] = field(default_factory=dict)
    scanned: dict[str, int] = field(default_factory=dict)
    selected: dict[str, int] = field(default_factory=dict)  # underlying → the session last selected for
    killed: dict[str, list[float]] = field(
        default_factory=dict
    )  # strategy:underlying:gate → share killed, last sessions
    alerted: dict[str, bool] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    positions: dict[str, OpenPosition] = field(default_factory=dict)
    last_opened_ns: dict[str, int] = field(default_factory=dict)
    crosses: dict[str, Cross] = field(default_factory=dict)


def new_state() -> State:
    params = SignalsParams()
    return State(params, new_vol_index(params.iv_rank_window_sessions, params.iv_rank_min_sessions))


def standing(state: State, strategy: str, underlying: str, now_ns: int) -> list[OpenPosition]:
    """Positions held or still being opened."""
    return [
        p
        for p in state.positions.values()
        if p.strategy == strategy and p.underlying == underlying and (p.lapses_ns is None or p.lapses_ns >= now_ns)
    ]


def last_opening_ns(state: State, strategy: str, underlying: str, now_ns: int) -> int | None:
    """When the last position was approved that was opened or still may be; an order that lapsed does not count."""
    instants = [p.opened_ns for p in standing(state, strategy, underlying, now_ns)]
    closed = state.last_opened_ns.get(f"{strategy}:{underlying}")
    return max(instants if closed is None else [*instants, closed], default=None)

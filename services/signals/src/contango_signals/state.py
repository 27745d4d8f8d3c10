"""What the signals fold remembers: plain dataclasses that a snapshot can hold."""

from dataclasses import dataclass, field

from contango_common.domain.instrument import RootSpec
from contango_common.domain.sessions import Sessions
from contango_signals.features import SymbolFeatures, VolIndex, new_vol_index
from contango_signals.params import SignalsParams
from contango_signals.strategies.ema_cross import Cross


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
class OpenPosition:
    """An approved proposal. ``lapses_ns`` is None once it was filled; before, it is gone after that instant.

    ``series`` are root and expiry date of its options.
    """

    strategy: str
    underlying: str
    opened_ns: int
    lapses_ns: int | None
    series: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SmileSeen:
    """The last fit of one expiry: when it was made, when the expiry is over, forward and smile (empty: none)."""

    ts_ns: int
    expiry_ns: int
    forward: float | None
    smile: list[float]


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
    rates: dict[str, Rate] = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=dict)
    forecasts: dict[str, ForecastSeen] = field(default_factory=dict)
    features: dict[str, SymbolFeatures] = field(default_factory=dict)
    regimes: dict[str, str] = field(default_factory=dict)
    smiles: dict[str, SmileSeen] = field(default_factory=dict)  # root:expiry date → the last fit
    session_date: dict[str, int] = field(default_factory=dict)
    scanned: dict[str, int] = field(default_factory=dict)
    positions: dict[str, OpenPosition] = field(default_factory=dict)
    last_opened_ns: dict[str, int] = field(default_factory=dict)
    crosses: dict[str, Cross] = field(default_factory=dict)


def new_state() -> State:
    params = SignalsParams()
    return State(params=params, vol=new_vol_index(params))


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

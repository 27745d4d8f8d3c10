"""Facts of the signals fold: ``log.signals``."""

from typing import ClassVar, Literal

from pydantic import NonNegativeInt, PositiveInt

from contango_common.events.base import Event

Number = float | None


class FeatureRow(Event):
    """Named features of one symbol at the envelope's instant; None where not ready."""

    FAMILY: ClassVar[str] = "signals"
    symbol: str
    values: dict[str, Number]


class RegimeChanged(Event):
    """A detector's label changed (or was given for the first time: ``previous`` is None)."""

    FAMILY: ClassVar[str] = "signals"
    symbol: str
    detector: str
    version: int
    label: str
    previous: str | None
    why: dict[str, Number]


class SurfaceFitted(Event):
    """Forward and smile of one expiry, fitted to the quotes of the frame of this instant.

    ``smile`` are the numbers of a fitted smile (``contango_quant.surface.curve.Smile``, in its order), empty where
    there is none; ``reason`` says why forward or smile is missing. ``rms_vol`` is the misfit in volatility, ``quotes``
    how many quotes were fitted.
    """

    FAMILY: ClassVar[str] = "signals"
    underlying: str
    root: str
    expiry_date: int
    expiry_ns: int
    forward: Number
    atm_iv_annual: Number
    rms_vol: Number
    quotes: NonNegativeInt
    smile: tuple[float, ...]
    reason: str | None


class Scan(Event):
    """One look for an entry: how many candidates there were and what each gate said.

    ``gates`` maps gate to verdict (True passed) for the best candidate, or for the scan when there is none;
    ``kills`` counts the candidates that each gate refused. ``rows`` holds at most 8 candidates inline.
    """

    FAMILY: ClassVar[str] = "signals"
    underlying: str
    strategy: str
    candidates: int
    proposed: bool
    gates: dict[str, bool]
    kills: dict[str, int]
    why: dict[str, Number]
    rows: tuple[dict[str, float | str | None], ...] = ()


class Proposal(Event):
    """A structure worth opening, with why. Prices are per unit of the structure, in ticks (credit negative)."""

    FAMILY: ClassVar[str] = "signals"
    proposal_id: str
    strategy: str
    kind: str
    underlying: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    multiplier: PositiveInt
    tick_micros: PositiveInt
    expiry_ns: int | None
    last_trade_ns: int | None
    mid_ticks: float
    natural_ticks: int
    limit_ticks: int
    max_loss_ticks: int
    score: float
    gates: dict[str, bool]
    why: dict[str, Number]
    regime: str
    valid_until_ns: int
    quantity_cap: PositiveInt | None = None


class FeatureFailed(Event):
    """A feature raised, was switched off and left nothing half-changed."""

    FAMILY: ClassVar[str] = "signals"
    feature: str
    reason: str


class ExitSignal(Event):
    """A strategy asks that what it holds in ``underlying`` be closed (risk decides, exits are never blocked)."""

    FAMILY: ClassVar[str] = "signals"
    underlying: str
    strategy: str
    reason: Literal["signal"] = "signal"
    why: dict[str, Number]

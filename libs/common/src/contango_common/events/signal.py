"""Facts of the signals fold: ``log.signals``."""

from typing import ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from contango_common.domain.blocks import Block
from contango_common.events.base import ByReference, Event

Number = float | None
Scalar = float | str | bool | None
"""A value of a trade's context: a number in the unit its name says, a word, or None where it was not known."""


class FeatureRow(Event):
    """Named features of one symbol at the envelope's instant; None where not ready.

    ``cadence`` says what the row was told for: so much time has passed, or a session has closed.
    """

    FAMILY: ClassVar[str] = "signals"
    symbol: str
    values: dict[str, Number]
    cadence: Literal["row", "session"] = "row"


class RegimeReport(Event):
    """What one detector says of one symbol, told when it changes.

    ``posterior`` maps the detector's own labels to probabilities (a rule set is sure: 1.0). ``abstain`` is the reason
    why there is no label (``label`` is None then), ``overlay`` holds flags beside the label (VOLATILE). ``as_of_ns`` is
    the last bar the report rests on, ``stable_since_ns`` the instant since which the label stands. ``multiplier``
    is the position multiplier of the label, None where the detector has none.
    """

    FAMILY: ClassVar[str] = "signals"
    symbol: str
    detector: str
    version: int
    label: str | None
    previous: str | None
    posterior: dict[str, float]
    as_of_ns: int
    stable_since_ns: int
    abstain: str | None = None
    overlay: tuple[str, ...] = ()
    multiplier: float | None = None
    why: dict[str, Number]


class ThresholdsAdjusted(Event):
    """An adaptive threshold (``adx``, ``rvol``) took a new value, and the volatility percentile that moved it."""

    FAMILY: ClassVar[str] = "signals"
    symbol: str
    threshold: str
    old: float
    new: float
    percentile: float
    multiplier: float
    reason: str


class ProfileBuilt(Event):
    """The volume profile that counts from here on: point of control, value area, and how much volume it rests on.

    ``low_volume_below`` is the median volume of the bins that traded: a price in a bin below it lies in a low-volume
    area; ``low_areas`` are those bins as ``(low, high)`` prices, neighbours joined.
    """

    FAMILY: ClassVar[str] = "signals"
    symbol: str
    from_ns: int
    bars: NonNegativeInt
    bin_fraction: float
    poc: float
    value_low: float
    value_high: float
    volume: float
    low_volume_below: float
    low_areas: tuple[tuple[float, float], ...]


class StrategiesSelected(Event):
    """What the selector lets look for entries in a session: the strategies chosen, and why the others were not."""

    FAMILY: ClassVar[str] = "signals"
    underlying: str
    session_date: int
    detector: str
    label: str | None
    selected: tuple[str, ...]
    excluded: dict[str, str]


class GateAlert(Event):
    """A gate has killed more than ``limit`` of the candidates for ``sessions`` sessions in a row."""

    FAMILY: ClassVar[str] = "signals"
    underlying: str
    strategy: str
    gate: str
    killed_share: float
    limit: float
    sessions: PositiveInt


class RegimeChanged(Event):
    """A label on logs from before ``RegimeReport``; nobody writes it any more."""

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


class Scan(ByReference):
    """One look for an entry: how many candidates there were and what each gate said.

    ``gates`` maps gate to verdict (True passed) for the best candidate, or for the scan when there is none;
    ``kills`` counts the candidates that each gate refused. ``rows`` holds at most 8 candidates inline; ``block`` is the
    address of the block with all of them (columns: see ``contango_signals.ledger``), None where there was none.
    ``feasible`` is the share of candidates that the gates of the candidate, all together, let pass on this chain.
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
    block: str | None = None
    feasible: Number = None

    def references(self) -> tuple[str, ...]:
        return () if self.block is None else (self.block,)

    def candidate_columns(self) -> Block:
        """Every candidate; KeyError where the scan has none."""
        return self.block_at(self.block or "")


Adjustment = Literal["roll_breach", "roll_dte", "hedge_delta"]


class Proposal(Event):
    """A structure worth opening, with why. Prices are per unit of the structure, in ticks (credit negative).

    ``multipliers`` scale the size that risk finds (the smallest counts, 0 is a refusal), ``shadow_multipliers``
    only say what they would have done. An adjustment names the position it ``adjusts``; with ``closes`` that
    position is closed when, and only when, this one is approved. The trade's context travels in
    ``entry_parameters`` (what was configured), ``module_specific_params`` (what the strategy measured),
    ``market_context``, and ``alternatives`` ("would have triggered at …").
    """

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
    multipliers: dict[str, float] = Field({})
    shadow_multipliers: dict[str, float] = Field({})
    adjusts: str | None = None
    adjustment: Adjustment | None = None
    closes: bool = False
    entry_parameters: dict[str, Scalar] = Field({})
    module_specific_params: dict[str, Scalar] = Field({})
    market_context: dict[str, Scalar] = Field({})
    alternatives: dict[str, Scalar] = Field({})


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

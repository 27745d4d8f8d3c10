"""What stands beside a model's weights: its contract of features by name, calibration, lineage and verdicts. Pure.

A model is known by its name and its ``version``: the SHA-256 of the manifest's canonical JSON, in which the SHA-256 of
the weights stands. Changing a weight, a normalisation or a verdict makes another version.
"""

import hashlib
import json
import math
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contango_common.domain.declare import wrong
from contango_common.domain.errors import UserError
from contango_inference.mamba.shape import Shape

SESSIONS_PER_YEAR = 252
DIRECTIONS = ("bull", "bear", "neutral")
Target = Literal["direction", "variance"]
MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Feature(_Part):
    """One input by its name in a ``FeatureRow``: (value − mean) / scale, clipped to ±``clip``.

    With ``log`` the natural logarithm of the value is taken first (volatilities). ``edges`` are the deciles of the
    training rows after normalisation, against which drift is measured.
    """

    name: str = Field(min_length=1, max_length=100)
    log: bool = False
    mean: float
    scale: float = Field(gt=0.0)
    edges: tuple[float, ...] = ()


class Contract(_Part):
    """What the model asks for and what it answers.

    ``context`` rows of ``features``, told at every ``cadence`` (a session's end, or every feature row). ``anchor`` is
    the feature, an annual volatility, whose squared last value the variance quantiles are relative to. The direction
    counts as neutral inside ± ``neutral_band`` daily standard deviations of the anchor. Of other ``symbols`` than those
    it learnt from (none named: all) it may speak, but it earns no weight there.
    """

    features: tuple[Feature, ...] = Field(min_length=1, max_length=256)
    symbols: tuple[str, ...] = ()
    context: int = Field(8, ge=1, le=1024)
    cadence: Literal["session", "row"] = "session"
    clip: float = Field(8.0, gt=0.0)
    anchor: str
    neutral_band: float = Field(0.25, ge=0.0, le=5.0)
    horizons_sessions: tuple[int, ...] = Field(min_length=1, max_length=32)
    levels: tuple[float, ...] = Field(min_length=1, max_length=32)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            raise ValueError("a feature is named twice")
        for values, what in ((self.horizons_sessions, "horizons_sessions"), (self.levels, "levels")):
            if list(values) != sorted(set(values)):
                raise ValueError(f"{what} must be ascending")
        if self.horizons_sessions[0] < 1 or not 0.0 < self.levels[0] <= self.levels[-1] < 1.0:
            raise ValueError("horizons_sessions are at least 1, levels inside 0 to 1")
        return self

    def band(self, anchor_annual: float) -> float:
        """The log return of a session up to which it counts as neutral."""
        return self.neutral_band * anchor_annual / math.sqrt(SESSIONS_PER_YEAR)

    @property
    def outputs(self) -> int:
        """Numbers the network gives: three directions, then horizons · levels."""
        return len(DIRECTIONS) + len(self.horizons_sessions) * len(self.levels)


class Calibration(_Part):
    """``temperature`` divides the direction's logits; ``shift`` (H, Q) is added to the log-variance quantiles."""

    temperature: float = Field(1.0, gt=0.0)
    shift: tuple[tuple[float, ...], ...] = ()


class Verdict(_Part):
    """What the promotion test said of one target: the weight earned (0: none), and the figures."""

    target: Target
    weight: float = Field(ge=0.0, le=1.0)
    baseline: str
    rows: int = Field(ge=0)
    skill: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str


class Lineage(_Part):
    """Where the weights come from; dates are yyyymmdd of sessions. They may earn weight from ``earns_from_ns`` on."""

    code: str
    data: tuple[str, ...]
    trained_from: int
    trained_until: int
    earns_from_ns: int
    seed: int
    rows: int
    settings: dict[str, float | int | str | bool | None] = {}
    metrics: dict[str, float | None] = {}


class Manifest(_Part):
    """Everything about a model but its weights."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    architecture: Literal["mamba2"] = "mamba2"
    shape: Shape
    contract: Contract
    calibration: Calibration = Calibration()
    verdicts: tuple[Verdict, ...] = ()
    lineage: Lineage
    weights_sha: str = Field(pattern=r"^[0-9a-f]{64}$")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        c, shift = self.contract, self.calibration.shift
        if shift and (len(shift) != len(c.horizons_sessions) or any(len(row) != len(c.levels) for row in shift)):
            raise ValueError("calibration.shift must have a row a horizon and a column a level")
        return self

    @property
    def version(self) -> str:
        """SHA-256 of the canonical JSON, hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def canonical(self) -> bytes:
        """The file's bytes: sorted keys, two spaces, a newline at the end."""
        return (json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=2) + "\n").encode()

    def weight(self, target: Target, symbol: str, ts_ns: int) -> float:
        """The weight earned for ``target`` of ``symbol``; 0 before the model may earn any, and for strangers."""
        symbols = self.contract.symbols
        if ts_ns < self.lineage.earns_from_ns or (symbols and symbol not in symbols):
            return 0.0
        return max((v.weight for v in self.verdicts if v.target == target), default=0.0)


def manifest_of(data: bytes, where: str) -> Manifest:
    """Read a manifest. Raises UserError naming ``where``, key and value."""
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        if problem["type"] == "json_invalid":  # what it would repeat is the whole file
            raise UserError(f"{where}: manifest: {problem['msg']}; restore the file") from None
        raise UserError(f"{where}: {wrong('manifest', problem)}") from None

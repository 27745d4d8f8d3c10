"""From named features to the window that a model is given: by name, normalised, or the reason why not. Pure."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contango_inference.models.manifest import Contract, Feature

Row = Mapping[str, float | None]
Floats = npt.NDArray[np.float32]
LOWEST_ANNUAL, HIGHEST_ANNUAL = 1e-4, 1e2  # an anchor beyond is no volatility, and its square may overflow


@dataclass(frozen=True, slots=True)
class Window:
    """``values`` (L, F), normalised; ``anchor_annual`` the volatility that answers are relative to; their hash."""

    values: Floats
    anchor_annual: float
    input_hash: str


def window_of(rows: Sequence[Row], contract: Contract) -> Window | str:
    """The newest ``contract.context`` of ``rows`` (oldest first) as a window; a reason in words where it cannot be."""
    if len(rows) < contract.context:
        return f"{len(rows)} feature rows, {contract.context} are needed"
    taken = rows[-contract.context :]
    values = np.empty((contract.context, len(contract.features)), dtype=np.float64)
    for t, row in enumerate(taken):
        for j, feature in enumerate(contract.features):
            value = row.get(feature.name)
            if value is None or not math.isfinite(value):
                return f"feature {feature.name} is missing {contract.context - 1 - t} rows before the last"
            if feature.log and not value > 0.0:
                return f"feature {feature.name} is {value!r}; its logarithm needs a value above 0"
            values[t, j] = _scaled(value, feature)
    anchor = taken[-1].get(contract.anchor)
    if anchor is None or not LOWEST_ANNUAL <= anchor <= HIGHEST_ANNUAL:
        return f"the anchor {contract.anchor} is {anchor!r}; {LOWEST_ANNUAL} to {HIGHEST_ANNUAL:g} a year is due"
    clipped = np.clip(values, -contract.clip, contract.clip).astype(np.float32)
    digest = hashlib.sha256(clipped.astype("<f4").tobytes() + np.float64(anchor).tobytes()).hexdigest()
    return Window(clipped, float(anchor), digest)


def normalised(row: Row, contract: Contract) -> dict[str, float | None]:
    """One row's features as the model sees them, unclipped; None where one is missing or has no logarithm."""
    found: dict[str, float | None] = {}
    for feature in contract.features:
        value = row.get(feature.name)
        known = value is not None and math.isfinite(value) and (value > 0.0 or not feature.log)
        found[feature.name] = _scaled(value, feature) if known and value is not None else None
    return found


def _scaled(value: float, feature: Feature) -> float:
    return ((math.log(value) if feature.log else value) - feature.mean) / feature.scale

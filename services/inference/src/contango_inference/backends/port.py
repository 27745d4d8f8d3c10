"""The port that all backends fit: windows in, a network's raw outputs or the reason of their absence out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from contango_inference.models.loaded import Loaded

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Absent:
    """No outputs, and why: late, unreachable, not ready, queue full, wrong shape. Never an exception."""

    reason: str


class Backend(Protocol):
    """``NAME`` goes into every fact. ``run`` takes windows (B, L, F) of ``model`` to outputs (B, O), or says why not;
    it returns within its deadline and raises nothing that a model, a network or a server can cause."""

    NAME: str

    def run(self, model: Loaded, windows: Floats, /) -> Floats | Absent: ...
    def close(self) -> None: ...


def misshapen(model: Loaded, windows: Floats) -> Absent | None:
    """Why the windows are not what the model asks for; None when they are."""
    contract = model.manifest.contract
    wanted = (contract.context, len(contract.features))
    if windows.ndim != 3 or windows.shape[1:] != wanted:
        return Absent(f"windows of shape {windows.shape}, (batch, {wanted[0]}, {wanted[1]}) is due")
    if not np.isfinite(windows).all():
        return Absent("a window holds a number that is not finite")
    return None

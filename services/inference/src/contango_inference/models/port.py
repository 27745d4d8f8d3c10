"""What the oracle knows of models: how to find one, and how to ask it. Pure; implemented at the edge."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from contango_inference.models.loaded import Loaded

Outputs = npt.NDArray[np.float32]


class Models(Protocol):
    """``BACKEND`` is who computes. Both methods answer with a reason in words where they cannot."""

    BACKEND: str

    def find(self, ref: str, /) -> Loaded | str: ...
    def ask(self, model: Loaded, window: Outputs, /) -> Outputs | str: ...


class NoModels:
    """Where nothing is served: every reference is unknown, for the reason given."""

    BACKEND = "none"

    def __init__(self, reason: str = "no models are served here") -> None:
        self._reason = reason

    def find(self, ref: str, /) -> Loaded | str:
        return self._reason

    def ask(self, model: Loaded, window: Outputs, /) -> Outputs | str:
        return self._reason

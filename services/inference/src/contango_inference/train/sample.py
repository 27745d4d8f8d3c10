"""What a network learns from and what it has learned. Pure: no torch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Tell = Callable[[int, int], None]
"""Called with passes done and the most there may be."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Normalised windows (r, L, F), log ratios (r, H) and directions (r,) 0 to 2, all known."""

    windows: Singles
    ratios: Singles
    directions: Ints

    def __len__(self) -> int:
        return len(self.directions)


@dataclass(frozen=True, slots=True)
class Learned:
    """Weights of the pass with the best validation loss; ``curve`` has training and validation loss of each pass."""

    weights: dict[str, Singles]
    curve: tuple[tuple[float, float], ...]
    best: int

"""Risk that opens and risk that reduces are two types, so that no halt can stand before the wrong one.

``ReduceRisk`` closes what is held in the proportions in which it is held. At every partial fill the rest is a smaller
multiple of the same holding, so the payoff's minimum can only rise towards 0: the maximum loss never becomes larger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRisk:
    """Units of a structure that may be opened; ``limit_ticks`` is the most that one unit may cost."""

    position_id: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    quantity: int
    limit_ticks: int
    max_loss_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReduceRisk:
    """``quantity`` units of what is held: ``ratios`` are those of the *holding* (+ held long, − held short)."""

    position_id: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    quantity: int

    def remaining(self, filled: int) -> tuple[int, ...]:
        """Lots still held per instrument after ``filled`` units of the closing order."""
        return tuple(ratio * (self.quantity - filled) for ratio in self.ratios)


def reduce_all(position_id: str, instruments: Sequence[str], lots: Sequence[int]) -> ReduceRisk | None:
    """What closes the whole holding, in its smallest proportions; None when it is flat.

    >>> reduce_all("p", ["A", "B", "C"], [2, -4, 0])
    ReduceRisk(position_id='p', instruments=('A', 'B'), ratios=(1, -2), quantity=2)
    """
    held = [(name, n) for name, n in zip(instruments, lots, strict=True) if n]
    if not held:
        return None
    units = gcd(*(n for _, n in held))
    return ReduceRisk(
        position_id=position_id,
        instruments=tuple(name for name, _ in held),
        ratios=tuple(n // units for _, n in held),
        quantity=units,
    )

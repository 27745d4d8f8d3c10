"""What a benchmark finds: one row a figure, and how repetitions become one number."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. ``beside`` names what it is measured against in the same run; ``value / beside_value`` is ``ratio``.

    ``samples`` are the repetitions whose median ``value`` is; ``note`` is a sentence for the terminal.
    """

    name: str
    value: float
    unit: str
    beside: str | None = None
    beside_value: float | None = None
    bound_by: str | None = None
    samples: tuple[float, ...] = field(default=())
    note: str | None = None

    @property
    def ratio(self) -> float | None:
        """None where there is nothing beside it."""
        return self.value / self.beside_value if self.beside_value else None

    def as_json(self) -> dict[str, Any]:
        """The seven keys that the JSON file promises, numbers to five significant digits.

        >>> Result("rows_per_s", 100.0, "rows/s", beside="COPY", beside_value=400.0).as_json()["ratio"]
        0.25
        """
        return {
            "name": self.name,
            "value": _short(self.value),
            "unit": self.unit,
            "beside": self.beside,
            "beside_value": _short(self.beside_value),
            "ratio": _short(self.ratio),
            "bound_by": self.bound_by,
        }


def middle(samples: Iterable[float]) -> float:
    """The median; of an even number of samples the mean of the two in the middle."""
    return float(median(samples))


def spread(samples: tuple[float, ...]) -> str:
    """Smallest and largest sample; empty for fewer than two.

    >>> spread((3.0, 1.0, 2.0))
    '1 … 3'
    """
    return f"{number(min(samples))} … {number(max(samples))}" if len(samples) > 1 else ""


def number(value: float) -> str:
    """Four significant digits, thousands separated.

    >>> [number(v) for v in (0.25431, 12.3456, 48123.7)]
    ['0.2543', '12.35', '48,124']
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")

"""The volume profile that decisions look at: point of control, value area, key levels and low-volume areas.

Built from the bars of the last days (``contango_quant.stream.volume_profile``), anew every few hours, as a fact: what
is looked at between is the last one told. Near the point of control or an edge of the value area lies a key level; in a
low-volume area a position is halved.
"""

from dataclasses import dataclass, field

from contango_common.domain.declare import Section, param

HOUR_NS = 3_600_000_000_000


class ProfileParams(Section):
    """Span, bins and what is made of the levels."""

    days: int = param(7, "looked back on", unit="days", ge=1, le=60, tune=(3, 14))
    bin_fraction: float = param(0.001, "width of a bin", unit="fraction of price", ge=1e-5, le=0.1)
    key_tolerance: float = param(
        0.005, "distance from a level that counts as at it", unit="fraction of price", gt=0, le=0.1
    )
    refresh_hours: int = param(4, "between two profiles", unit="hours", ge=1, le=168)
    low_volume_factor: float = param(0.5, "size factor in a low-volume area", unit="ratio", gt=0, le=1)


@dataclass(frozen=True, slots=True)
class Levels:
    """What the last profile said; ``low_areas`` are prices (low, high)."""

    poc: float
    value_low: float
    value_high: float
    low_areas: list[list[float]] = field(default_factory=list)
    built_ns: int = 0


def is_due(built_ns: int | None, now_ns: int, p: ProfileParams) -> bool:
    """Whether a new profile is to be built: once in every stretch of ``refresh_hours``, counted from midnight UTC."""
    length = p.refresh_hours * HOUR_NS
    return built_ns is None or now_ns // length > built_ns // length


def key_level(levels: Levels, price: float, p: ProfileParams) -> str | None:
    """The level that ``price`` is at, the nearest one; None when it is at none.

    >>> key_level(Levels(100.0, 90.0, 110.0), 109.7, ProfileParams())
    'value_high'
    """
    found = [(abs(price / level - 1.0), name) for name, level in _named(levels)]
    distance, name = min(found)
    return name if distance <= p.key_tolerance else None


def in_low_volume(levels: Levels, price: float) -> bool:
    """Whether ``price`` lies where little was traded."""
    return any(low <= price < high for low, high in levels.low_areas)


def size_factor(levels: Levels, price: float, p: ProfileParams) -> float:
    """What a low-volume area leaves of a size."""
    return p.low_volume_factor if in_low_volume(levels, price) else 1.0


def _named(levels: Levels) -> tuple[tuple[str, float], ...]:
    return (("poc", levels.poc), ("value_high", levels.value_high), ("value_low", levels.value_low))

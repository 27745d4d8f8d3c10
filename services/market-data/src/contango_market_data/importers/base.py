"""What every importer shares: batches, units, options, problems, and the five names an importer module has."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from contango_common.domain.errors import UserError
from contango_common.edge.calendar import session_table
from contango_market_data.importers.placing import SessionColumns
from contango_market_data.quality_flag import Flag, FlagBook


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one symbol; ``ts`` is the closing instant, UTC. ``calendar`` when it is not the import's own."""

    symbol: str
    timeframe: str
    table: pa.Table
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Chains:
    """Option quotes of one underlying; ``quote_ts`` is UTC."""

    underlying: str
    table: pa.Table


Batch = Bars | Chains


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Units of a vendor's Greeks; None where they are not known (the column is then left out and flagged)."""

    iv: Literal["decimal", "percent"] | None = "decimal"
    theta: Literal["per_day", "per_year"] | None = None
    vega: Literal["per_point", "per_unit"] | None = None

    def factors(self) -> dict[str, float | None]:
        """Column -> factor to house units: iv decimal, theta per calendar day, vega per volatility point."""
        return {
            "iv": {"decimal": 1.0, "percent": 0.01, None: None}[self.iv],
            "theta": {"per_day": 1.0, "per_year": 1 / 365, None: None}[self.theta],
            "vega": {"per_point": 1.0, "per_unit": 0.01, None: None}[self.vega],
        }


class Options:
    """An importer's options as text, checked against those it knows."""

    def __init__(self, given: Mapping[str, object], known: Mapping[str, str]) -> None:
        for name in given:
            if name not in known:
                listed = ", ".join(sorted(known))
                raise UserError(f"option {name!r} is unknown to this importer; it knows {listed}")
        self._given = given

    def text(self, name: str) -> str | None:
        value = self._given.get(name)
        return None if value is None else str(value)

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None) -> str | None:
        value = self.text(name)
        if value is None:
            return default
        if value not in allowed:
            raise UserError(f"option {name}={value!r}: use one of {', '.join(allowed)}")
        return value

    def flag(self, name: str) -> bool:
        value = self._given.get(name, False)
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word not in ("true", "false", "yes", "no", "1", "0"):
            raise UserError(f"option {name}={value!r}: use true or false")
        return word in ("true", "yes", "1")

    def pairs(self, name: str) -> dict[str, str]:
        """A mapping, given as one or as ``a=b,c=d``."""
        value = self._given.get(name)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {str(key): str(word) for key, word in value.items()}
        parts = [part.partition("=") for part in str(value).split(",") if part.strip()]
        if any(not sign for _, sign, _ in parts):
            raise UserError(f"option {name}={value!r}: write it as ours=theirs,ours=theirs")
        return {key.strip(): word.strip() for key, _, word in parts}


@dataclass(slots=True)
class Problems:
    """Malformed rows raise at once, or with ``on_bad="flag"`` are left out, counted and listed (the first 20)."""

    on_bad: str = "raise"
    book: FlagBook = field(default_factory=FlagBook)
    examples: list[str] = field(default_factory=list)

    def bad(self, where: str, column: str, value: object, why: str) -> None:
        message = f"{where}, column {column}: {value!r} {why}"
        if self.on_bad == "raise":
            raise UserError(f"{message}; mend the row, or pass on_bad=flag to leave such rows out")
        if len(self.examples) < 20:
            self.examples.append(message)
        self.book.add(f"malformed {column}", 1, where, message)

    def flag(self, reason: str, count: int, where: str, detail: str = "") -> None:
        self.book.add(reason, count, where, detail)

    def flags(self) -> list[Flag]:
        return self.book.flags()


@dataclass(frozen=True)
class Calendar:
    """The exchange's sessions, built when first asked for."""

    name: str

    @property
    def sessions(self) -> SessionColumns:
        return _sessions(self.name)


@lru_cache(maxsize=8)
def _sessions(name: str) -> SessionColumns:
    first, last = (2009, 2035) if name == "24/7" else (1927, 2035)
    return SessionColumns.of(session_table(name, date(first, 1, 1), date(last, 12, 31)))


Progress = Callable[[int, int, str], None]
"""Called with bytes (or files) done, in all, and what is being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an importer reads from: files in order, its options, and where problems go."""

    files: list[Path]
    options: Options
    problems: Problems
    calendar: Calendar
    time_zone: str
    progress: Progress


class Importer(Protocol):
    """A module with these names; one line in ``IMPORTERS`` makes it known."""

    @property
    def NAME(self) -> str: ...
    @property
    def SUFFIXES(self) -> tuple[str, ...]:
        """Endings of the files that are taken from a folder."""
        ...

    @property
    def OPTIONS(self) -> Mapping[str, str]:
        """Option -> one line of help."""
        ...

    @property
    def CALENDAR(self) -> str:
        """Calendar of a catalog that is made for these files."""
        ...

    @property
    def TIME_ZONE(self) -> str: ...

    def read(self, source: Source, /) -> Iterator[Batch]:
        """Batches in the catalog's units, malformed rows reported to ``source.problems``."""
        ...

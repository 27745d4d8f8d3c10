"""What a catalog says about itself: ``catalog.yaml``."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from contango_common.domain.errors import UserError

FILE = "catalog.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogInfo:
    """Name, calendar and contents of a catalog.

    ``calendar`` is an exchange_calendars name (``XNYS``; ``24/7`` for markets that never shut), ``calendars`` names
    the symbols that follow another one. ``time_zone`` is the zone whose dates name the sessions. ``notes`` are
    sentences about what is real, modelled or flagged; reports show them. ``roots`` lists option roots per underlying.
    """

    name: str
    calendar: str = "XNYS"
    time_zone: str = "America/New_York"
    calendars: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    roots: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def calendar_of(self, symbol: str) -> str:
        return self.calendars.get(symbol, self.calendar)


def read_info(root: Path) -> CatalogInfo:
    """Raises UserError when the folder is no catalog or its description is malformed."""
    path = root / FILE
    if not path.is_file():
        raise UserError(f"no catalog at {root}: {FILE} is missing; make one with 'contango data sample' or 'import'")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _decode(raw)
    except (yaml.YAMLError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} is malformed: {' '.join(str(error).split())}") from error


def write_info(root: Path, info: CatalogInfo) -> None:
    """Atomically replace the description."""
    text = yaml.safe_dump(_encode(info), sort_keys=False, allow_unicode=True, width=110)
    temporary = root / f".{FILE}.{os.getpid()}"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(root / FILE)


def _encode(info: CatalogInfo) -> dict[str, Any]:
    raw = asdict(info)
    for name in ("notes", "symbols", "underlyings"):
        raw[name] = list(raw[name])
    raw["roots"] = {underlying: list(roots) for underlying, roots in info.roots.items()}
    return raw


def _decode(raw: dict[str, Any]) -> CatalogInfo:
    return CatalogInfo(
        name=str(raw["name"]) if "name" in raw else "unnamed",
        calendar=str(raw.get("calendar", "XNYS")),
        time_zone=str(raw.get("time_zone", "America/New_York")),
        calendars={str(key): str(value) for key, value in (raw.get("calendars") or {}).items()},
        notes=tuple(str(note) for note in raw.get("notes") or ()),
        symbols=tuple(str(symbol) for symbol in raw.get("symbols") or ()),
        underlyings=tuple(str(symbol) for symbol in raw.get("underlyings") or ()),
        roots={str(key): tuple(map(str, value)) for key, value in (raw.get("roots") or {}).items()},
    )

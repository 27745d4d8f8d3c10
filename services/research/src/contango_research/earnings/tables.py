"""Feature tables and labels as Parquet files in one folder, with a manifest that names every file's hash.

    events.parquet             symbol, event_date, timing, earliest_ns, latest_ns, cutoff_ns
    <group>.parquet            symbol, event_date, known_at_ns, one column a feature (null: missing), reason
    labels.parquet             symbol, event_date, known_at_ns (first close after), move, abs_move, reason

Labels lie apart, so that no reader of features can take one for a feature.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from contango_common.domain.errors import UserError
from contango_inference.earnings import calendar, fundamental, historical, market, volatility
from contango_inference.earnings.build import Labels, Tables
from contango_inference.earnings.events import Event, Floats
from contango_inference.earnings.group import Group
from contango_research.plain import iso, json_pretty

GROUPS = (historical.NAME, volatility.NAME, market.NAME, calendar.NAME, fundamental.NAME)
_KEYS = ("symbol", "event_date", "known_at_ns")
_MANIFEST, _EVENTS, _LABELS = "manifest.json", "events.parquet", "labels.parquet"


def write_tables(tables: Tables, folder: Path, notes: Mapping[str, Any]) -> None:
    """Write all files; ``notes`` stand in the manifest beside rows, columns and hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    events = tables.events
    keys = {"symbol": [e.symbol for e in events], "event_date": [_day(e.date) for e in events]}
    files = {_EVENTS: _events(tables, keys), _LABELS: _labels(tables.labels, keys)}
    files |= {f"{group.name}.parquet": _features(group, keys) for group in tables.groups}
    for stale in folder.glob("*.parquet"):
        if stale.name not in files:
            stale.unlink()
    for name, table in files.items():
        pq.write_table(table, folder / name)
    held = {
        name: {"rows": table.num_rows, "columns": table.num_columns, "sha256": _sha(folder / name)}
        for name, table in files.items()
    }
    (folder / _MANIFEST).write_bytes(json_pretty({"files": held, **notes}))


def read_tables(folder: Path) -> tuple[Tables, dict[str, Any], list[str]]:
    """Tables, manifest, and the files that are not what was written (changed by hand, or added).

    Raises UserError when a file is missing or the keys of a file are not those of the events.
    """
    manifest = _manifest(folder)
    listed = _read(folder / _EVENTS)
    events = tuple(
        Event(
            symbol=row["symbol"],
            date=int(row["event_date"].strftime("%Y%m%d")),
            timing=row["timing"],
            earliest_ns=row["earliest_ns"],
            latest_ns=row["latest_ns"],
        )
        for row in listed.to_pylist()
    )
    names = [name for name in GROUPS if (folder / f"{name}.parquet").exists()]
    groups = tuple(_group(folder, name, listed) for name in names)
    if not groups:
        raise UserError(f"{folder}: no table of features; make it with 'contango earnings features'")
    labels = _read(folder / _LABELS)
    _same_keys(folder / _LABELS, labels, listed)
    tables = Tables(
        events,
        listed.column("cutoff_ns").to_numpy(),
        groups,
        Labels(
            _floats(labels, "move"),
            labels.column("known_at_ns").fill_null(0).to_numpy(),
            tuple(labels.column("reason").to_pylist()),
        ),
    )
    held = manifest.get("files", {})
    changed = [
        file.name for file in sorted(folder.glob("*.parquet")) if held.get(file.name, {}).get("sha256") != _sha(file)
    ]
    return tables, manifest, changed


def _events(tables: Tables, keys: Mapping[str, Sequence[Any]]) -> pa.Table:
    return pa.table(
        {
            **keys,
            "timing": [e.timing for e in tables.events],
            "earliest_ns": [e.earliest_ns for e in tables.events],
            "latest_ns": [e.latest_ns for e in tables.events],
            "cutoff_ns": tables.cutoffs_ns,
        }
    )


def _labels(labels: Labels, keys: Mapping[str, Sequence[Any]]) -> pa.Table:
    unknown = labels.known_at_ns == 0
    return pa.table(
        {
            **keys,
            "known_at_ns": pa.array(labels.known_at_ns, mask=unknown),
            "move": _nulls(labels.move),
            "abs_move": _nulls(np.abs(labels.move)),
            "reason": list(labels.reasons),
        }
    )


def _features(group: Group, keys: Mapping[str, Sequence[Any]]) -> pa.Table:
    columns = {name: _nulls(column) for name, column in zip(group.names, group.values.T, strict=True)}
    return pa.table({**keys, "known_at_ns": group.known_at_ns, **columns, "reason": list(group.reasons)})


def _group(folder: Path, name: str, events: pa.Table) -> Group:
    path = folder / f"{name}.parquet"
    table = _read(path)
    _same_keys(path, table, events)
    names = tuple(column for column in table.column_names if column not in (*_KEYS, "reason"))
    return Group(
        name,
        names,
        np.stack([_floats(table, column) for column in names], axis=1),
        table.column("known_at_ns").to_numpy(),
        tuple(table.column("reason").to_pylist()),
    )


def _same_keys(path: Path, table: pa.Table, events: pa.Table) -> None:
    for key in ("symbol", "event_date"):
        if not table.column(key).equals(events.column(key)):
            raise UserError(f"{path}: its {key} column is not that of {_EVENTS}; make the tables anew")


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise UserError(f"{path}: no such table; make it with 'contango earnings features'")
    try:
        return pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise UserError(f"{path} is no Parquet file: {str(error).splitlines()[0]}; make the tables anew") from None


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    if not path.is_file():
        raise UserError(f"{path}: no manifest; make the tables with 'contango earnings features --out {folder}'")
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise UserError(f"{path} is no JSON: {error}; make the tables anew") from None
    return dict(found)


def _floats(table: pa.Table, column: str) -> Floats:
    values = table.column(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _nulls(column: Floats) -> pa.Array:
    return pa.array(column, mask=~np.isfinite(column))


def _day(date: int) -> Any:
    return datetime.fromisoformat(iso(date)).date()


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

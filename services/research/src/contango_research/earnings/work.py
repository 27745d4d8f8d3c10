"""What the commands do: build tables, validate them, train and store a model."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contango_common.domain.errors import UserError
from contango_inference.earnings import checks
from contango_inference.earnings.build import Inputs, Tables, build, distinct
from contango_inference.earnings.dataset import Dataset, dataset
from contango_inference.earnings.evaluate import Evaluation, evaluate, has_direction
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.training import train
from contango_inference.earnings.walk import walk
from contango_research.earnings.read import read_bars, read_events
from contango_research.earnings.scores import as_json
from contango_research.earnings.store import save_model
from contango_research.earnings.tables import read_tables, write_tables
from contango_research.earnings.validation import Validation

Tell = Callable[[int, int], None]
_HUGE = 0.5


@dataclass(frozen=True, slots=True)
class Built:
    """What came of building tables; ``twice``: events left out because symbol and date stood before; ``huge``: moves
    above a half.
    """

    tables: Tables
    twice: int
    huge: int
    future_changed: list[str] | None


def build_tables(
    events_file: Path,
    bars: Sequence[Path],
    *,
    market: str | None,
    vix: str | None,
    out: Path,
    check_future: bool,
    tell: Tell,
) -> Built:
    """Read, build, check against a corrupted future, write. Raises UserError."""
    events, twice = distinct(read_events(events_file))
    wanted = {e.symbol for e in events} | {e.sector for e in events if e.sector} | {s for s in (market, vix) if s}
    held = read_bars(bars, wanted)
    for option, symbol in (("--market", market), ("--vix", vix)):
        if symbol is not None and symbol not in held:
            raise UserError(f"{option} {symbol}: no daily bars of it; name a file or catalog that has them with --bars")
    sectors = {e.sector: held[e.sector] for e in events if e.sector and e.sector in held}
    inputs = Inputs(
        bars={symbol: held[symbol] for symbol in {e.symbol for e in events} & held.keys()},
        vix=held[vix] if vix else None,
        market=held[market] if market else None,
        sectors=sectors,
    )
    tables = build(events, inputs, tell=tell)
    changed = None
    if check_future:
        cuts = [events[len(events) * k // 4].earliest_ns for k in (1, 2, 3)]
        changed = checks.notices_future(events, inputs, cuts)
    notes = {
        "events_file": events_file.name,
        "events_sha256": hashlib.sha256(events_file.read_bytes()).hexdigest(),
        "market": market,
        "vix": vix,
        "symbols_with_bars": len(inputs.bars),
        "stand_twice": twice,
        "future_changed": changed,
        "known": int(np.isfinite(tables.labels.move).sum()),
    }
    write_tables(tables, out, notes)
    return Built(tables, twice, int(np.sum(np.abs(tables.labels.move) > _HUGE)), changed)


def validate_tables(folder: Path, params: EarningsParams, *, models: bool, tell: Tell) -> Validation:
    """Every check on the tables in a folder; ``models`` adds importance and walk-forward scores."""
    tables, manifest, changed_files = read_tables(folder)
    data = _labelled(tables, folder)
    enough = models and len(data.move) >= 2 * params.least_training
    return Validation(
        folder=str(folder),
        events=len(tables.events),
        labelled=len(data.move),
        features=len(data.names),
        first=min(event.date for event in tables.events),
        last=max(event.date for event in tables.events),
        late=checks.late(tables),
        late_labels=checks.late_labels(tables),
        suspects=checks.suspects(data),
        changed_files=changed_files,
        future_changed=manifest.get("future_changed"),
        coverage=checks.covered(tables),
        pairs=checks.pairs(data),
        importance=checks.importance(data, params, tell=tell) if enough else [],
        evaluation=evaluate(data, walk(data, params, tell=tell), seed=params.seed) if enough else None,
    )


def train_model(folder: Path, out: Path, params: EarningsParams, tell: Tell) -> tuple[Evaluation, str]:
    """Walk forward, then fit on all events and store. Returns scores and the SHA-256 of the weights.

    Raises UserError when the tables leak or hold too little.
    """
    tables, manifest, _ = read_tables(folder)
    data = _labelled(tables, folder)
    leaks = [late.group for late in checks.late(tables)] + [s.feature for s in checks.suspects(data)]
    if leaks:
        raise UserError(f"{folder}: {', '.join(leaks[:5])} knows the future; 'contango earnings validate' says how")
    try:
        found = evaluate(data, walk(data, params, tell=tell), seed=params.seed)
        model = train(data, params, shows_direction=has_direction(found.direction))
    except ValueError as error:
        raise UserError(f"{folder}: {error}") from None
    facts = {"parameters": params.model_dump(), "metrics": as_json(found), "tables": manifest.get("files", {})}
    return found, save_model(model, out, facts)


def _labelled(tables: Tables, folder: Path) -> Dataset:
    data = dataset(tables)
    if not len(data.move):
        raise UserError(f"{folder}: no announcement has a known move; give daily bars or prices around them")
    return data

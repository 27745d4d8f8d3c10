"""The watch over served models: what they said is scored when it has come due, inputs and losses are tested for drift.

A part of the inference oracle; no I/O, no clock. The baseline of a direction are the shares of rises, falls and neutral
sessions seen so far; that of a variance is the variance baseline's own forecast of the same instant.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from contango_common.events.base import Event
from contango_common.events.forecast import BASELINE, DirectionForecast, DriftDetected, Forecast, ForecastScored, Target
from contango_common.events.signal import FeatureRow
from contango_inference.models.loaded import Loaded
from contango_inference.models.window import normalised
from contango_inference.monitor import inputs as features
from contango_inference.monitor import outcome, record, tell


@dataclass(slots=True)
class Seen:
    """One symbol: the last session's close, the baseline's last variance forecast, and by model how often each
    direction came (one of each to begin with) by the bands that it named, the newest of which are in ``bands``."""

    close: float | None = None
    classes: dict[str, list[int]] = field(default_factory=dict)
    bands: dict[str, float] = field(default_factory=dict)
    horizons: list[int] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    quantiles: list[list[float]] = field(default_factory=list)


@dataclass(slots=True)
class WatchState:
    """``records``: symbol, model and target → its record; ``inputs``: symbol and model → what it is given, of the
    version in ``versions``."""

    symbols: dict[str, Seen] = field(default_factory=dict)
    records: dict[str, record.Record] = field(default_factory=dict)
    inputs: dict[str, features.Inputs] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def row(state: WatchState, event: FeatureRow, variance_annual: float | None, served: Mapping[str, Loaded]) -> None:
    """A session has closed: what was due is scored, and each served model's newest inputs are looked at."""
    if event.cadence != "session":
        return
    seen, close = state.symbols.setdefault(event.symbol, Seen()), event.values.get("close")
    if close is not None and seen.close:
        for name, band in seen.bands.items():
            seen.classes[name][outcome.direction_of(_log_return(seen.close, close), band)] += 1
    seen.close, seen.bands = close, {}
    for found in _of_symbol(state, event.symbol):
        record.session_closed(found, close, variance_annual)
    for name, model in served.items():
        contract = model.manifest.contract
        edges = {feature.name: feature.edges for feature in contract.features if feature.edges}
        if edges and contract.cadence == event.cadence:
            features.observe(_inputs(state, event.symbol, name, model), normalised(event.values, contract), edges)


def judge(state: WatchState, event: FeatureRow) -> list[Event]:
    """Scores that are due to be told, and drift."""
    if event.cadence != "session":
        return []
    facts: list[Event] = []
    for found in _of_symbol(state, event.symbol):
        facts += [fact for fact in (tell.scored(found), tell.drifted(found)) if fact is not None]
    for key, inputs in state.inputs.items():
        symbol, _, name = key.partition(":")
        if symbol == event.symbol:
            facts += features.drifted(inputs, symbol, name)
    return facts


def direction(state: WatchState, event: DirectionForecast) -> None:
    """A direction for the next session waits for its outcome."""
    seen = state.symbols.get(event.symbol)
    if event.horizon_s or seen is None or seen.close is None:
        return
    seen.bands[event.model] = event.neutral_band
    classes = seen.classes.setdefault(event.model, [1, 1, 1])
    record.expect_direction(
        _record(state, event, "direction"),
        (event.prob_bull, event.prob_bear, event.prob_neutral),
        [count / sum(classes) for count in classes],
        base=seen.close,
        band=event.neutral_band,
    )


def variance(state: WatchState, event: Forecast) -> None:
    """A model's variance forecast waits for its outcome, beside the baseline's of the same session."""
    seen = state.symbols.setdefault(event.symbol, Seen())
    if event.model == BASELINE:
        seen.horizons, seen.levels = list(event.horizons_sessions), list(event.levels)
        seen.quantiles = [list(q) for q in event.variance_quantiles]
        return
    if seen.horizons == list(event.horizons_sessions) and seen.levels == list(event.levels):
        record.expect_variance(
            _record(state, event, "variance"),
            event.horizons_sessions,
            event.levels,
            event.variance_quantiles,
            seen.quantiles,
        )


def scored(state: WatchState, event: ForecastScored) -> None:
    found = state.records.get(_key(event.symbol, event.model, event.target))
    if found is not None:
        tell.told_scored(found)


def drifted(state: WatchState, event: DriftDetected) -> None:
    if event.subject == "feature":
        inputs = state.inputs.get(f"{event.symbol}:{event.model}")
        if inputs is not None:
            features.told(inputs, event.name)
        return
    for found in _of_symbol(state, event.symbol):
        if found.model == event.model and event.name == f"loss.{found.target}":
            tell.told_drift(found)


def _inputs(state: WatchState, symbol: str, name: str, model: Loaded) -> features.Inputs:
    """What the model's present version is given: another one scales rows by its own statistics, and begins anew."""
    key = f"{symbol}:{name}"
    if state.versions.get(key) != model.version:
        state.versions[key], state.inputs[key] = model.version, features.Inputs()
    return state.inputs[key]


def _record(state: WatchState, event: DirectionForecast | Forecast, target: Target) -> record.Record:
    """The record of the model's present version; another version begins another."""
    key = _key(event.symbol, event.model, target)
    found = state.records.get(key)
    if found is None or found.model_sha != event.model_sha:
        found = state.records[key] = record.Record(event.symbol, event.model, event.model_sha, target)
    return found


def _of_symbol(state: WatchState, symbol: str) -> list[record.Record]:
    return [found for found in state.records.values() if found.symbol == symbol]


def _key(symbol: str, model: str, target: Target) -> str:
    return f"{symbol}:{model}:{target}"


def _log_return(before: float, now: float) -> float:
    return math.log(now / before)

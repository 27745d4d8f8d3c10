"""The models' part of the inference oracle: feature rows in, direction and variance forecasts out. No I/O, no clock.

The champion's answers carry the weight that its manifest says it has earned by then; challengers answer in shadow, with
weight 0. An absence is told when its reason changes, so that a dead server makes one fact and not one a bar.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionForecast, Forecast, ForecastAbsent, Role
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ModelPromoted, ModelRolledBack
from contango_inference.models.answer import Answer, answer_of
from contango_inference.models.loaded import Loaded
from contango_inference.models.manifest import Target
from contango_inference.models.params import ModelsParams
from contango_inference.models.port import Models
from contango_inference.models.window import Window, window_of

Values = dict[str, float | None]


@dataclass(slots=True)
class Speaker:
    """One model as it is asked: the name it is known by on the log, its reference, its role."""

    name: str
    ref: str
    role: Role


@dataclass(slots=True)
class ModelsState:
    """``rows``: symbol and cadence → the newest rows, oldest first, of the features that a served model names.

    ``promoted`` are the versions that this log made champions, newest last ("" where a rollback left none); ``told``
    the last absence of a symbol and model.
    """

    rows: dict[str, list[Values]] = field(default_factory=dict)
    promoted: dict[str, list[str]] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)


def speakers(state: ModelsState, p: ModelsParams) -> list[Speaker]:
    """The champion first, then the challengers; a name's promoted version stands for the name alone."""
    wanted: list[tuple[str, Role]] = [] if p.champion is None else [(p.champion, "champion")]
    wanted += [(ref, "challenger") for ref in p.challengers]
    found = []
    for ref, role in wanted:
        name = ref.partition("@")[0]
        standing = state.promoted.get(name)
        pinned = "@" in ref or role == "challenger" or not standing
        found.append(Speaker(name if role == "champion" else ref, ref if pinned else f"{name}@{standing[-1]}", role))  # type: ignore[index]
    return found


def row(state: ModelsState, event: FeatureRow, p: ModelsParams, models: Models) -> None:
    """Keep the row's features that a served model names."""
    names, kept = set[str](), 0
    for _, model in served(state, event, p, models):
        contract = model.manifest.contract
        names |= {feature.name for feature in contract.features} | {contract.anchor}
        kept = max(kept, contract.context)
    if kept:
        key = _key(event)
        values = {name: event.values.get(name) for name in sorted(names)}
        state.rows[key] = [*state.rows.get(key, []), values][-kept:]


def judge(state: ModelsState, event: FeatureRow, at: At, p: ModelsParams, models: Models) -> list[Event]:
    """What every model says of a row's symbol, or why it says nothing."""
    facts: list[Event] = []
    for speaker in speakers(state, p):
        model = models.find(speaker.ref)
        if isinstance(model, str):
            if event.cadence == "session":
                facts += _absent(state, event.symbol, speaker.name, model)
        elif model.manifest.contract.cadence == event.cadence:
            facts += _spoken(state, event, at, p, models, speaker, model)
    return facts


def _spoken(
    state: ModelsState, event: FeatureRow, at: At, p: ModelsParams, models: Models, speaker: Speaker, model: Loaded
) -> list[Event]:
    contract, calibration = model.manifest.contract, model.manifest.calibration
    window = window_of(state.rows.get(_key(event), []), contract)
    if isinstance(window, str):
        return _absent(state, event.symbol, speaker.name, window)
    outputs = models.ask(model, window.values)
    if isinstance(outputs, str):
        return _absent(state, event.symbol, speaker.name, outputs)
    answer = answer_of(outputs, window.anchor_annual, contract, calibration)
    if isinstance(answer, str):
        return _absent(state, event.symbol, speaker.name, answer)

    def weight(target: Target) -> float:
        earned = model.manifest.weight(target, event.symbol, at.ts_ns)
        return min(earned, p.weight_cap) if speaker.role == "champion" else 0.0

    return list(_facts(event.symbol, speaker, model, window, answer, weight("direction"), weight("variance"), models))


def _facts(
    symbol: str,
    speaker: Speaker,
    model: Loaded,
    window: Window,
    answer: Answer,
    direction: float,
    variance: float,
    models: Models,
) -> Iterator[Event]:
    bull, bear, neutral = answer.prob
    yield DirectionForecast(
        symbol=symbol,
        model=speaker.name,
        model_sha=model.version,
        input_hash=window.input_hash,
        horizon_s=0,
        prob_bull=bull,
        prob_bear=bear,
        prob_neutral=neutral,
        confidence=max(answer.prob),
        role=speaker.role,
        weight=direction,
        backend=models.BACKEND,
        neutral_band=model.manifest.contract.band(window.anchor_annual),
    )
    yield Forecast(
        symbol=symbol,
        model=speaker.name,
        model_sha=model.version,
        input_hash=window.input_hash,
        horizons_sessions=model.manifest.contract.horizons_sessions,
        levels=model.manifest.contract.levels,
        variance_quantiles=answer.variance,
        role=speaker.role,
        weight=variance,
        backend=models.BACKEND,
    )


def answered(state: ModelsState, event: DirectionForecast) -> None:
    state.told.pop(f"{event.symbol}:{event.model}", None)


def absent(state: ModelsState, event: ForecastAbsent) -> None:
    state.told[f"{event.symbol}:{event.model}"] = event.reason


def promoted(state: ModelsState, event: ModelPromoted) -> None:
    state.promoted[event.model] = [*state.promoted.get(event.model, []), event.sha]


def rolled_back(state: ModelsState, event: ModelRolledBack) -> None:
    """Back to what the fact names; None means what the book's own reference finds."""
    standing = [sha for sha in state.promoted.get(event.model, []) if sha != event.previous_sha]
    state.promoted[event.model] = (
        standing if event.sha is None else [*(s for s in standing if s != event.sha), event.sha]
    )


def served(state: ModelsState, event: FeatureRow, p: ModelsParams, models: Models) -> Sequence[tuple[Speaker, Loaded]]:
    """The models that a row of this cadence concerns, each with how it is asked."""
    found = []
    for speaker in speakers(state, p):
        model = models.find(speaker.ref)
        if not isinstance(model, str) and model.manifest.contract.cadence == event.cadence:
            found.append((speaker, model))
    return found


def _key(event: FeatureRow) -> str:
    return f"{event.symbol}:{event.cadence}"


def _absent(state: ModelsState, symbol: str, model: str, reason: str) -> list[Event]:
    known = _kind(state.told.get(f"{symbol}:{model}")) == _kind(reason)
    return [] if known else [ForecastAbsent(symbol=symbol, model=model, reason=reason)]


def _kind(reason: str | None) -> str | None:
    """A reason without its numbers: that a row more is there by now is no news."""
    return None if reason is None else "".join(letter for letter in reason if not letter.isdigit())

"""The direction predictor's part of the inference oracle: feature rows in, probabilities of a rise out. No clock.

Each week, at the first row with enough labelled rows before it, it is fitted anew; what was fitted is a fact, and the
state takes it from there, so that recovery never fits. A row is labelled when its future is known: by the row of
exactly the horizon later. Where that is missing (an outage) there is no label, and a prediction is lost, not scored.

Only the rows of full hours count, whatever else is told between them: with more than one word an hour, a bet of the
judge would be placed before the one before it in the same wealth is settled, and the evidence would count twice.
"""

from dataclasses import dataclass, field

import numpy as np

from contango_common.domain.arrays import Array
from contango_common.domain.at import At
from contango_common.domain.blocks import named
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionFitted, DirectionForecast, ForecastAbsent, PredictorSwitched
from contango_common.events.signal import FeatureRow
from contango_inference import trees
from contango_inference.direction import judge as record
from contango_inference.direction.features import FEATURES, HOUR_NS, Memory, features_of, remember
from contango_inference.direction.params import DirectionParams

MODEL = "direction_s1"
BACKEND = "trees"
DAY_NS = 24 * HOUR_NS
FAILED = "the fit failed"
NEVER = -1


def _no_rows() -> Array:
    return np.empty((0, len(FEATURES)))


@dataclass(slots=True)
class Model:
    """Trees in force, as the fact says them."""

    sha: str
    columns: dict[str, Array]
    knots: list[float]
    probs: list[float]
    base_rate: float


@dataclass(slots=True)
class Waiting:
    """A prediction that has not come due."""

    made_ns: int
    close: float
    prob: float
    base_rate: float


@dataclass(slots=True)
class Track:
    """One symbol. ``rows`` (n, 20) with instants and closes are those of the window that had all features."""

    record: record.Record
    memory: Memory = field(default_factory=Memory)
    rows: Array = field(default_factory=_no_rows)
    row_ns: list[int] = field(default_factory=list)
    closes: dict[int, float] = field(default_factory=dict)
    missing: str | None = None
    model: Model | None = None
    fitted_week: int = NEVER
    failed_week: int = NEVER
    waiting: list[Waiting] = field(default_factory=list)
    lost: int = 0
    absent: str | None = None


@dataclass(slots=True)
class DirectionState:
    tracks: dict[str, Track] = field(default_factory=dict)


def row(state: DirectionState, event: FeatureRow, at: At, p: DirectionParams) -> None:
    """Take one row in: remember it, and score what it makes due."""
    if not _counts(event, at, p):
        return
    track = state.tracks.get(event.symbol)
    if track is None:
        track = state.tracks[event.symbol] = Track(record.begun(p))
    close = event.values.get("close")
    if close is None or not close > 0.0 or at.ts_ns in track.closes:
        track.missing = "the row has no close" if at.ts_ns not in track.closes else track.missing
        return
    remember(track.memory, at.ts_ns, event.values)
    _score(track, at.ts_ns, close, p)
    since_ns = at.ts_ns - p.window_days * DAY_NS
    track.closes = {ts: x for ts, x in track.closes.items() if ts > since_ns} | {at.ts_ns: close}
    found = features_of(track.memory, at.ts_ns, event.values)
    track.missing = found if isinstance(found, str) else None
    keep = sum(ts > since_ns for ts in track.row_ns)
    track.rows, track.row_ns = track.rows[len(track.row_ns) - keep :], track.row_ns[len(track.row_ns) - keep :]
    if not isinstance(found, str):
        track.rows, track.row_ns = np.vstack([track.rows, found]), [*track.row_ns, at.ts_ns]


def judge(state: DirectionState, event: FeatureRow, at: At, p: DirectionParams) -> list[Event]:
    """A change of its say, a new fit where one is due, and the prediction, or why there is none."""
    track = state.tracks.get(event.symbol)
    if track is None or not _counts(event, at, p):
        return []
    facts: list[Event] = _switch(track, event.symbol, p)
    on = facts[0].on if facts and isinstance(facts[0], PredictorSwitched) else track.record.on
    model = track.model
    if _week(at.ts_ns) not in (track.fitted_week, track.failed_week):
        fitted = _fit(track, event.symbol, at, p)
        if isinstance(fitted, DirectionFitted):
            facts.append(fitted)
            model = model_of(fitted)
        elif fitted.startswith(FAILED):  # told each time: that it was tried this week is known from the fact
            return [*facts, ForecastAbsent(symbol=event.symbol, model=MODEL, reason=fitted)]
        elif model is None:
            return facts + _absent(track, event.symbol, fitted)
    if model is None:
        return facts + _absent(track, event.symbol, track.absent or "nothing has been fitted")
    if track.missing is not None:
        return facts + _absent(track, event.symbol, track.missing)
    return [*facts, _prediction(track, event.symbol, model, on, p)]


def fitted(state: DirectionState, event: DirectionFitted, at: At) -> None:
    """The trees in force are the fact's."""
    track = state.tracks.get(event.symbol)
    if track is not None:
        track.model, track.fitted_week = model_of(event), _week(at.ts_ns)


def predicted(state: DirectionState, event: DirectionForecast, at: At) -> None:
    """A prediction waits for its outcome."""
    track = state.tracks.get(event.symbol)
    if event.model != MODEL or track is None or track.model is None or at.ts_ns not in track.closes:
        return
    track.absent = None
    track.waiting.append(Waiting(at.ts_ns, track.closes[at.ts_ns], event.prob_bull, track.model.base_rate))


def switched(state: DirectionState, event: PredictorSwitched, p: DirectionParams) -> None:
    track = state.tracks.get(event.symbol)
    if event.model == MODEL and track is not None:
        record.switched(track.record, event.on, p)


def absent(state: DirectionState, event: ForecastAbsent, at: At) -> None:
    track = state.tracks.get(event.symbol)
    if event.model == MODEL and track is not None:
        track.absent = event.reason
        if event.reason.startswith(FAILED):
            track.failed_week = _week(at.ts_ns)


def begin_anew(state: DirectionState) -> None:
    """Other parameters: nothing that was learnt under the old ones is kept."""
    state.tracks.clear()


def labels(row_ns: list[int], closes: dict[int, float], horizon_ns: int) -> tuple[Array, Array]:
    """Which rows have a known future (indices), and whether they rose (0 or 1), by the closes of exactly then.

    >>> index, rose = labels([0, 10, 20], {0: 5.0, 10: 6.0, 20: 4.0}, 10)
    >>> index.tolist(), rose.tolist()
    ([0, 1], [1.0, 0.0])
    """
    index = [i for i, ts in enumerate(row_ns) if ts + horizon_ns in closes]
    rose = [float(closes[row_ns[i] + horizon_ns] > closes[row_ns[i]]) for i in index]
    return np.array(index, dtype=np.int64), np.array(rose)


def model_of(event: DirectionFitted) -> Model:
    columns = {name: np.array(event.trees()[name]) for name in trees.DTYPES}
    knots, probs = zip(*event.calibration, strict=True)
    return Model(event.sha, columns, list(knots), list(probs), event.base_rate)


def _counts(event: FeatureRow, at: At, p: DirectionParams) -> bool:
    return event.cadence == "row" and event.symbol in p.symbols and at.ts_ns % HOUR_NS == 0


def _score(track: Track, now_ns: int, close: float, p: DirectionParams) -> None:
    horizon_ns = p.horizon_hours * HOUR_NS
    for waiting in track.waiting:
        due_ns = waiting.made_ns + horizon_ns
        if due_ns == now_ns:
            hour = waiting.made_ns // HOUR_NS
            record.resolve(track.record, hour, waiting.prob, waiting.base_rate, close > waiting.close, p)
        elif due_ns < now_ns:
            track.lost += 1
    track.waiting = [waiting for waiting in track.waiting if waiting.made_ns + horizon_ns > now_ns]


def _switch(track: Track, symbol: str, p: DirectionParams) -> list[Event]:
    r = track.record
    on = record.wants(r, p)
    if on == r.on:
        return []
    value, share = record.e_value(r.against if r.on else r.forward), record.accuracy(r, p)
    if p.rule == "e_process":
        reason = f"evidence that it is {'better' if on else 'worse'} than the base rate: e-value {value:.1f}"
    else:
        reason = f"right in {100.0 * (share or 0.0):.0f} % of the last {p.source_window}"
    return [
        PredictorSwitched(
            symbol=symbol,
            model=MODEL,
            on=on,
            rule=p.rule,
            reason=reason,
            resolved=r.resolved,
            accuracy=share,
            e_value=value,
        )
    ]


def _fit(track: Track, symbol: str, at: At, p: DirectionParams) -> DirectionFitted | str:
    from contango_inference.direction.fit import fit  # scikit-learn is loaded by those who fit

    horizon_ns = p.horizon_hours * HOUR_NS
    index, y = labels(track.row_ns, track.closes, horizon_ns)
    ts_ns = np.array(track.row_ns, dtype=np.int64)[index]
    try:
        found = fit(track.rows[index], y, ts_ns, horizon_ns, p)
    except Exception as error:  # noqa: BLE001 - whatever a fit does, the oracle goes on and says why it has none
        return f"{FAILED}: {' '.join(f'{type(error).__name__}: {error}'.split())[:200]}"
    if isinstance(found, str):
        return found
    digest, block = named(found.columns)
    fact = DirectionFitted(
        symbol=symbol,
        model=MODEL,
        sha=found.sha,
        features=FEATURES,
        rows=found.rows,
        trained_from_ns=int(ts_ns[0]),
        trained_until_ns=int(ts_ns[-1]) + horizon_ns,
        brier=found.brier,
        baseline_brier=found.baseline_brier,
        accuracy=found.accuracy,
        base_rate=found.base_rate,
        calibration=found.calibration,
        importance=found.importance,
        block=digest,
    )
    fact.attach({digest: block})
    return fact


def _prediction(track: Track, symbol: str, model: Model, on: bool, p: DirectionParams) -> DirectionForecast:
    last = np.ascontiguousarray(track.rows[-1:])
    score = float(trees.predict(model.columns, last)[0])
    prob = float(np.interp(score, model.knots, model.probs))
    return DirectionForecast(
        symbol=symbol,
        model=MODEL,
        model_sha=model.sha,
        input_hash=named({"features": last[0]})[0],
        horizon_s=p.horizon_hours * 3600,
        prob_bull=prob,
        prob_bear=1.0 - prob,
        prob_neutral=0.0,
        confidence=max(prob, 1.0 - prob),
        weight=1.0 if on else 0.0,
        backend=BACKEND,
    )


def _absent(track: Track, symbol: str, reason: str) -> list[Event]:
    known = _kind(track.absent) == _kind(reason)
    return [] if known else [ForecastAbsent(symbol=symbol, model=MODEL, reason=reason)]


def _kind(reason: str | None) -> str | None:
    return None if reason is None else "".join(letter for letter in reason if not letter.isdigit())


def _week(ts_ns: int) -> int:
    """Weeks since 1970, beginning on Monday."""
    return (ts_ns // DAY_NS + 3) // 7

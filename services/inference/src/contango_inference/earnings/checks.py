"""Checks of feature tables: leakage, correlation, coverage, importance. Pure.

Leakage is looked for in three ways, since each alone can be fooled: by dates (nothing known after the last close
before), by size (no honest feature tells the outcome this well), and by corrupting the future (no feature may notice).

References:
    [1] L. Breiman, "Random forests", Machine Learning 45 (2001) 5-32: permutation importance.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from contango_inference.earnings import fit, forest
from contango_inference.earnings.build import Inputs, Tables, build
from contango_inference.earnings.dataset import Dataset, folds
from contango_inference.earnings.events import DailyBars, Event, Floats
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.scores import auc, pinball
from contango_inference.earnings.walk import LEVELS

MOST_RANK_CORRELATION = 0.7
MOST_AUC = 0.7
LEAST_ROWS = 100
PAIR_CORRELATION = 0.9


@dataclass(frozen=True, slots=True)
class Suspect:
    """A feature that tells the outcome better than anything known before it could."""

    feature: str
    figure: str
    value: float
    rows: int


@dataclass(frozen=True, slots=True)
class Late:
    """Rows of a group that used something known after the last close before the event."""

    group: str
    rows: int
    first: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of events that have the feature, and the most frequent reason where it is missing ("" when it never is)."""

    group: str
    feature: str
    share: float
    reason: str


@dataclass(frozen=True, slots=True)
class Importance:
    """Rise of the pinball loss in per cent when a feature is shuffled in held-out folds: mean and spread of folds."""

    feature: str
    rise_percent: float
    spread: float


def late(tables: Tables) -> list[Late]:
    """Groups with rows known too late; empty when the tables hold what they promise."""
    found = []
    for group in tables.groups:
        rows = np.flatnonzero(group.known_at_ns > tables.cutoffs_ns)
        if len(rows):
            event = tables.events[rows[0]]
            found.append(Late(group.name, len(rows), f"{event.symbol} {event.date}"))
    return found


def late_labels(tables: Tables) -> int:
    """Labels that claim to be known before their announcement was over: 0 when all is well."""
    latest = np.array([event.latest_ns for event in tables.events], dtype=np.int64)
    known = np.isfinite(tables.labels.move)
    return int(np.sum(tables.labels.known_at_ns[known] <= latest[known]))


def suspects(data: Dataset) -> list[Suspect]:
    """Features whose rank correlation with move or |move|, or AUC of a move up, is past what is plausible.

    Real ones reach 0.4 and 0.55; the limits are 0.7 and 0.7 (or 0.3). A feature needs 100 rows to be judged.
    """
    ups = (data.move > 0.0).astype(np.float64)
    found = []
    for name, column in zip(data.names, data.values.T, strict=True):
        seen = np.isfinite(column)
        if seen.sum() < LEAST_ROWS or not np.ptp(column[seen]) > 0.0:
            continue
        rows = int(seen.sum())
        for figure, outcome in (("rank correlation with |move|", data.size), ("rank correlation with move", data.move)):
            if np.ptp(outcome[seen]) > 0.0:
                value = float(stats.spearmanr(column[seen], outcome[seen]).statistic)
                if abs(value) > MOST_RANK_CORRELATION:
                    found.append(Suspect(name, figure, value, rows))
        area = auc(ups[seen], column[seen])
        if area is not None and abs(area - 0.5) > MOST_AUC - 0.5:
            found.append(Suspect(name, "AUC of a move up", area, rows))
    return found


def notices_future(
    events: Sequence[Event],
    inputs: Inputs,
    cuts_ns: Sequence[int],
    *,
    rebuild: Callable[[Sequence[Event], Inputs], Tables] = build,
) -> list[str]:
    """Features of events up to a cut that change when everything later is corrupted, at any cut; empty when none does.

    Later closes are multiplied, later windows and reported earnings replaced: what is truly known is left alone. A
    cut at an event's own earliest instant shows whether its features know its own move.
    """
    before = rebuild(events, inputs)
    changed: dict[str, None] = {}
    for at_ns in cuts_ns:
        after = rebuild([_corrupt_event(e, at_ns) for e in events], _corrupt(inputs, at_ns))
        rows = [i for i, event in enumerate(before.events) if event.earliest_ns <= at_ns]
        for one, other in zip(before.groups, after.groups, strict=True):
            same = [np.array_equal(a[rows], b[rows], equal_nan=True) for a, b in zip(one.values.T, other.values.T)]
            changed |= dict.fromkeys(name for name, kept in zip(one.names, same, strict=True) if not kept)
    return list(changed)


def pairs(data: Dataset, *, limit: float = PAIR_CORRELATION) -> list[tuple[str, str, float]]:
    """Pairs of features with a correlation above ``limit`` in size, over the rows that have both; largest first."""
    found = []
    seen = np.isfinite(data.values)
    for i in range(len(data.names)):
        for j in range(i):
            both = seen[:, i] & seen[:, j]
            x, y = data.values[both, i], data.values[both, j]
            if len(x) >= LEAST_ROWS and np.ptp(x) > 0.0 and np.ptp(y) > 0.0:
                value = float(np.corrcoef(x, y)[0, 1])
                if abs(value) > limit:
                    found.append((data.names[j], data.names[i], value))
    return sorted(found, key=lambda pair: -abs(pair[2]))


def covered(tables: Tables) -> list[Coverage]:
    """Coverage of every feature, in the order of the tables."""
    found = []
    for group in tables.groups:
        for name, column in zip(group.names, group.values.T, strict=True):
            missing = [reason for reason, value in zip(group.reasons, column, strict=True) if not np.isfinite(value)]
            share = 1.0 - len(missing) / max(len(column), 1)
            found.append(Coverage(group.name, name, share, _most_frequent(missing)))
    return found


def importance(
    data: Dataset, params: EarningsParams, *, tell: Callable[[int, int], None] = lambda done, total: None
) -> list[Importance]:
    """Permutation importance of the forest on held-out folds, largest first; shuffled once a fold with the seed."""
    found = list(
        folds(
            data,
            fold_years=params.fold_years,
            least_training=params.least_training,
            embargo_days=params.embargo_days,
        )
    )
    rng = np.random.default_rng(params.seed)
    rises = []
    for done, fold in enumerate(found):
        tell(done, len(found))
        train, test = data.take(fold.train), data.take(fold.test)
        fitted = fit.fit_forest(train.values, train.size, params)
        plain = _loss(fitted, test.values, test.size)
        row = []
        for j in range(len(data.names)):
            shuffled = test.values.copy()
            shuffled[:, j] = rng.permutation(shuffled[:, j])
            row.append(100.0 * (_loss(fitted, shuffled, test.size) / plain - 1.0))
        rises.append(row)
    if not rises:
        return []
    table = np.array(rises)
    spread = table.std(axis=0, ddof=1) if len(table) > 1 else np.zeros(table.shape[1])
    ranked = [Importance(n, float(m), float(s)) for n, m, s in zip(data.names, table.mean(axis=0), spread, strict=True)]
    return sorted(ranked, key=lambda each: -each.rise_percent)


def _loss(fitted: forest.Forest, rows: Floats, sizes: Floats) -> float:
    made = forest.quantiles(fitted, forest.distribution(fitted, rows), LEVELS)
    return float(pinball(sizes, made, LEVELS).mean())


def _corrupt(inputs: Inputs, at_ns: int) -> Inputs:
    def later(bars: DailyBars | None) -> DailyBars | None:
        if bars is None:
            return None
        factor = np.where(bars.close_ns > at_ns, 3.7 + np.arange(len(bars.close_ns)) % 5, 1.0)
        return DailyBars(bars.close_ns, *(c * factor for c in (bars.open, bars.high, bars.low, bars.close)))

    def both(held: DailyBars) -> DailyBars:
        return later(held) or held

    return Inputs(
        {symbol: both(bars) for symbol, bars in inputs.bars.items()},
        later(inputs.vix),
        later(inputs.market),
        {symbol: both(bars) for symbol, bars in inputs.sectors.items()},
    )


def _corrupt_event(event: Event, at_ns: int) -> Event:
    seen = event.window
    if seen is not None and seen.post_ns > at_ns:
        event = replace(event, window=replace(seen, post_close=seen.post_close * 5.3))
    if seen is not None and seen.pre_ns > at_ns:
        changed = replace(seen, pre_close=seen.pre_close * 7.1, post_close=seen.post_close * 5.3, vol_annual=9.9)
        event = replace(event, window=changed)
    if event.latest_ns > at_ns and event.eps is not None:
        event = replace(event, eps=event.eps + 1000.0)
    return event


def _most_frequent(reasons: Sequence[str]) -> str:
    """The reason that stands most often, without the symbol's own name or count in front of it."""
    if not reasons:
        return ""
    names, counts = np.unique(reasons, return_counts=True)
    return str(names[int(np.argmax(counts))]) or "too short a window"

"""The record of one model, symbol and target: forecasts that wait for their outcome, and how those that came due did.

No I/O, no clock: time is the number of sessions that have closed. ``expect_…`` and ``session_closed`` take facts in;
what is told of it stands in ``tell``. The state is plain lists and numbers, and a snapshot is its JSON.

Losses of forecasts whose windows overlap hang together. They all enter the means; the e-value and the drift test are
given only such as follow one another: of each forecast the shortest horizon, and after one the next that was made when
it had come due.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from contango_common.events.forecast import Target
from contango_inference.monitor import drift as adwin
from contango_inference.monitor import evidence, outcome

WAITING = 2048
KEPT = 600
CALM = 64


@dataclass(slots=True)
class Direction:
    """A direction forecast made after session ``made``, due with session ``due``'s close, from the price ``base``."""

    made: int
    due: int
    base: float
    band: float
    prob: list[float]
    baseline: list[float]


@dataclass(slots=True)
class Variance:
    """Quantiles of the annual variance over the sessions after ``made`` up to ``due``; ``total`` of those closed.

    ``first`` says that no other horizon of the same forecast is shorter.
    """

    made: int
    due: int
    first: bool
    levels: list[float]
    quantiles: list[float]
    baseline: list[float]
    total: float = 0.0


@dataclass(slots=True)
class Record:
    """``losses`` and ``baseline_losses`` are the newest ones, oldest first; ``stated`` the probability of each newest
    direction's likeliest class and ``hits`` whether that came.

    ``fresh`` forecasts have come due since the last ``ForecastScored``; ``free_from`` is the first session after which
    a forecast overlaps none that the e-value has seen. ``drift`` are the losses since the last change, ``change`` one
    found and not yet told, ``alarmed`` whether one was told and calm has not returned. ``lost`` forecasts never had an
    outcome, for the last reason given.
    """

    symbol: str
    model: str
    model_sha: str
    target: Target
    sessions: int = 0
    directions: list[Direction] = field(default_factory=list)
    variances: list[Variance] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    baseline_losses: list[float] = field(default_factory=list)
    stated: list[float] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)
    fresh: int = 0
    free_from: int = 0
    log_wealth: list[float] = field(default_factory=evidence.no_evidence)
    drift: list[float] = field(default_factory=list)
    change: adwin.Change | None = None
    alarmed: bool = False
    lost: int = 0
    lost_reason: str | None = None


def expect_direction(
    record: Record,
    prob: Sequence[float],
    baseline: Sequence[float],
    *,
    base: float,
    band: float,
    sessions_ahead: int = 1,
) -> None:
    """Probabilities of bull, bear, neutral of model and baseline, told at the price ``base``.

    ``band``: log return up to which the outcome is neutral. What cannot be scored is counted as lost, with the reason.
    """
    wrong = outcome.wrong_direction(base, band, prob) or outcome.wrong_direction(base, band, baseline)
    if wrong is not None:
        _lose(record, 1, wrong)
        return
    due = record.sessions + sessions_ahead
    record.directions.append(Direction(record.sessions, due, base, band, list(prob), list(baseline)))
    _bounded(record, record.directions)


def expect_variance(
    record: Record,
    horizons_sessions: Sequence[int],
    levels: Sequence[float],
    quantiles: Sequence[Sequence[float]],
    baseline: Sequence[Sequence[float]],
) -> None:
    """Annual variance quantiles (H, Q) of model and baseline for the same horizons and levels, told at a close.

    A horizon that cannot be scored is counted as lost, with the reason. Raises ValueError for unequal numbers of rows.
    """
    shortest = min(horizons_sessions, default=0)
    for horizon, mine, theirs in zip(horizons_sessions, quantiles, baseline, strict=True):
        wrong = outcome.wrong_variance(levels, mine) or outcome.wrong_variance(levels, theirs)
        if wrong is not None:
            _lose(record, 1, f"over {horizon} sessions {wrong}")
            continue
        due = record.sessions + horizon
        record.variances.append(
            Variance(record.sessions, due, horizon == shortest, list(levels), list(mine), list(theirs))
        )
    _bounded(record, record.variances)


def session_closed(record: Record, close: float | None, variance_annual: float | None) -> None:
    """A session's close and its own realised variance, annual; None where there is none.

    Directions due now without a close are lost, and every variance forecast whose window holds a session without one.
    """
    record.sessions += 1
    _close_directions(record, close)
    _close_variances(record, variance_annual)


def _close_directions(record: Record, close: float | None) -> None:
    due = [d for d in record.directions if d.due <= record.sessions]
    record.directions = [d for d in record.directions if d.due > record.sessions]
    if close is None or not 0.0 < close < math.inf:
        _lose(record, len(due), "the session has no close")
        return
    for d in due:
        came = outcome.direction_of(math.log(close / d.base), d.band)
        mine, theirs = outcome.direction_losses(d.prob, d.baseline, came)
        record.stated = [*record.stated, max(d.prob)][-KEPT:]
        record.hits = [*record.hits, d.prob.index(max(d.prob)) == came][-KEPT:]
        _resolved(record, d, mine, theirs, outcome.direction_bound(d.prob, d.baseline))


def _close_variances(record: Record, variance_annual: float | None) -> None:
    if variance_annual is None or not 0.0 < variance_annual < math.inf:
        _lose(record, len(record.variances), "a session in the window has no variance")
        record.variances = []
        return
    for v in record.variances:
        v.total += variance_annual
    due = [v for v in record.variances if v.due <= record.sessions]
    record.variances = [v for v in record.variances if v.due > record.sessions]
    for v in due:
        came = v.total / (v.due - v.made)
        mine, theirs = outcome.variance_losses(came, v.quantiles, v.baseline, v.levels)
        _resolved(record, v, mine, theirs, outcome.variance_bound(v.quantiles, v.baseline, v.levels))


def _resolved(record: Record, forecast: Direction | Variance, mine: float, theirs: float, bound: float) -> None:
    record.losses = [*record.losses, mine][-KEPT:]
    record.baseline_losses = [*record.baseline_losses, theirs][-KEPT:]
    if isinstance(forecast, Variance) and not forecast.first:
        return
    record.fresh += 1
    if forecast.made < record.free_from:
        return
    record.free_from = forecast.due
    record.log_wealth = evidence.take(record.log_wealth, theirs - mine, bound)
    record.drift, change = adwin.take(record.drift, mine)
    if change is not None and not record.alarmed:
        record.change = change
    elif len(record.drift) >= CALM:
        record.alarmed = False


def _bounded(record: Record, waiting: list[Direction] | list[Variance]) -> None:
    over = len(waiting) - WAITING
    if over > 0:
        del waiting[:over]
        _lose(record, over, f"more than {WAITING} forecasts were waiting")


def _lose(record: Record, forecasts: int, reason: str) -> None:
    if forecasts:
        record.lost += forecasts
        record.lost_reason = reason

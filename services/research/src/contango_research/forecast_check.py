"""Forecasts against what came: coverage of the variance quantiles by realised variance.

Realised is the sum of squared log returns between intraday closes, overnight included (of daily closes where a session
has no intraday bars): the field's usual witness of variance, far less noisy than squared daily returns."""

import math
from bisect import bisect_right
from dataclasses import dataclass

from contango_research.daily import Daily
from contango_research.tally import Tally


@dataclass(frozen=True, slots=True)
class Case:
    """One forecast of one horizon and, once the horizon has passed, what came; annualised variances."""

    ts_ns: int
    quantiles: tuple[float, ...]
    realised: float | None


@dataclass(frozen=True, slots=True)
class Horizon:
    """Forecasts ``sessions`` ahead, at ``levels``. ``coverage[i]`` is the share realised at or below level i."""

    sessions: int
    levels: tuple[float, ...]
    cases: list[Case]

    @property
    def known(self) -> list[Case]:
        return [case for case in self.cases if case.realised is not None]

    @property
    def independent(self) -> float:
        """Neighbouring forecasts share their future: so many stretches do not overlap."""
        return len(self.known) / self.sessions

    @property
    def coverage(self) -> list[float] | None:
        known = self.known
        if not known:
            return None
        return [sum((c.realised or 0.0) <= c.quantiles[i] for c in known) / len(known) for i in range(len(self.levels))]


def horizons_of(tally: Tally, daily: Daily, sessions_per_year: float) -> list[Horizon]:
    """By horizon, shortest first; the baseline's forecasts of the underlying whose levels are those of the first one.

    The first session's forecast looks at a close before the log and is left out.
    """
    forecasts = [f for f in tally.forecasts if f.event.symbol == tally.underlying and f.event.role == "baseline"]
    if not forecasts:
        return []
    levels = forecasts[0].event.levels
    squared = [a if a is not None else b for a, b in zip(daily.realised_variance, _squared_returns(daily), strict=True)]
    found: dict[int, list[Case]] = {}
    for stamped in forecasts:
        event = stamped.event
        row = bisect_right(daily.close_ns, stamped.ts_ns)  # sessions closed by then
        if event.levels != levels or row == 0:
            continue
        for ahead, quantiles in zip(event.horizons_sessions, event.variance_quantiles, strict=True):
            realised = _realised(squared[row : row + ahead], ahead, sessions_per_year)
            found.setdefault(ahead, []).append(Case(stamped.ts_ns, quantiles, realised))
    return [Horizon(ahead, levels, cases) for ahead, cases in sorted(found.items())]


def _squared_returns(daily: Daily) -> list[float | None]:
    """Squared log return of each session, None where a close is missing."""
    prices = daily.price
    pairs = zip((None, *prices[:-1]), prices, strict=True) if prices else ()
    return [math.log(now / before) ** 2 if before and now else None for before, now in pairs]


def _realised(squared: list[float | None], ahead: int, sessions_per_year: float) -> float | None:
    known = [value for value in squared if value is not None]
    return sum(known) * sessions_per_year / ahead if len(known) == ahead else None

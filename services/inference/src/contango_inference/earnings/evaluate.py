"""What walk-forward forecasts were worth: against the naive forecast, by era, and in words. Pure."""

from dataclasses import dataclass

import numpy as np

from contango_inference.earnings.dataset import Dataset
from contango_inference.earnings.events import Floats
from contango_inference.earnings.scores import Limits, Paired, auc_limits, coverage, crps, paired, pinball
from contango_inference.earnings.walk import BASE_RATE, LEVELS, NAIVE, SHIPPED, Forecasts

ERA_YEARS = 4


@dataclass(frozen=True, slots=True)
class Magnitude:
    """One model of |move|: mean pinball loss and CRPS (as fractions of price), coverage of q10 … q90, skill."""

    model: str
    pinball: float
    crps: float
    coverage: Limits
    against_naive: Paired


@dataclass(frozen=True, slots=True)
class Direction:
    """One model of the direction: Brier score, skill against the base rate, AUC."""

    model: str
    brier: float
    against_base_rate: Paired
    auc: Limits | None


@dataclass(frozen=True, slots=True)
class Era:
    """The shipped model in the years ``first`` … ``last``."""

    first: int
    last: int
    events: int
    coverage: Limits
    against_naive: Paired
    brier_skill: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything; ``block`` is the mean block of the bootstrap (a quarter's events), ``first``, ``last`` dates."""

    events: int
    first: int
    last: int
    block: int
    magnitude: tuple[Magnitude, ...]
    direction: tuple[Direction, ...]
    eras: tuple[Era, ...]
    verdict: tuple[str, ...]


def evaluate(data: Dataset, made: Forecasts, *, seed: int = 0) -> Evaluation:
    """Scores of every model on the same events."""
    asked = data.take(made.rows)
    block = season(asked)
    losses = {name: pinball(asked.size, q, LEVELS) for name, q in made.quantiles.items()}
    naive = losses[NAIVE].mean(axis=1)
    magnitude = tuple(
        Magnitude(
            name,
            float(loss.mean()),
            float(crps(loss, LEVELS).mean()),
            coverage(asked.size, made.quantiles[name][:, 0], made.quantiles[name][:, -1]),
            paired(loss.mean(axis=1), naive, block=block, seed=seed),
        )
        for name, loss in losses.items()
    )
    ups = (asked.move > 0.0).astype(np.float64)
    brier = {name: (chance - ups) ** 2 for name, chance in made.up.items()}
    direction = tuple(
        Direction(
            name,
            float(each.mean()),
            paired(each, brier[BASE_RATE], block=block, seed=seed),
            auc_limits(ups, made.up[name], block=block, seed=seed),
        )
        for name, each in brier.items()
    )
    eras = _eras(asked, made, losses[SHIPPED].mean(axis=1), naive, brier, block, seed)
    dates = asked.date
    return Evaluation(
        len(dates),
        int(dates.min()),
        int(dates.max()),
        block,
        magnitude,
        direction,
        eras,
        (magnitude_verdict(magnitude), direction_verdict(direction)),
    )


def season(data: Dataset) -> int:
    """Events of a quarter of a year, at least 1 and at most a third of all: the block within which they depend."""
    years = max((int(data.cutoff_ns[-1]) - int(data.cutoff_ns[0])) / 365.25 / 86_400e9, 0.25)
    return max(1, min(round(len(data.move) / (4.0 * years)), len(data.move) // 3))


def has_direction(direction: tuple[Direction, ...]) -> bool:
    """Whether a model of the direction beat the base rate beyond its 90 % interval."""
    return any(d.model != BASE_RATE and (d.against_base_rate.skill.low or -1.0) > 0.0 for d in direction)


def magnitude_verdict(found: tuple[Magnitude, ...]) -> str:
    """One sentence on the shipped model of |move|."""
    shipped = next(m for m in found if m.model == SHIPPED)
    skill, inside = shipped.against_naive.skill, shipped.coverage
    size = f"pinball skill over the naive forecast {_percent(skill.value)}{_between(skill)}"
    held = f"q10 to q90 held {_percent(inside.value)} of moves (80 % meant)"
    if skill.low is not None and skill.low > 0.0:
        return f"magnitude: evidence of skill: {size}; {held}"
    return f"magnitude: no evidence of skill beyond the naive forecast: {size}; {held}"


def direction_verdict(found: tuple[Direction, ...]) -> str:
    """One sentence on the direction."""
    best = max((d for d in found if d.model != BASE_RATE), key=lambda d: d.against_base_rate.skill.value)
    skill = best.against_base_rate.skill
    head = "evidence of skill" if has_direction(found) else "no evidence of skill"
    area = "" if best.auc is None else f", AUC {best.auc.value:.3f}{_between(best.auc, 3)}"
    return f"direction: {head}: Brier skill over the base rate {_percent(skill.value)}{_between(skill)}{area}"


def _eras(
    asked: Dataset, made: Forecasts, losses: Floats, naive: Floats, brier: dict[str, Floats], block: int, seed: int
) -> tuple[Era, ...]:
    years = asked.date // 10_000
    found = []
    for first in range(int(years.min()) // ERA_YEARS * ERA_YEARS, int(years.max()) + 1, ERA_YEARS):
        rows = np.flatnonzero((years >= first) & (years < first + ERA_YEARS))
        if len(rows) < 20:
            continue
        q = made.quantiles[SHIPPED][rows]
        found.append(
            Era(
                int(years[rows].min()),
                int(years[rows].max()),
                len(rows),
                coverage(asked.size[rows], q[:, 0], q[:, -1]),
                paired(losses[rows], naive[rows], block=min(block, len(rows) // 3), seed=seed),
                1.0 - float(brier["logistic"][rows].sum() / brier[BASE_RATE][rows].sum()),
            )
        )
    return tuple(found)


def _percent(value: float) -> str:
    return f"{100.0 * value:.1f} %"


def _between(limits: Limits, places: int | None = None) -> str:
    if limits.low is None or limits.high is None:
        return ""
    if places is not None:
        return f" ({limits.low:.{places}f} to {limits.high:.{places}f})"
    return f" ({_percent(limits.low)} to {_percent(limits.high)})"

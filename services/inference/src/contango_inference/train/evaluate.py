"""The walk forward in figures: losses, skill against each baseline, by horizon and regime, coverage, reliability. Pure.

Losses of several seeds are averaged row by row before they are compared: what is judged is a network as it is trained,
not the luckiest one. The variance is scored in ln(variance), where a miss by a factor costs alike in calm and storm.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_inference.models.manifest import DIRECTIONS
from contango_inference.train.pooling import (
    WEIGHTS,
    best_weight,
    losses_by_weight,
    pooled_prob,
    pooled_ratios,
    prequential,
)
from contango_inference.train.settings import TrainSettings
from contango_inference.train.walk import Walk
from contango_quant.stats.calibration import expected_calibration_error, reliability
from contango_quant.stats.forecast_scores import brier, crps, log_loss, pinball
from contango_quant.stats.skill_test import Skill, skill_test

Floats = npt.NDArray[np.float64]
Masks = dict[str, npt.NDArray[np.bool_]]
NETWORK, PERSISTENCE, HAR, POOL = "network", "persistence", "har", "pool"
SHARES, BY_VOLATILITY = "base_rate", "base_rate_by_volatility"


@dataclass(frozen=True, slots=True)
class Judged:
    """``skills`` by baseline, and under ``pool`` the pool's against what it stands beside; ``better`` names the
    baseline with the smaller loss.

    ``weight`` minimises the pool's loss, before any cap; ``figures`` is everything else, ready for JSON.
    """

    skills: dict[str, Skill]
    better: str
    weight: float
    figures: dict[str, Any]


def judged_variance(walk: Walk, s: TrainSettings) -> Judged:
    """Pinball loss of ln(variance / anchor²), the mean of horizons and levels, one number a session."""
    said = {PERSISTENCE: (walk.persistence,), HAR: (walk.har,), NETWORK: tuple(f.ratios for f in walk.network)}
    by_horizon = {name: _seeds(ratios, lambda q: pinballs(walk.came, q, s)) for name, ratios in said.items()}  # (r, H)
    losses = {name: part.mean(axis=1) for name, part in by_horizon.items()}
    better = _better(losses, (PERSISTENCE, HAR))
    base = said[better][0]
    by_weight = losses_by_weight(
        lambda w: _seeds(said[NETWORK], lambda q: pinballs(walk.came, pooled_ratios(q, base, w), s)).mean(axis=1)
    )
    losses[POOL] = prequential(by_weight, walk.fold)
    test = _tester(s.longest, s.verdict.fewest_stretches)
    skills = {name: test(losses[NETWORK], losses[name]) for name in (PERSISTENCE, HAR)}
    skills[POOL] = test(losses[POOL], losses[better])
    figures = {
        "rows": len(walk.rows),
        "loss": {name: float(part.mean()) for name, part in losses.items()},
        "crps": {name: float(_seeds(q, lambda x: _crps(walk.came, x, s)).mean()) for name, q in said.items()},
        "weights": _curve(by_weight),
        "by_horizon": _by_horizon(walk, said, by_horizon, s),
        "by_regime": _by_mask(losses, regimes_of(walk), better, test),
        "by_year": _by_mask(losses, _years(walk), better, None),
        "by_seed": [float(pinballs(walk.came, f.ratios, s).mean()) for f in walk.network],
    }
    return Judged(skills, better, best_weight(by_weight), figures)


def judged_direction(walk: Walk, s: TrainSettings) -> Judged:
    """Log loss of bull, bear and neutral over the next session against the shares known by then.

    The better baseline may be the one that knows volatility; the pool stands beside the plain shares.
    """
    said = {
        SHARES: (walk.shares,),
        BY_VOLATILITY: (walk.shares_by_volatility,),
        NETWORK: tuple(f.prob for f in walk.network),
    }
    came = walk.directions
    losses = {name: _seeds(p, lambda x: log_loss(x, came)) for name, p in said.items()}
    briers = {name: _seeds(p, lambda x: brier(x, came)) for name, p in said.items()}
    by_weight = losses_by_weight(
        lambda w: _seeds(said[NETWORK], lambda p: log_loss(pooled_prob(p, walk.shares, w), came))
    )
    losses[POOL] = prequential(by_weight, walk.fold)
    test = _tester(1, None)
    better = _better(losses, (SHARES, BY_VOLATILITY))
    skills = {name: test(losses[NETWORK], losses[name]) for name in (SHARES, BY_VOLATILITY)}
    skills[POOL] = test(losses[POOL], losses[SHARES])
    figures = {
        "rows": len(walk.rows),
        "loss": {name: float(part.mean()) for name, part in losses.items()},
        "brier": {name: float(part.mean()) for name, part in briers.items()},
        "brier_skill": _skill(test(briers[NETWORK], briers[better])),
        "sides": _skill(_sides(said[NETWORK], walk, test)),
        "shares": {name: float((came == k).mean()) for k, name in enumerate(DIRECTIONS)},
        "weights": _curve(by_weight),
        "reliability": _reliability(walk),
        "by_regime": _by_mask(losses, regimes_of(walk), better, test),
    }
    return Judged(skills, better, best_weight(by_weight), figures)


def pinballs(came: Floats, ratios: Floats, s: TrainSettings) -> Floats:
    """Mean pinball loss over levels (r, H) of quantiles (r, H, Q)."""
    levels = s.inference.levels
    return np.stack([pinball(came[:, j], ratios[:, j], levels).mean(axis=1) for j in range(came.shape[1])], axis=1)


def regimes_of(walk: Walk) -> Masks:
    """Thirds of the tested sessions by the anchor's volatility on that day."""
    low, high = np.quantile(walk.anchor, [1.0 / 3.0, 2.0 / 3.0])
    names = (f"volatility below {low:.1%}", f"{low:.1%} to {high:.1%}", f"above {high:.1%}")
    masks = (walk.anchor < low, (walk.anchor >= low) & (walk.anchor < high), walk.anchor >= high)
    return dict(zip(names, masks, strict=True))


def _years(walk: Walk) -> Masks:
    years = walk.dates // 10_000
    return {str(year): years == year for year in np.unique(years).tolist()}


def _seeds(said: tuple[Floats, ...], loss: Callable[[Floats], Floats]) -> Floats:
    return np.asarray(np.mean([loss(each) for each in said], axis=0))


def _crps(came: Floats, ratios: Floats, s: TrainSettings) -> Floats:
    return np.stack([crps(came[:, j], ratios[:, j], s.inference.levels) for j in range(came.shape[1])], axis=1)


def _better(losses: dict[str, Floats], names: tuple[str, ...]) -> str:
    return min(names, key=lambda name: float(losses[name].mean()))


def _tester(overlap: int, fewest: int | None) -> Callable[[Floats, Floats], Skill]:
    def test(losses: Floats, baseline: Floats) -> Skill:
        if fewest is None:
            return skill_test(losses, baseline, overlap=overlap)
        return skill_test(losses, baseline, overlap=overlap, min_effective=fewest)

    return test


def _by_horizon(
    walk: Walk, said: dict[str, tuple[Floats, ...]], losses: dict[str, Floats], s: TrainSettings
) -> list[dict[str, Any]]:
    found = []
    for j, h in enumerate(s.inference.horizons_sessions):
        test = _tester(h, None)
        row: dict[str, Any] = {"horizon": h, "loss": {name: float(part[:, j].mean()) for name, part in losses.items()}}
        row["skill"] = {name: _skill(test(losses[NETWORK][:, j], losses[name][:, j])) for name in (PERSISTENCE, HAR)}
        row["below"] = {name: _below(walk.came[:, j], [q[:, j] for q in ratios]) for name, ratios in said.items()}
        row["inside"] = {name: shares[-1] - shares[0] for name, shares in row["below"].items()}
        found.append(row)
    return found


def _below(came: Floats, quantiles: list[Floats]) -> list[float]:
    """Share of what came at or below each level, the mean of the seeds."""
    return [float(np.mean([(came <= q[:, i]).mean() for q in quantiles])) for i in range(quantiles[0].shape[1])]


def _by_mask(
    losses: dict[str, Floats], masks: Masks, better: str, test: Callable[[Floats, Floats], Skill] | None
) -> list[dict[str, Any]]:
    found = []
    for name, mask in masks.items():
        if not mask.any():
            continue
        row: dict[str, Any] = {"name": name, "rows": int(mask.sum())}
        row["loss"] = {each: float(part[mask].mean()) for each, part in losses.items()}
        row["skill"] = None if test is None else _skill(test(losses[NETWORK][mask], losses[better][mask]))
        found.append(row)
    return found


def _sides(network: tuple[Floats, ...], walk: Walk, test: Callable[[Floats, Floats], Skill]) -> Skill:
    """Bull against bear alone, on the sessions that were one of them: skill beyond knowing how quiet a day will be."""
    rows = walk.directions < 2
    came = walk.directions[rows]

    def loss(prob: Floats) -> Floats:
        two = prob[rows, :2]
        return log_loss(two / two.sum(axis=1, keepdims=True), came)

    return test(_seeds(network, loss), loss(walk.shares))


def _reliability(walk: Walk) -> list[dict[str, Any]]:
    prob = walk.network[0].prob
    found = []
    for k, name in enumerate(DIRECTIONS):
        happened = walk.directions == k
        bins = [
            {"said": b.mean_prob, "came": b.frequency, "low": b.low, "high": b.high, "rows": b.rows}
            for b in reliability(prob[:, k], happened, bins=20)
        ]
        error = expected_calibration_error(prob[:, k], happened, bins=20)
        found.append({"name": name, "bins": bins, "expected_error": error})
    return found


def _curve(by_weight: Floats) -> list[list[float]]:
    return [[w, float(loss)] for w, loss in zip(WEIGHTS, by_weight.mean(axis=1), strict=True)]


def _skill(skill: Skill) -> dict[str, Any]:
    return asdict(skill)

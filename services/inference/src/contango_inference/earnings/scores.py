"""How good forecasts were: pinball loss, CRPS, coverage, Brier score, AUC, and a paired test against another. Pure.

    pinball_α(y, q) = (α − 1{y < q}) (y − q)
    CRPS            = 2 ∫ pinball_α dα ≈ 2 Σ width_j pinball_α_j, each level standing for the levels nearest to it

Neighbouring events share their season: intervals come from the block bootstrap in order of time.

References:
    [1] T. Gneiting, A. Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102 (2007) 359-378.
    [2] F. X. Diebold, R. S. Mariano, "Comparing predictive accuracy", JBES 13 (1995) 253-263.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from contango_inference.earnings.events import Floats
from contango_quant.stats import bootstrap
from contango_quant.stats.sharpe import long_run_variance


class Limits(NamedTuple):
    """A figure and its interval; None where there is too little to say one."""

    value: float
    low: float | None
    high: float | None


class Paired(NamedTuple):
    """Skill 1 − loss/loss of the other, with its interval, and the Diebold-Mariano test of equal losses.

    ``statistic`` is above 0 when the model's losses are smaller; None when the losses never differ.
    """

    skill: Limits
    statistic: float | None
    p_two_sided: float | None


def pinball(came: Floats, quantiles: Floats, levels: Sequence[float]) -> Floats:
    """Losses (n, Q) of quantiles (n, Q) for what came (n,).

    >>> pinball(np.array([1.0]), np.array([[0.0, 3.0]]), [0.1, 0.9]).round(12).tolist()
    [[0.1, 0.2]]
    """
    over = came[:, None] - quantiles
    return np.maximum(np.asarray(levels) * over, (np.asarray(levels) - 1.0) * over)


def crps(losses: Floats, levels: Sequence[float]) -> Floats:
    """CRPS (n,) from pinball losses (n, Q); the same approximation for every model that is compared.

    >>> crps(np.array([[0.1, 0.2]]), [0.25, 0.75]).round(12).tolist()
    [0.3]
    """
    at = np.asarray(levels, dtype=np.float64)
    edges = np.concatenate([[0.0], 0.5 * (at[1:] + at[:-1]), [1.0]])
    return np.asarray(2.0 * losses @ np.diff(edges), dtype=np.float64)


def coverage(came: Floats, low: Floats, high: Floats, *, level: float = 0.9) -> Limits:
    """Share of what came inside [low, high], with the binomial interval of Clopper and Pearson at ``level``.

    >>> found = coverage(np.arange(10.0), np.zeros(10), np.full(10, 7.0))
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.8, 0.493, 0.963)
    """
    inside, n = int(np.sum((came >= low) & (came <= high))), len(came)
    tail = 0.5 * (1.0 - level)
    least = 0.0 if inside == 0 else float(special.betaincinv(inside, n - inside + 1, tail))
    most = 1.0 if inside == n else float(special.betaincinv(inside + 1, n - inside, 1.0 - tail))
    return Limits(inside / n, least, most)


def auc(ups: Floats, scores: Floats) -> float | None:
    """Chance that an event with up = 1 scores above one with 0, ties half; None without both kinds.

    >>> auc(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    yes = ups > 0.5
    n, m = int(yes.sum()), int((~yes).sum())
    if n == 0 or m == 0:
        return None
    ranks = stats.rankdata(scores)
    return float((ranks[yes].sum() - n * (n + 1) / 2.0) / (n * m))


def auc_limits(ups: Floats, scores: Floats, *, block: int, seed: int) -> Limits | None:
    """AUC with its block bootstrap interval (90 %)."""
    value = auc(ups, scores)
    if value is None:
        return None
    found = bootstrap.interval(
        lambda pairs: auc(pairs[:, 0], pairs[:, 1]),
        np.column_stack([ups, scores]),
        draw=bootstrap.stationary(float(block)),
        rng=np.random.default_rng(seed),
        resamples=500,
    )
    return Limits(value, None, None) if found is None else Limits(value, found.low, found.high)


def paired(losses: Floats, others: Floats, *, block: int, seed: int) -> Paired:
    """Losses (n,) in order of time against those of another forecast of the same events.

    ``block``: mean block of the bootstrap and lags of the test's long-run variance, about a season's events.

    >>> got = paired(np.full(50, 1.0), np.full(50, 2.0), block=5, seed=0)
    >>> got.skill, got.statistic
    (Limits(value=0.5, low=0.5, high=0.5), None)
    """
    found = bootstrap.interval(
        lambda pairs: 1.0 - float(pairs[:, 0].sum() / pairs[:, 1].sum()) if pairs[:, 1].sum() > 0.0 else None,
        np.column_stack([losses, others]),
        draw=bootstrap.stationary(float(block)),
        rng=np.random.default_rng(seed),
        resamples=1000,
    )
    value = 1.0 - float(losses.sum() / others.sum())
    skill = Limits(value, None, None) if found is None else Limits(value, found.low, found.high)
    gain = others - losses
    n = len(gain)
    if n < 3 or not np.ptp(gain) > 0.0:
        return Paired(skill, None, None)
    variance = long_run_variance(gain, lags=min(block, n - 1)) / n
    if not variance > 0.0:
        return Paired(skill, None, None)
    statistic = float(gain.mean()) / math.sqrt(variance)
    return Paired(skill, statistic, 2.0 * float(special.ndtr(-abs(statistic))))

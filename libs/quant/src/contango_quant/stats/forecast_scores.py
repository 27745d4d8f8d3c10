"""Losses of probability and quantile forecasts, one number a forecast: small is good, and honesty pays best.

    Brier        Σ_k (p_k − 1{k = o})²          0 to 2; for two outcomes told by one p, (p − o)², half of it
    log loss     −ln p_o                        nats
    pinball_α    (α − 1{y < q}) (y − q)         units of y
    CRPS         2 ∫ pinball_α dα ≈ 2 Σ_j w_j pinball_α_j

The last is the weighted quantile loss: every level stands for the levels nearer to it than to the others, so w_j are
those stretches' lengths and sum to 1. What lies beyond the outermost levels is read as if the quantile stayed where it
is: heavy tails are under-punished, alike for all forecasts with the same levels. For levels symmetric about ½ a
forecast of one sure value x costs |y − x| exactly, as the CRPS of a point mass does.

All are proper for what they are given (class probabilities, quantiles at these levels): no forecast has a smaller
expected loss than the truth.

References:
    [1] G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
        (1950) 1-3.
    [2] T. Gneiting, A. Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102 (2007)
        359-378: sections 3 (classes), 4.2 (CRPS), 6.1 (quantiles).
    [3] E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from contango_quant.broadcast import ANY, Floats, floats
from contango_quant.stats.lines import count, line, same_length, share

SUM_TOLERANCE = 1e-6
LEAST_PROBABILITY = 1e-12  # what a probability of 0 is read as by the log loss: 27.6 nats, not infinity


class Share(NamedTuple):
    """hits among rows as a share, with its Wilson interval at a confidence level."""

    share: float
    low: float
    high: float
    rows: int


def brier(prob: ArrayLike, outcome: ArrayLike) -> Floats:
    """Brier scores (n,) of probabilities (n, K), rows summing to 1, for outcomes (n,): the class's number, 0 to K − 1.

    Raises ValueError.

    >>> brier([[0.7, 0.2, 0.1]], [0]).round(12).tolist()
    [0.14]
    """
    p = probabilities(prob)
    o = classes(outcome, p)
    return (p**2).sum(axis=1) - 2.0 * p[np.arange(o.size), o] + 1.0


def binary_brier(prob: ArrayLike, happened: ArrayLike) -> Floats:
    """(p − o)² (n,) of probabilities (n,) that something happens, and whether it did (n,), 0 or 1. Raises ValueError.

    >>> binary_brier([0.75, 0.5], [True, False]).tolist()
    [0.0625, 0.25]
    """
    p, o = chances(prob, happened)
    return (p - o) ** 2


def log_loss(prob: ArrayLike, outcome: ArrayLike) -> Floats:
    """−ln of what was said of the outcome (n,), in nats, for probabilities (n, K); never infinite. Raises ValueError.

    >>> log_loss([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], [1, 1]).round(4).tolist()
    [1.3863, 0.0]
    """
    p = probabilities(prob)
    o = classes(outcome, p)
    return np.abs(np.log(np.clip(p[np.arange(o.size), o], LEAST_PROBABILITY, 1.0)))


def pinball(came: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> Floats:
    """Pinball losses (n, Q) of quantiles (n, Q) at levels (Q,) for what came (n,), in its unit. Raises ValueError.

    >>> pinball([1.0], [[0.0, 3.0]], [0.1, 0.9]).round(12).tolist()
    [[0.1, 0.2]]
    """
    y, q, at = _quantiles(came, quantiles, levels)
    over = y[:, None] - q
    return np.maximum(at * over, (at - 1.0) * over)


def crps(came: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> Floats:
    """Continuous ranked probability score (n,) from quantiles, approximated as above, in the unit of what came.

    >>> crps([1.0, 4.0], [[2.0, 2.0, 2.0], [2.0, 3.0, 4.0]], [0.1, 0.5, 0.9]).round(3).tolist()
    [1.0, 0.52]
    """
    return 2.0 * pinball(came, quantiles, levels) @ level_widths(levels)


def level_widths(levels: ArrayLike) -> Floats:
    """The stretch of levels (Q,) that each of `levels`, ascending inside 0 to 1, stands for; they sum to 1.

    >>> level_widths([0.1, 0.5, 0.9]).round(12).tolist()
    [0.3, 0.4, 0.3]
    """
    at = _levels(levels)
    return np.diff(np.concatenate([[0.0], 0.5 * (at[1:] + at[:-1]), [1.0]]))


def coverage(came: ArrayLike, low: ArrayLike, high: ArrayLike, *, level: float = 0.95) -> Share | None:
    """How often [low, high] (n,) held what came (n,), ends included; None without rows. Raises ValueError.

    The interval at `level` is Wilson's, which takes outcomes as independent: overlapping ones count as fewer.

    >>> held = coverage([0.0, 1.0, 2.0, 9.0], [0.0] * 4, [5.0] * 4)
    >>> held.share, held.rows, round(held.low, 3), round(held.high, 3)
    (0.75, 4, 0.301, 0.954)
    """
    y, a, b = line("came", came), line("low", low), line("high", high)
    same_length(came=y, low=a, high=b)
    return wilson(int(((a <= y) & (y <= b)).sum()), y.size, level=level) if y.size else None


def wilson(hits: int, of: int, *, level: float = 0.95) -> Share:
    """Share of `hits` in `of` ≥ 1 independent trials with Wilson's interval at confidence `level`. Raises ValueError.

    >>> found = wilson(0, 10)
    >>> found.share, found.low, round(found.high, 4)
    (0.0, 0.0, 0.2775)
    """
    n = count("of", of, 1)
    if not 0 <= hits <= n:
        raise ValueError(f"hits must be from 0 to {n}, got {hits!r}")
    z = float(special.ndtri(0.5 + 0.5 * share("level", level)))
    p, shrink = hits / n, 1.0 + z * z / n
    centre = (p + 0.5 * z * z / n) / shrink
    half = z * math.sqrt(p * (1.0 - p) / n + 0.25 * z * z / (n * n)) / shrink
    # At 0 and n hits one end is 0 or 1 by algebra, which rounding would miss.
    return Share(p, 0.0 if hits == 0 else centre - half, 1.0 if hits == n else centre + half, n)


def probabilities(prob: ArrayLike) -> Floats:
    """Probabilities (n, K) whose rows sum to 1 within a millionth; ValueError with the place.

    >>> probabilities([[0.5, 0.4]])
    Traceback (most recent call last):
        ...
    ValueError: prob must sum to 1 in every row, got 0.9 in row 0
    """
    p = floats("prob", prob, ANY)
    if p.ndim != 2 or p.shape[1] < 2:
        raise ValueError(f"prob must have shape (n, K) with at least 2 classes, got {p.shape}")
    outside = ((p < 0.0) | (p > 1.0)).any(axis=1)
    if outside.any():
        i = int(np.argmax(outside))
        raise ValueError(f"prob must be from 0 to 1, got {p[i].tolist()} in row {i}")
    off = np.abs(p.sum(axis=1) - 1.0) > SUM_TOLERANCE
    if off.any():
        i = int(np.argmax(off))
        raise ValueError(f"prob must sum to 1 in every row, got {float(p[i].sum())!r} in row {i}")
    return p


def classes(outcome: ArrayLike, scores: Floats) -> NDArray[np.int64]:
    """Class numbers (n,), one a row of `scores` (n, K), each from 0 to K − 1; ValueError with the place."""
    o = line("outcome", outcome)
    n, kinds = scores.shape
    if o.size != n:
        raise ValueError(f"outcome must have a number a row, got {o.size} for {n} rows")
    bad = (o != np.floor(o)) | (o < 0.0) | (o >= kinds)
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"outcome must be a class from 0 to {kinds - 1}, got {float(o[i])!r} at position {i}")
    return o.astype(np.int64)


def chances(prob: ArrayLike, happened: ArrayLike) -> tuple[Floats, Floats]:
    """Probabilities (n,) from 0 to 1 and what happened (n,) as 0.0 or 1.0; ValueError with the place."""
    p, o = line("prob", prob), line("happened", happened)
    same_length(prob=p, happened=o)
    for name, bad, column in (("prob", (p < 0.0) | (p > 1.0), p), ("happened", (o != 0.0) & (o != 1.0), o)):
        if bad.any():
            i = int(np.argmax(bad))
            wanted = "from 0 to 1" if name == "prob" else "0 or 1"
            raise ValueError(f"{name} must be {wanted}, got {float(column[i])!r} at position {i}")
    return p, o


def _quantiles(came: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> tuple[Floats, Floats, Floats]:
    y, q, at = line("came", came), floats("quantiles", quantiles, ANY), _levels(levels)
    if q.shape != (y.size, at.size):
        raise ValueError(f"quantiles must have shape {(y.size, at.size)}, got {q.shape}")
    return y, q, at


def _levels(levels: ArrayLike) -> Floats:
    at = line("levels", levels)
    if at.size == 0 or not (at[0] > 0.0 and at[-1] < 1.0 and bool((np.diff(at) > 0.0).all())):
        raise ValueError(f"levels must be ascending inside 0 to 1, got {at.tolist()}")
    return at

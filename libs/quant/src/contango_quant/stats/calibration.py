"""Whether stated probabilities come true as often as they say, and two ways of making them.

    reliability   mean probability against frequency, bin by bin;  ECE = Σ_b (n_b/n) |frequency_b − mean p_b|
    temperature   softmax(z / T): T minimises the mean log loss; the likeliest class stays the likeliest
    isotonic      the non-decreasing step through (p, o) of least squares (pool adjacent violators)

A fit looks at the rows it is given and at nothing else. That these are not the rows on which the forecast is judged
(nor those on which the model learnt) is the caller's affair: a calibration fitted on its own test proves nothing.

References:
    [1] A. H. Murphy, R. L. Winkler, "Reliability of subjective probability forecasts of precipitation and
        temperature", Applied Statistics 26 (1977) 41-47.
    [2] C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017: eq. 3 (ECE),
        section 4.2 (temperature).
    [3] B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD
        2002: isotonic regression.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from contango_quant.broadcast import ANY, POSITIVE, Floats, floats
from contango_quant.stats.forecast_scores import chances, classes, probabilities, wilson
from contango_quant.stats.lines import count, line, number

COLDEST, HOTTEST = 0.05, 20.0  # bounds of a fitted temperature


class Bin(NamedTuple):
    """Forecasts whose probability lay together: mean probability, frequency with its Wilson interval, their number."""

    mean_prob: float
    frequency: float
    low: float
    high: float
    rows: int


class Knots(NamedTuple):
    """A non-decreasing map: straight lines between the knots (x, y), level before the first and after the last."""

    x: Floats
    y: Floats


def reliability(prob: ArrayLike, happened: ArrayLike, *, bins: int = 10, level: float = 0.95) -> list[Bin]:
    """The reliability curve of probabilities (n,) for what happened (n,): `bins` of equal width, empty ones left out.

    Raises ValueError.

    >>> [(round(b.mean_prob, 2), b.frequency, b.rows) for b in reliability([0.1, 0.15, 0.9], [0, 1, 1])]
    [(0.12, 0.5, 2), (0.9, 1.0, 1)]
    """
    p, o = chances(prob, happened)
    at = _bins(p, bins)
    found = []
    for b in np.unique(at).tolist():
        here = at == b
        came = wilson(int(o[here].sum()), int(here.sum()), level=level)
        found.append(Bin(float(p[here].mean()), came.share, came.low, came.high, came.rows))
    return found


def expected_calibration_error(prob: ArrayLike, happened: ArrayLike, *, bins: int = 10) -> float | None:
    """Mean distance of probability and frequency over `bins` of equal width, 0 to 1; None without rows.

    Never quite 0 in a sample: a perfect forecast still shows about √(p(1 − p)/n_b) a bin. Raises ValueError.

    >>> expected_calibration_error([0.75, 0.75, 0.75, 0.75], [1, 1, 1, 0])
    0.0
    """
    p, o = chances(prob, happened)
    if p.size == 0:
        return None
    at = _bins(p, bins)
    gaps = np.bincount(at, weights=o - p, minlength=bins)
    return float(np.abs(gaps).sum() / p.size)


def top_class(prob: ArrayLike, outcome: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """The probability (n,) of each row's likeliest class, and whether that class came, from (n, K) and (n,).

    With these the calibration error is that of [2], eq. 3. Raises ValueError.

    >>> top_class([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]], [1, 2])
    (array([0.5, 0.6]), array([ True, False]))
    """
    p = probabilities(prob)
    o = classes(outcome, p)
    return p.max(axis=1), p.argmax(axis=1) == o


def temperature_fit(logits: ArrayLike, outcome: ArrayLike) -> float:
    """The T in [0.05, 20] of least mean log loss of softmax(logits / T), for logits (n, K) and classes (n,).

    1 where nothing found is better than leaving the logits alone, or without rows. The loss is convex in 1/T, so the
    bounded search over ln T finds its least value. Raises ValueError.

    >>> round(temperature_fit([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]], [0, 0, 0, 1]), 3)  # 2/T = ln 3
    1.82
    """
    z = _logits(logits)
    o = classes(outcome, z)
    if o.size == 0:
        return 1.0

    def loss(log_t: float) -> float:
        return _mean_log_loss(z / math.exp(log_t), o)

    found = optimize.minimize_scalar(
        loss, bounds=(math.log(COLDEST), math.log(HOTTEST)), method="bounded", options={"xatol": 1e-8}
    )
    return math.exp(float(found.x)) if float(found.fun) < loss(0.0) else 1.0


def temperature_apply(logits: ArrayLike, temperature: float) -> Floats:
    """softmax(logits / temperature), (n, K), for temperature above 0. Raises ValueError.

    >>> temperature_apply([[2.0, 0.0]], 2.0 / math.log(3.0)).round(12).tolist()
    [[0.75, 0.25]]
    """
    return special.softmax(_logits(logits) / number("temperature", temperature, POSITIVE), axis=1)


def isotonic_fit(prob: ArrayLike, happened: ArrayLike) -> Knots | None:
    """Knots of the isotonic regression of what happened (n,) on the probability (n,); None without rows.

    Equal probabilities are pooled first. Two knots a level stretch, its ends, so that the map is as flat there as the
    fit is. Needs hundreds of rows: with few it learns the noise. Raises ValueError.

    >>> found = isotonic_fit([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    >>> found.x.tolist(), found.y.tolist()
    ([0.1, 0.2, 0.3, 0.4], [0.0, 0.5, 0.5, 1.0])
    """
    p, o = chances(prob, happened)
    if p.size == 0:
        return None
    x, place, rows = np.unique(p, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=o) / rows
    y = np.asarray(optimize.isotonic_regression(means, weights=rows.astype(np.float64)).x, dtype=np.float64)
    inner = np.zeros(x.size, dtype=np.bool_)
    inner[1:-1] = (y[1:-1] == y[:-2]) & (y[1:-1] == y[2:])
    return Knots(x[~inner], np.clip(y[~inner], 0.0, 1.0))


def isotonic_apply(knots: Knots, prob: ArrayLike) -> Floats:
    """Calibrated probabilities (n,) of `prob` (n,). Raises ValueError.

    >>> isotonic_apply(Knots(np.array([0.2, 0.6]), np.array([0.1, 0.5])), [0.0, 0.4, 0.9]).round(12).tolist()
    [0.1, 0.3, 0.5]
    """
    return np.interp(line("prob", prob), knots.x, knots.y)


def _bins(p: Floats, bins: int) -> NDArray[np.int64]:
    """The bin of each probability: [b/bins, (b + 1)/bins), the last with its upper end."""
    return np.minimum((p * count("bins", bins, 1)).astype(np.int64), bins - 1)


def _logits(logits: ArrayLike) -> Floats:
    z = floats("logits", logits, ANY)
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"logits must have shape (n, K) with at least 2 classes, got {z.shape}")
    return z


def _mean_log_loss(z: Floats, o: NDArray[np.int64]) -> float:
    return float((special.logsumexp(z, axis=1) - z[np.arange(o.size), o]).mean())

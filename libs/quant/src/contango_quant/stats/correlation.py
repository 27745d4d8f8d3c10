"""Correlations of several series, shrunk towards their common mean.

A correlation matrix of p series from n samples is mostly noise unless n is much larger than p. Ledoit's and
Wolf's estimate moves every correlation by the same share towards the average one:

    R* = δ F + (1 − δ) R,   F_ij = r̄ (i ≠ j),   δ = clip((π̂ − ρ̂)/(γ̂ n), 0, 1)

π̂: the sum of the estimation variances of the elements; ρ̂: that of their covariances with the target's;
γ̂ = Σ (F − R)². The series are first divided by their standard deviations, so that δ and R* do not depend on
units. Two series have nothing to share: δ is 1 and R* = R, for then F = R.

References:
    [1] O. Ledoit, M. Wolf, "Honey, I shrunk the sample covariance matrix", J. Portfolio Management 30 (2004)
        110-119, appendices A and B.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from contango_quant.broadcast import ANY, Floats, floats
from contango_quant.pricing.normal import inverse_cdf
from contango_quant.stats import rolling
from contango_quant.stats.ewma import quotient
from contango_quant.stats.lines import count, line, same_length, scaled, share


class Shrunk(NamedTuple):
    """correlation (p, p), shrunk; intensity: the share taken from the target, 0 to 1; mean_correlation r̄."""

    correlation: Floats
    intensity: float
    mean_correlation: float


def shrunk_correlation(returns: ArrayLike) -> Shrunk | None:
    """Correlation matrix of the columns of `returns` (n, p), p ≥ 2; None when n < 3 or a column does not move.

    Raises ValueError for values that are not finite or a wrong shape.

    >>> got = shrunk_correlation([[1.0, 2.0, 0.0], [2.0, 1.0, 1.0], [3.0, 3.0, 1.0], [4.0, 4.0, 0.5]])
    >>> round(got.intensity, 4), round(got.mean_correlation, 4)
    (0.9192, 0.3566)
    """
    rows = _table(returns)
    if rows.shape[0] < 3 or bool((rows == rows[0]).all(axis=0).any()):
        return None
    out = np.empty((rows.shape[1], rows.shape[1]))
    intensity, mean = _shrink(rows, out)
    return Shrunk(out, float(intensity), float(mean))


def rolling_shrunk_correlation(returns: ArrayLike, *, window: int) -> Floats:
    """Shrunk matrices (n, p, p) of the last `window` ≥ 3 rows; nan before, and where a column does not move.

    >>> rolling_shrunk_correlation(np.eye(4)[:, :2], window=4)[3].round(4)
    array([[ 1.    , -0.3333],
           [-0.3333,  1.    ]])
    """
    rows = _table(returns)
    count("window", window, 3)
    out = np.full((rows.shape[0], rows.shape[1], rows.shape[1]), math.nan)
    _rolling_loop(np.ascontiguousarray(rows), window, out)
    return out


def rolling_correlation(x: ArrayLike, y: ArrayLike, *, window: int) -> Floats:
    """Pearson's correlation (n,) of the last `window` ≥ 3 samples; nan before, and where one does not move.

    >>> rolling_correlation([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], window=3)
    array([nan, nan, 0.5])
    """
    xs, ys = line("x", x), line("y", y)
    same_length(x=xs, y=ys)
    found = rolling.moments(scaled(xs)[0], scaled(ys)[0], window=count("window", window, 3))
    return np.clip(quotient(found.xy, np.sqrt(found.xx) * np.sqrt(found.yy)), -1.0, 1.0)


def fisher_interval(correlation: float, *, samples: int, level: float = 0.9) -> tuple[float, float] | None:
    """Interval of a correlation of independent normal pairs, by Fisher's z; None for fewer than 4 samples.

    >>> [round(x, 4) for x in fisher_interval(0.5, samples=28)]
    [0.2168, 0.7056]
    """
    if not -1.0 <= correlation <= 1.0:
        raise ValueError(f"correlation must be from -1 to 1, got {correlation!r}")
    half = -float(inverse_cdf(0.5 * (1.0 - share("level", level))))
    if count("samples", samples, 0) < 4:
        return None
    if abs(correlation) == 1.0:
        return correlation, correlation
    z, se = math.atanh(correlation), 1.0 / math.sqrt(samples - 3.0)
    return math.tanh(z - half * se), math.tanh(z + half * se)


def _table(returns: ArrayLike) -> Floats:
    rows = floats("returns", returns, ANY)
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ValueError(f"returns must be a table (samples, series) of at least 2 series, got shape {rows.shape}")
    return np.column_stack([scaled(column)[0] for column in rows.T])


@njit(cache=True, error_model="numpy")
def _standardised(rows):  # type: ignore[no-untyped-def]
    """Columns with mean 0 and mean square 1; nan for a column that does not move."""
    n, p = rows.shape
    z = np.empty((n, p))
    for j in range(p):
        mean, squares, moved = 0.0, 0.0, False
        for i in range(n):
            mean += rows[i, j] / n
        for i in range(n):
            moved = moved or rows[i, j] != rows[0, j]
            squares += (rows[i, j] - mean) ** 2
        for i in range(n):
            z[i, j] = (rows[i, j] - mean) / math.sqrt(squares / n) if moved and squares > 0.0 else math.nan
    return z


@njit(cache=True, error_model="numpy")
def _shrink(rows, out):  # type: ignore[no-untyped-def]
    """Shrunk correlation of one window into `out`; the intensity and the mean correlation."""
    n, p = rows.shape
    z = _standardised(rows)
    mean = 0.0
    for j in range(p):
        for k in range(p):
            total = 0.0
            for i in range(n):
                total += z[i, j] * z[i, k]
            out[j, k] = min(max(total / n, -1.0), 1.0)
            if j != k:
                mean += out[j, k] / (p * (p - 1))
    noise, distance = 0.0, 0.0  # π̂ − ρ̂ (the diagonals cancel) and γ̂
    for j in range(p):
        for k in range(p):
            if j != k:
                noise += _element_noise(z, out, mean, j, k)
                distance += (out[j, k] - mean) ** 2
    intensity = min(max(noise / (distance * n), 0.0), 1.0) if distance > 0.0 else 1.0
    for j in range(p):
        for k in range(p):
            out[j, k] = 1.0 if j == k else intensity * mean + (1.0 - intensity) * out[j, k]
    return intensity, mean


@njit(cache=True, error_model="numpy")
def _element_noise(z, r, mean, j, k):  # type: ignore[no-untyped-def]
    """Variance of r_jk (times n), less its covariance with the target's element."""
    n, variance, with_target = z.shape[0], 0.0, 0.0
    for i in range(n):
        off = z[i, j] * z[i, k] - r[j, k]
        variance += off * off
        with_target += (z[i, j] ** 2 - 1.0 + z[i, k] ** 2 - 1.0) * off
    return variance / n - 0.5 * mean * with_target / n


@njit(cache=True, error_model="numpy")
def _rolling_loop(rows, window, out):  # type: ignore[no-untyped-def]
    for end in range(window, rows.shape[0] + 1):
        _shrink(rows[end - window : end], out[end - 1])
        if math.isnan(out[end - 1, 0, 0]) or math.isnan(out[end - 1].sum()):
            out[end - 1] = math.nan

"""Means, variances and covariance of two series over a rolling window, in constant time a sample.

A window is the tail of one block of `window` samples and the head of the next. Moments of tails are taken once
a block, those of the head grow, and the two are merged:

    S = S_a + S_b + (m_b − m_a)² n_a n_b/n,   m = m_a + (m_b − m_a) n_b/n

Nothing is ever subtracted that was once added: no error builds up, an extreme value leaves without a trace, and
a series that does not move has a variance of exactly 0.

References:
    [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", The American
        Statistician 37 (1983) 242-247.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats


class RollingMoments(NamedTuple):
    """Sums (n,) over each window of squares and products of deviations from its means; nan before the first."""

    xx: Floats
    yy: Floats
    xy: Floats


@njit(cache=True, error_model="numpy")
def _add(m, x, y, inverse):  # type: ignore[no-untyped-def]
    """Moments (mean x, mean y, xx, yy, xy) with one sample more; `inverse`: 1/(samples then)."""
    dx, dy = x - m[0], y - m[1]
    mean_x, mean_y, kept = m[0] + dx * inverse, m[1] + dy * inverse, 1.0 - inverse
    return mean_x, mean_y, m[2] + kept * dx * dx, m[3] + kept * dy * dy, m[4] + kept * dx * dy


@njit(cache=True, error_model="numpy")
def _moments_loop(x, y, window, out):  # type: ignore[no-untyped-def]
    inverse = np.empty(window + 1)
    for n in range(1, window + 1):
        inverse[n] = 1.0 / n
    tails = np.zeros((window + 1, 5))  # row p: the block before, from its position p on
    empty = (0.0, 0.0, 0.0, 0.0, 0.0)
    for start in range(0, x.shape[0], window):
        head = empty
        stop = min(start + window, x.shape[0])
        for i in range(start, stop):
            p = i - start + 1  # samples of this block in the window
            head = _add(head, x[i], y[i], inverse[p])
            if start > 0 or p == window:
                dx, dy = tails[p, 0] - head[0], tails[p, 1] - head[1]
                both = p * (window - p) * inverse[window]
                out[0, i] = head[2] + tails[p, 2] + both * dx * dx
                out[1, i] = head[3] + tails[p, 3] + both * dy * dy
                out[2, i] = head[4] + tails[p, 4] + both * dx * dy
        if stop - start == window:
            tail = empty
            for p in range(window - 1, 0, -1):
                tail = _add(tail, x[start + p], y[start + p], inverse[window - p])
                for k in range(5):
                    tails[p, k] = tail[k]


def moments(x: Floats, y: Floats, *, window: int) -> RollingMoments:
    """Moments of two checked columns (n,) over the last `window` ≥ 1 samples.

    >>> line = np.array([1.0, 2.0, 4.0, 4.0])
    >>> moments(line, line, window=2).xx
    array([nan, 0.5, 2. , 0. ])
    """
    out = np.full((3, x.size), math.nan)
    _moments_loop(np.ascontiguousarray(x), np.ascontiguousarray(y), window, out)
    return RollingMoments(out[0], out[1], out[2])

"""Evaluating a fitted Gaussian mixture: which component made a row, judged from what is known so far.

    L_k(x) = N(z; μ_k, Λ_k⁻¹),  z = (x − centre)/scale      p_t(k) ∝ L_k(x_t) · Σ_j p_{t−1}(j) A_jk,   p_0 = weights

The second is the forward filter of a hidden Markov chain: causal, it looks at no later row. With every row of A equal
to the weights it is the mixture's plain posterior.

References:
    [1] C. M. Bishop, "Pattern Recognition and Machine Learning", 2006, sections 9.2 and 13.2.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import Floats


class Mixture(NamedTuple):
    """centre, scale (F,); weights (K,); means (K, F) and precisions (K, F, F) of scaled rows; log_dets (K,) of the
    precisions; transition (K, K), rows adding to 1."""

    centre: Floats
    scale: Floats
    weights: Floats
    means: Floats
    precisions: Floats
    log_dets: Floats
    transition: Floats


def mixture(
    *,
    centre: ArrayLike,
    scale: ArrayLike,
    weights: ArrayLike,
    means: ArrayLike,
    precisions: ArrayLike,
    log_dets: ArrayLike,
    transition: ArrayLike,
) -> Mixture:
    """The checked arrays. ValueError when shapes or sums do not fit."""
    parts = (centre, scale, weights, means, precisions, log_dets, transition)
    m = Mixture(*(np.asarray(part, dtype=np.float64) for part in parts))
    k, f = m.means.shape if m.means.ndim == 2 else (0, 0)
    shapes = [part.shape for part in m]
    wanted: list[tuple[int, ...]] = [(f,), (f,), (k,), (k, f), (k, f, f), (k,), (k, k)]
    if not k or shapes != wanted:
        raise ValueError(f"a mixture needs shapes {wanted}, got {shapes}")
    if not (np.allclose(m.weights.sum(), 1.0) and np.allclose(m.transition.sum(axis=1), 1.0) and (m.scale > 0).all()):
        raise ValueError("weights and rows of the transition must add to 1, scales be above 0")
    return m


def log_likelihoods(m: Mixture, x: ArrayLike) -> Floats:
    """Log density of the row ``x`` (F,) under each component (K,), of the scaled row."""
    z = (np.asarray(x, dtype=np.float64) - m.centre) / m.scale
    off = z - m.means
    squares = np.einsum("kf,kfg,kg->k", off, m.precisions, off)
    return np.asarray(0.5 * (m.log_dets - squares - len(z) * math.log(2.0 * math.pi)))


def filtered(m: Mixture, x: ArrayLike, before: ArrayLike | None = None) -> Floats:
    """Posterior (K,) after the row ``x``, given the posterior ``before`` it (None: the first row).

    >>> one = mixture(centre=[0], scale=[1], weights=[0.5, 0.5], means=[[-1], [1]], precisions=[[[1]], [[1]]],
    ...               log_dets=[0, 0], transition=[[0.5, 0.5], [0.5, 0.5]])
    >>> filtered(one, [0.0]).tolist()
    [0.5, 0.5]
    """
    prior = m.weights if before is None else np.asarray(before, dtype=np.float64) @ m.transition
    with np.errstate(divide="ignore"):
        logs = np.log(prior) + log_likelihoods(m, x)
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def by_label(posterior: Sequence[float], labels: Sequence[str]) -> dict[str, float]:
    """Probability of each name; components that share one are added.

    >>> by_label([0.2, 0.5, 0.3], ["calm", "wild", "calm"])
    {'calm': 0.5, 'wild': 0.5}
    """
    found: dict[str, float] = {}
    for p, label in zip(posterior, labels, strict=True):
        found[label] = found.get(label, 0.0) + float(p)
    return found


def match(previous: ArrayLike, means: ArrayLike) -> list[int]:
    """For each row of ``previous`` (J, F) the row of ``means`` (K, F) that it continues as, −1 for none.

    The assignment with the least sum of squared distances.

    >>> match([[0.0], [5.0]], [[5.1], [0.2]])
    [1, 0]
    """
    from scipy.optimize import linear_sum_assignment  # for fitters alone: it takes 30 MB

    old, new = np.asarray(previous, dtype=np.float64), np.asarray(means, dtype=np.float64)
    cost = ((old[:, None, :] - new[None, :, :]) ** 2).sum(axis=2)
    rows, columns = linear_sum_assignment(cost)
    found = [-1] * len(old)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        found[row] = column
    return found

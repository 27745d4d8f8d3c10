"""Log-linear pools of the network with what it stands beside, and the weight with the smallest loss. Pure.

    quantiles        ln q = w · ln q_network + (1 − w) · ln q_baseline
    probabilities    p ∝ p_network^w · p_baseline^(1 − w)

References:
    [1] C. Genest, J. V. Zidek, "Combining probability distributions", Statistical Science 1 (1986) 114-135.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
WEIGHTS = tuple(round(0.05 * i, 2) for i in range(21))


def pooled_ratios(network: Floats, baseline: Floats, weight: float) -> Floats:
    """Quantiles (r, H, Q) of log ratios: already logarithms, so the pool is their mean.

    >>> pooled_ratios(np.array([2.0]), np.array([1.0]), 0.25).tolist()
    [1.25]
    """
    return np.asarray(weight * network + (1.0 - weight) * baseline)


def pooled_prob(network: Floats, baseline: Floats, weight: float) -> Floats:
    """Probabilities (r, 3); without any weight the baseline's own, to the last bit.

    >>> pooled_prob(np.array([[0.8, 0.1, 0.1]]), np.array([[0.2, 0.4, 0.4]]), 0.0).round(12).tolist()
    [[0.2, 0.4, 0.4]]
    """
    if weight == 0.0:
        return baseline  # rounding would look like a gain
    mixed = np.exp(weight * np.log(np.maximum(network, 1e-12)) + (1.0 - weight) * np.log(np.maximum(baseline, 1e-12)))
    return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))


def losses_by_weight(losses_at: Callable[[float], Floats]) -> Floats:
    """Losses (W, r) of the pool at every weight of ``WEIGHTS``."""
    return np.stack([losses_at(weight) for weight in WEIGHTS])


def best_weight(by_weight: Floats) -> float:
    """The weight with the smallest mean loss; the smaller one where two are equal."""
    return WEIGHTS[int(np.argmin(by_weight.mean(axis=1)))]


def prequential(by_weight: Floats, fold: Ints) -> Floats:
    """Losses (r,) of a pool that gives each fold the weight that was best on the folds before it; 0 on the first."""
    found = np.empty(by_weight.shape[1])
    for number in np.unique(fold):
        here, before = fold == number, fold < number
        at = int(np.argmin(by_weight[:, before].mean(axis=1))) if before.any() else 0
        found[here] = by_weight[at, here]
    return found

"""Many tests at once: false discovery rate by Benjamini and Hochberg, and by Benjamini and Yekutieli.

With p-values in order p_(1) ≤ … ≤ p_(m), adjusted ones are

    q_(i) = min over j ≥ i of m c p_(j)/j, at most 1;   c = 1 (BH) or Σ 1/k over k ≤ m (BY)

and the hypotheses with q ≤ rate are rejected: of these, a share of at most `rate` is wrong in the long run.
BH holds for independent (or positively dependent) tests, BY for any dependence.

References:
    [1] Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", J. Royal Statistical Society B 57
        (1995) 289-300.
    [2] Y. Benjamini, D. Yekutieli, "The control of the false discovery rate in multiple testing under
        dependency", Annals of Statistics 29 (2001) 1165-1188.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats
from contango_quant.stats.lines import line, share


class Discoveries(NamedTuple):
    """rejected (m,): whether the hypothesis is rejected; adjusted (m,): its q, in the order of the p-values."""

    rejected: NDArray[np.bool_]
    adjusted: Floats


def benjamini_hochberg(p_values: ArrayLike, *, rate: float = 0.1) -> Discoveries:
    """BH for p-values (m,) in [0, 1], at a false discovery `rate` in (0, 1). Raises ValueError.

    >>> benjamini_hochberg([0.001, 0.8, 0.04], rate=0.05).adjusted
    array([0.003, 0.8  , 0.06 ])
    """
    return _step_up(_checked(p_values), share("rate", rate), 1.0)


def benjamini_yekutieli(p_values: ArrayLike, *, rate: float = 0.1) -> Discoveries:
    """BY for p-values (m,) in [0, 1] of tests with any dependence. Raises ValueError.

    >>> benjamini_yekutieli([0.001, 0.8, 0.04], rate=0.05).adjusted
    array([0.0055, 1.    , 0.11  ])
    """
    p = _checked(p_values)
    return _step_up(p, share("rate", rate), float(np.sum(1.0 / np.arange(1.0, p.size + 1.0))))


def _step_up(p: Floats, rate: float, factor: float) -> Discoveries:
    order = np.argsort(p)
    raw = p[order] * factor * p.size / np.arange(1.0, p.size + 1.0)
    ordered = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    adjusted = np.empty_like(p)
    adjusted[order] = ordered
    return Discoveries(adjusted <= rate, adjusted)


def _checked(p_values: ArrayLike) -> Floats:
    p = line("p_values", p_values)
    outside = (p < 0.0) | (p > 1.0)
    if outside.any():
        i = int(np.argmax(outside))
        raise ValueError(f"p_values must be from 0 to 1, got {float(p[i])!r} at position {i}")
    return p

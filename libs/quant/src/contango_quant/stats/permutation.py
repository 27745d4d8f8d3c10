"""Does a rule change a figure of the trades it touches? A permutation test within strata.

Rank tests (Mann-Whitney) compare who wins more often; a rule that avoids rare large losses among many small
gains is invisible to them. Here any figure is compared, the mean or the CVaR, say:

    effect = Σ_s w_s (figure(touched trades of s) − figure(the others of s)),   w_s: trades of stratum s

over the strata (market regimes) that have both kinds. If the rule does nothing, who was touched is
exchangeable within a stratum: the p-value is the share of shuffles with as large an effect, the data
themselves among them, p = (1 + #)/(1 + shuffles), exact for any figure [1]. Trades that overlap are not quite
exchangeable: give one value a cluster then (sums per day).

References:
    [1] B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", Statistical Applications in
        Genetics and Molecular Biology 9 (2010) art. 39.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import Floats, booleans
from contango_quant.stats.lines import count, line

Figure = Callable[[Floats], float | None]
Index = NDArray[np.int64]


class Comparison(NamedTuple):
    """effect: touched less the others; p_two_sided, p_greater (effect above 0), p_less; trades: in the strata
    that count; shuffles on which the figure was defined.
    """

    effect: float
    p_two_sided: float
    p_greater: float
    p_less: float
    trades: int
    shuffles: int


def compare(
    figure: Figure,
    values: ArrayLike,
    touched: ArrayLike,
    *,
    strata: ArrayLike,
    rng: np.random.Generator,
    shuffles: int = 999,
) -> Comparison | None:
    """Effect of being touched on a figure of values (n,), and its p-values by shuffling within strata.

    touched (n,): boolean; strata (n,): any labels. None when no stratum has both kinds, or the figure is not
    defined there. Raises ValueError.

    >>> from contango_quant.stats.performance import expectancy
    >>> got = compare(expectancy, [5.0, 6.0, 7.0, 1.0, 2.0, 3.0] * 3, [True, True, True, False, False, False] * 3,
    ...               strata=[0] * 18, rng=np.random.default_rng(0))
    >>> got.effect, got.p_greater
    (4.0, 0.001)
    """
    column, flags, labels = line("values", values), booleans("touched", touched), np.asarray(strata)
    if not column.shape == flags.shape == labels.shape:
        shapes = f"{column.shape}, {flags.shape}, {labels.shape}"
        raise ValueError(f"values, touched and strata must be equally long, got shapes {shapes}")
    count("shuffles", shuffles, 1)
    groups = [at for at in _groups(labels) if flags[at].any() and not flags[at].all()]
    effect = _effect(figure, column, flags, groups) if groups else None
    if effect is None:
        return None
    found = [_effect(figure, column, _shuffled(flags, groups, rng), groups) for _ in range(shuffles)]
    drawn = np.array([x for x in found if x is not None])
    # Equal effects may differ in their last digits, for sums run in another order.
    slack = 1e-12 * max(abs(effect), float(np.abs(drawn).max()) if drawn.size else 0.0)
    trades = sum(at.size for at in groups)
    return Comparison(
        effect,
        _p(np.abs(drawn) >= abs(effect) - slack),
        _p(drawn >= effect - slack),
        _p(drawn <= effect + slack),
        trades,
        drawn.size,
    )


def _p(as_large: NDArray[np.bool_]) -> float:
    return (1.0 + float(as_large.sum())) / (1.0 + as_large.size)


def _groups(labels: NDArray[np.generic]) -> list[Index]:
    _, codes = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1 if codes.size else 0)]


def _shuffled(flags: NDArray[np.bool_], groups: list[Index], rng: np.random.Generator) -> NDArray[np.bool_]:
    out = flags.copy()
    for at in groups:
        out[at] = rng.permutation(flags[at])
    return out


def _effect(figure: Figure, values: Floats, flags: NDArray[np.bool_], groups: list[Index]) -> float | None:
    total, weight = 0.0, 0
    for at in groups:
        one, other = figure(values[at[flags[at]]]), figure(values[at[~flags[at]]])
        if one is None or other is None:
            return None
        total += at.size * (one - other)
        weight += at.size
    return total / weight

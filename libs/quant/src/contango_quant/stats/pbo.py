"""Probability of backtest overfitting, by combinatorially symmetric cross-validation.

The n periods are cut into S equal blocks. For every choice of S/2 blocks as past and the rest as future: the
configuration with the best Sharpe ratio of the past has rank r (1 worst … N best) in the future, and

    w = r/(N + 1),   λ = ln(w/(1 − w)),   PBO = share of choices with λ ≤ 0

A half means that choosing by the past is no better than drawing a lot. A configuration whose returns do not
move in a half has no ratio there: it is never chosen, and ranks last if it was.

Sums over a choice are sums of block sums, so that all choices are one product of matrices.

References:
    [1] D. H. Bailey, J. Borwein, M. López de Prado, Q. J. Zhu, "The probability of backtest overfitting",
        J. Computational Finance 20 (2017) 39-69 (first version 2015).
"""

import math
from itertools import combinations
from math import inf
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contango_quant.broadcast import ANY, Floats, floats
from contango_quant.stats.lines import count

CHUNK_CHOICES = 1024  # bounds memory: this times the number of configurations


class Overfitting(NamedTuple):
    """pbo; choices that counted, and those without any ratio (left out); logits λ (choices,); chosen_past and
    chosen_future (choices,): Sharpe ratios per period of the chosen one (−inf: no ratio); loss_share: choices
    whose chosen one had a ratio below 0 in the future.
    """

    pbo: float
    choices: int
    undefined: int
    logits: Floats
    chosen_past: Floats
    chosen_future: Floats
    loss_share: float


def probability_of_overfitting(returns: ArrayLike, *, blocks: int = 16) -> Overfitting | None:
    """PBO of a table of returns (n, N): one row a period, one column a tried configuration.

    blocks: even, 2 to 20; the oldest n mod blocks rows are left out. None with fewer than 2 columns, fewer than
    2 rows a block, or no configuration that moves. Raises ValueError.

    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(240, 20))
    >>> skilled = noise + np.linspace(0.0, 1.0, 20)
    >>> probability_of_overfitting(skilled, blocks=8).pbo < 0.01 < probability_of_overfitting(noise, blocks=8).pbo
    True
    """
    table = floats("returns", returns, ANY)
    if table.ndim != 2:
        raise ValueError(f"returns must be a table (periods, configurations), got shape {table.shape}")
    if count("blocks", blocks, 2) > 20 or blocks % 2:
        raise ValueError(f"blocks must be even and at most 20, got {blocks!r}")
    size = table.shape[0] // blocks
    if table.shape[1] < 2 or size < 2:
        return None
    cut = table[table.shape[0] - size * blocks :].reshape(blocks, size, table.shape[1])
    past = _choices(blocks)
    parts = [_judge(cut, past[i : i + CHUNK_CHOICES]) for i in range(0, len(past), CHUNK_CHOICES)]
    logits, before, after = (np.concatenate(column) for column in zip(*parts, strict=True))
    if logits.size == 0:
        return None
    return Overfitting(
        float(np.mean(logits <= 0.0)),
        int(logits.size),
        len(past) - int(logits.size),
        logits,
        before,
        after,
        float(np.mean(after < 0.0)),
    )


def _choices(blocks: int) -> NDArray[np.float64]:
    """Rows of 0 and 1 (choices, blocks): every half of the blocks."""
    picked = np.array(list(combinations(range(blocks), blocks // 2)))
    rows = np.zeros((len(picked), blocks))
    np.put_along_axis(rows, picked, 1.0, axis=1)
    return rows


def _judge(cut: Floats, past: Floats) -> tuple[Floats, Floats, Floats]:
    """λ, past and future ratio of the chosen configuration, for the choices with any ratio in the past."""
    n = cut.shape[0] * cut.shape[1] // 2
    centre = cut.mean(axis=(0, 1))  # taken out before squaring, lest a large mean drown the spread
    off = cut - centre
    totals, squares = off.sum(axis=1), (off**2).sum(axis=1)
    out = np.empty((3, len(past)))
    _judge_loop(past @ totals, past @ squares, (1.0 - past) @ totals, (1.0 - past) @ squares, centre, n, out)
    defined = out[1] > -inf
    return out[0][defined], out[1][defined], out[2][defined]


@njit(cache=True, error_model="numpy")
def _ratio(total, squares, centre, n):  # type: ignore[no-untyped-def]
    """Sharpe ratio per period from sums of deviations from `centre`; −inf where the returns do not move."""
    mean = total / n
    spread = squares - n * mean * mean
    # What rounding alone can leave of a column that does not move.
    if spread <= 1e-13 * squares + 1e-26 * n * centre * centre:
        return -math.inf
    return (mean + centre) / math.sqrt(spread / (n - 1))


@njit(cache=True, error_model="numpy")
def _judge_loop(past_total, past_squares, total, squares, centre, n, out):  # type: ignore[no-untyped-def]
    columns = centre.shape[0]
    after = np.empty(columns)
    for i in range(out.shape[1]):
        chosen, best = 0, -math.inf
        for j in range(columns):
            ratio = _ratio(past_total[i, j], past_squares[i, j], centre[j], n)
            if ratio > best:
                chosen, best = j, ratio
            after[j] = _ratio(total[i, j], squares[i, j], centre[j], n)
        below, equal = 0, 0
        for j in range(columns):
            below += after[j] < after[chosen]
            equal += after[j] == after[chosen]
        # Equal ratios share the mean of their ranks.
        w = (below + 0.5 * (equal + 1.0)) / (columns + 1.0)
        out[0, i], out[1, i], out[2, i] = math.log(w / (1.0 - w)), best, after[chosen]

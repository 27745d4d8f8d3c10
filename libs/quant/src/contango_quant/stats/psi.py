"""Population stability index: how far a column has moved from the one it was learnt on.

    PSI = Σ_b (a_b − e_b) ln(a_b / e_b)        a: shares of bins now, e: shares in the reference

The bins are frozen from the reference (deciles, as a rule) and open at both ends. Each bin is given half a row more, in
both columns alike as if the reference had as many rows as there are now: an empty bin costs much and not everything,
and equal shares cost exactly 0. By custom 0.1 is a shift worth a look and 0.25 a large one [1]. With independent rows
from the reference's own law n·PSI is about chi-squared with B − 1 degrees [2] (`limit`); successive values of a
market feature are not independent, so that a slow one passes any limit from time to time without anything being wrong.

References:
    [1] N. Siddiqi, "Credit Risk Scorecards", Wiley, 2006: the customary limits.
    [2] B. Yurdakul, J. Naranjo, "Statistical properties of the population stability index", Journal of Risk Model
        Validation 14 (2020): PSI (1/n + 1/m)⁻¹ tends to chi-squared with B − 1 degrees.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from contango_quant.broadcast import NON_NEGATIVE, Floats
from contango_quant.stats.lines import count, line, same_length, share

MIN_ROWS = 100
SPARE_ROWS = 0.5


class Reference(NamedTuple):
    """Frozen bins: inner edges (B − 1,), ascending, and the shares (B,) of the rows that they were made from."""

    edges: Floats
    shares: Floats


def reference(values: ArrayLike, *, bins: int = 10) -> Reference | None:
    """`bins` bins of about equal numbers of reference values (m,); fewer where values repeat. Raises ValueError.

    None for fewer values than bins, or when all are the same.

    >>> reference(np.arange(100.0), bins=4)
    Reference(edges=array([25., 50., 75.]), shares=array([0.25, 0.25, 0.25, 0.25]))
    """
    x = line("values", values)
    if x.size < count("bins", bins, 2) or bool((x == x[0]).all()):
        return None
    # Edges are values that occurred, each the least of its bin: none is empty, whatever repeats.
    inner = np.unique(np.quantile(x, np.arange(1, bins) / bins, method="higher"))
    edges = inner[inner > x.min()]  # an edge at the least value would have nothing below it
    if edges.size == 0:
        return None
    return Reference(edges, _counts(x, edges) / x.size)


def equal_shares(edges: ArrayLike) -> Reference:
    """A reference of which only the inner edges (B − 1,) are known: quantiles, each bin with the same share.

    >>> equal_shares([0.0]).shares.tolist()
    [0.5, 0.5]
    """
    at = _edges(edges)
    return Reference(at, np.full(at.size + 1, 1.0 / (at.size + 1)))


def psi(values: ArrayLike, frozen: Reference, *, min_rows: int = MIN_ROWS) -> float | None:
    """PSI of values (n,) against the frozen bins, at least 0; None with fewer than `min_rows`. Raises ValueError.

    >>> then = reference(np.arange(100.0), bins=4)
    >>> psi(np.arange(100.0), then), round(psi(np.arange(100.0) + 50.0, then), 2)
    (0.0, 2.46)
    """
    x = line("values", values)
    if x.size < count("min_rows", min_rows, 1):
        return None
    return psi_of_counts(_counts(x, _edges(frozen.edges)), frozen.shares)


def psi_of_counts(counts: ArrayLike, shares: ArrayLike) -> float:
    """PSI of rows per bin (B,) against reference shares (B,) that sum to 1. Raises ValueError.

    >>> round(psi_of_counts([30.0, 10.0], [0.5, 0.5]), 4)
    0.2601
    """
    n, e = line("counts", counts, NON_NEGATIVE), line("shares", shares, NON_NEGATIVE)
    same_length(counts=n, shares=e)
    rows = float(n.sum())
    if not (rows > 0.0 and abs(float(e.sum()) - 1.0) < 1e-9):
        raise ValueError(f"counts must have rows and shares must sum to 1, got {rows!r} and {float(e.sum())!r}")
    whole = rows + SPARE_ROWS * n.size
    now, then = (n + SPARE_ROWS) / whole, (e * rows + SPARE_ROWS) / whole
    return float(((now - then) * np.log(now / then)).sum())


def limit(bins: int, rows: int, reference_rows: int, *, level: float = 0.99) -> float:
    """What PSI stays below with probability `level` when nothing moved and rows are independent. Raises ValueError.

    >>> round(limit(10, 250, 5000), 3)
    0.091
    """
    degrees = count("bins", bins, 2) - 1.0
    spread = 1.0 / count("rows", rows, 1) + 1.0 / count("reference_rows", reference_rows, 1)
    return spread * float(special.chdtri(degrees, 1.0 - share("level", level)))


def _counts(x: Floats, edges: Floats) -> Floats:
    return np.bincount(np.searchsorted(edges, x, side="right"), minlength=edges.size + 1).astype(np.float64)


def _edges(edges: ArrayLike) -> Floats:
    at = line("edges", edges)
    if at.size == 0 or not bool((np.diff(at) > 0.0).all()):
        raise ValueError(f"edges must be at least one and ascending, got {at.tolist()}")
    return at

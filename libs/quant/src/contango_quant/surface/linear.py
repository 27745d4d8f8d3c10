"""The small normal equations of a least squares fit: one more row, and a damped solution by Cholesky."""

import math

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats

TINY = 1e-14  # of the trace: keeps a parameter without influence where it is


@njit(cache=True, error_model="numpy")
def add_row(row: Floats, miss: float, weight: float, normal: Floats, slope: Floats) -> None:
    """Add the residual `miss` with derivatives `row` to JᵀJ (lower triangle) and Jᵀr."""
    for i in range(row.shape[0]):
        pull = weight * row[i]
        if pull == 0.0:
            continue
        slope[i] += pull * miss
        for j in range(i + 1):
            normal[i, j] += pull * row[j]


@njit(cache=True, error_model="numpy")
def solve_damped(normal: Floats, slope: Floats, damp: float, step: Floats) -> bool:
    """step = −(JᵀJ + damp·diag(JᵀJ))⁻¹ Jᵀr; False when that is not positive definite.

    >>> step = np.empty(1)
    >>> solve_damped(np.array([[2.0]]), np.array([4.0]), 0.0, step), step
    (True, array([-2.]))
    """
    size = slope.shape[0]
    least = TINY * np.trace(normal)
    low = np.empty((size, size))
    for i in range(size):
        for j in range(i + 1):
            total = normal[i, j]
            if i == j:
                total += damp * normal[i, i] + least
            for n in range(j):
                total -= low[i, n] * low[j, n]
            if i != j:
                low[i, j] = total / low[j, j]
            elif total > 0.0:
                low[i, i] = math.sqrt(total)
            else:
                return False
    for i in range(size):
        total = -slope[i]
        for n in range(i):
            total -= low[i, n] * step[n]
        step[i] = total / low[i, i]
    for i in range(size - 1, -1, -1):
        total = step[i]
        for n in range(i + 1, size):
            total -= low[n, i] * step[n]
        step[i] = total / low[i, i]
    return True

"""How many arbitrages a surface has on a fine grid: strikes 0.5 to 1.5 of the forward in steps of 0.1 %.

A butterfly violation is a point with Durrleman's g below 0, at a fitted expiry or midway between two; a calendar
violation a point where total variance at equal k = ln(K/F) falls from one expiry to the next.
"""

import math
from typing import NamedTuple

from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.surface.curve import butterfly, variance_at
from contango_quant.surface.expiries import GRID_LOW, GRID_POINTS, GRID_STEP, butterfly_between
from contango_quant.surface.surface import Surface


class Violations(NamedTuple):
    """Counts of grid points: butterflies at the expiries and midway between them, calendars; points looked at."""

    butterflies: int
    butterflies_between: int
    calendars: int
    points: int


@njit(cache=True, error_model="numpy")
def _count(rows: Floats) -> tuple[int, int, int, int]:
    at = between = calendars = points = 0
    for e in range(rows.shape[0]):
        for i in range(GRID_POINTS):
            k = math.log(GRID_LOW + GRID_STEP * i)
            points += 1
            at += not butterfly(k, rows[e]) >= 0.0
            if e + 1 == rows.shape[0]:
                continue
            points += 1
            calendars += variance_at(k, rows[e + 1]) < variance_at(k, rows[e])
            between += not butterfly_between(k, rows[e], rows[e + 1]) >= 0.0
    return at, between, calendars, points


def violations(surface: Surface) -> Violations:
    """Counts of the surface's arbitrages on the grid.

    >>> import numpy as np
    >>> violations(Surface(np.empty((0, 26)), ()))
    Violations(butterflies=0, butterflies_between=0, calendars=0, points=0)
    """
    return Violations(*(int(x) for x in _count(surface.rows)))

"""The real part of the sample: daily S&P 500 bars and VIX closes, as plain columns. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Cents = npt.NDArray[np.int32]
"""Quotes (strikes, call|put, bid|ask) in hundredths of an index point; sizes have the same shape."""

FIRST_DATE = 20140103
"""First session with a VIX close: the first that can be modelled."""
LAST_DATE = 20181231


@dataclass(frozen=True, slots=True)
class Market:
    """Columns of equal length, one row per session, ascending.

    ``date`` yyyymmdd; instants in UTC nanoseconds; prices in index points; ``vix`` in volatility points, nan in the
    rows before ``start``, the row of the first session with a VIX close.
    """

    date: Integers
    open_ns: Integers
    close_ns: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    vix: Floats
    start: int

    def rows(self, first: int, last: int) -> range:
        """Rows of the sessions between two dates (yyyymmdd), both included."""
        low = int(np.searchsorted(self.date, first))
        return range(low, int(np.searchsorted(self.date, last, side="right")))

    def day_return(self, row: int) -> float:
        """Log return from the close before to the close of ``row``."""
        return float(np.log(self.close[row] / self.close[row - 1]))

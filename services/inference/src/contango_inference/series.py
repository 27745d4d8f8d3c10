"""The daily variance of one symbol as it becomes known, one number a closed session. Pure.

A session's variance is a range estimator of its bar plus the squared log return from the previous close to the open:

    v = range(O, H, L, C) + ln(O / C₋₁)²

An index often prints the previous close as its "open" (more than nine days in ten for the S&P 500 before 2006), and
the opening minutes are then inside the range: the second term is 0 and nothing is counted twice. Parkinson's
estimator, which does not look at the open at all, is the default for that reason. On the S&P 500 2005-2018 it forecasts
as well as Garman-Klass and better than Rogers-Satchell and squared returns (QLIKE at 21 sessions: -8.310, -8.302,
-8.283, -8.280; a constant -7.863).

Ranges see less than the variance of close-to-close returns (on that index two thirds to four fifths): the sums of both
over the days of a fit give the factor that puts forecasts on the scale of returns.
"""

import hashlib
import math
import struct
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from contango_common.domain.arrays import Array
from contango_quant.stream.range_vol import garman_klass, parkinson, rogers_satchell

Floats = npt.NDArray[np.float64]
Bar = tuple[float, float, float, float]
"""Open, high, low, close."""

_ROW = struct.Struct("<q4d")
_FIRST_CAPACITY = 256


def _no_bars() -> Array:
    return np.zeros((_FIRST_CAPACITY, 4))


def _no_variances() -> Array:
    return np.zeros(_FIRST_CAPACITY)


@dataclass(slots=True)
class Series:
    """Columns with room to grow; the first ``rows`` entries count.

    ``bars`` (n, 4) are open, high, low, close; ``variance`` (n,) belongs to them, except that the first bar has none
    (its overnight return is not known). ``input_hash`` chains SHA-256 over every bar taken in, so that equal data have
    equal hashes. ``refused`` says why the newest bar was not taken in.
    """

    rows: int = 0
    bars: Array = field(default_factory=_no_bars)
    variance: Array = field(default_factory=_no_variances)
    last_ts_ns: int = 0
    input_hash: str = ""
    refused: str | None = None

    def variances(self) -> Floats:
        """Variance of every session but the first, shape (rows - 1,)."""
        return self.variance[1 : self.rows]

    def squared_returns(self) -> Floats:
        """Squared log returns close to close of the same sessions, shape (rows - 1,)."""
        return np.diff(np.log(self.bars[: self.rows, 3])) ** 2


def take(series: Series, ts_ns: int, bar: Bar, estimator: str, floor: float) -> None:
    """Add the closed session ``bar``; ``floor`` is the smallest daily volatility it may show.

    A bar that is not later than the last one is known already and ignored. One that is no bar leaves its reason in
    ``refused`` and nothing else; it is never repaired (the next overnight return then spans the hole).
    """
    if ts_ns <= series.last_ts_ns:
        return
    series.last_ts_ns = ts_ns
    series.refused = wrong(bar)
    if series.refused is not None:
        return
    chain = series.input_hash.encode() + _ROW.pack(ts_ns, *bar)
    series.input_hash = hashlib.sha256(chain).hexdigest()
    if series.rows == len(series.bars):
        series.bars = np.concatenate([series.bars, np.zeros_like(series.bars)])
        series.variance = np.concatenate([series.variance, np.zeros_like(series.variance)])
    series.bars[series.rows] = bar
    series.rows += 1
    _fill(series, series.rows - 1, estimator, floor)


def rebuild(series: Series, estimator: str, floor: float) -> None:
    """Every session's variance anew, by another estimator."""
    for row in range(series.rows):
        _fill(series, row, estimator, floor)


def wrong(bar: Bar) -> str | None:
    """Why four numbers are no bar; None when they are one."""
    open_, high, low, close = bar
    if 0.0 < low <= min(open_, close) and max(open_, close) <= high < math.inf:
        return None
    return f"daily bar open {open_} high {high} low {low} close {close} is not 0 < low <= open, close <= high"


def session_variance(bar: Bar, estimator: str) -> float:
    """Variance of one session, without the overnight return, by the estimator called ``estimator``."""
    open_, high, low, close = bar
    if estimator == "parkinson":
        return float(parkinson(high, low))
    function = garman_klass if estimator == "garman_klass" else rogers_satchell
    return float(function(open_, high, low, close))


def _fill(series: Series, row: int, estimator: str, floor: float) -> None:
    if row == 0:
        return
    open_, high, low, close = (float(price) for price in series.bars[row])
    overnight = math.log(open_ / float(series.bars[row - 1, 3]))
    day = session_variance((open_, high, low, close), estimator) + overnight * overnight
    series.variance[row] = max(day, floor * floor)

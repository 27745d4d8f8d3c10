"""Realised volatility over rolling windows of bars: five estimators, annualised by the caller's bar count.

                       per window of n bars                       drift   gaps    variance of the estimate
    close to close     variance of ln(C/C₋), n − 1                any     seen    1
    Parkinson          mean of ln(H/L)²/(4 ln 2)                  none    unseen  1/4.9
    Garman-Klass       mean of ½ ln(H/L)² − (2 ln 2 − 1) ln(C/O)² none    unseen  1/7.4
    Rogers-Satchell    mean of ln(H/C)ln(H/O) + ln(L/C)ln(L/O)    any     unseen  about 1/6
    Yang-Zhang         V_night + k V_open-close + (1 − k) V_RS    any     seen    up to 1/14

with V_night the variance (n − 1) of ln(O/C₋), V_open-close that of ln(C/O), and the weight that makes the
variance least, k = 0.34/(1.34 + (n + 1)/(n − 1)). The three range estimators measure the session from open to
close only; a stock's night is not in them. Highs and lows of a price seen at few instants are too near
together: with 20 looks a bar Parkinson's variance is about a quarter too low.

The caller gives the bars per year (see `stats.annual`): volatility = √(variance per bar · periods_per_year).

References:
    [1] M. Parkinson, J. Business 53 (1980) 61-65.
    [2] M. Garman, M. Klass, J. Business 53 (1980) 67-78.
    [3] L. C. G. Rogers, S. E. Satchell, Annals of Applied Probability 1 (1991) 504-512.
    [4] D. Yang, Q. Zhang, "Drift-independent volatility estimation based on high, low, open, and close
        prices", J. Business 73 (2000) 477-491.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import POSITIVE, Floats
from contango_quant.stats import rolling
from contango_quant.stats.lines import count, line, number, same_length
from contango_quant.stream import kernel, range_vol, realised_vol, sma

PARKINSON, GARMAN_KLASS, ROGERS_SATCHELL = range(3)  # the columns of `stream.range_vol`


def close_to_close(close: ArrayLike, *, window: int, periods_per_year: float) -> Floats:
    """Annual volatility (n,) of the last `window` log returns; nan for the first `window` bars.

    close: above 0; window: returns, at least 2; periods_per_year: bars a year holds. Raises ValueError.

    >>> close_to_close([100.0, 101.0, 100.0, 101.0], window=2, periods_per_year=252.0).round(4)
    array([   nan,    nan, 0.2234, 0.2234])
    """
    prices = line("close", close, POSITIVE)
    params = realised_vol.Params(window, number("periods_per_year", periods_per_year, POSITIVE))
    found = kernel.run(realised_vol, realised_vol.init(params), prices)
    if not np.isfinite(found[window:]).all():
        raise ValueError("neighbouring closes must have a finite quotient")
    return found


def parkinson(*, high: ArrayLike, low: ArrayLike, window: int, periods_per_year: float) -> Floats:
    """Annual volatility (n,) from the ranges of the last `window` bars; nan for the first `window` − 1.

    high, low: above 0, low ≤ high; window: bars, at least 1; periods_per_year: bars a year holds. ValueError.

    >>> parkinson(high=[102.0, 103.0], low=[100.0, 100.0], window=1, periods_per_year=252.0).round(4)
    array([0.1888, 0.2818])
    """
    low_ = line("low", low, POSITIVE)
    return _mean_range(PARKINSON, low_, high, low_, low_, window, periods_per_year)


def garman_klass(
    *, open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int, periods_per_year: float
) -> Floats:
    """Annual volatility (n,) by Garman and Klass over the last `window` bars; arguments as in `parkinson`.

    >>> bar = {"open_": [100.0], "high": [102.0], "low": [99.0], "close": [101.0]}
    >>> garman_klass(**bar, window=1, periods_per_year=252.0).round(4)
    array([0.3204])
    """
    return _mean_range(GARMAN_KLASS, open_, high, low, close, window, periods_per_year)


def rogers_satchell(
    *, open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int, periods_per_year: float
) -> Floats:
    """Annual volatility (n,) by Rogers and Satchell over the last `window` bars; arguments as in `parkinson`.

    >>> bar = {"open_": [100.0], "high": [102.0], "low": [99.0], "close": [101.0]}
    >>> rogers_satchell(**bar, window=1, periods_per_year=252.0).round(4)
    array([0.3159])
    """
    return _mean_range(ROGERS_SATCHELL, open_, high, low, close, window, periods_per_year)


def yang_zhang(
    *, open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int, periods_per_year: float
) -> Floats:
    """Annual volatility (n,) by Yang and Zhang, nights included; nan for the first `window` bars.

    window: bars, at least 2, each with the close before it; the rest as in `parkinson`.

    >>> bars = {"open_": [10.0, 10.1, 10.3], "high": [10.2, 10.4, 10.5], "low": [9.9, 10.0, 10.1],
    ...         "close": [10.0, 10.2, 10.4]}
    >>> yang_zhang(**bars, window=2, periods_per_year=252.0).round(4)
    array([   nan,    nan, 0.4206])
    """
    count("window", window, 2)
    opens, highs, lows, closes = _bars(open_, high, low, close)
    ranges = _range_variances(opens, highs, lows, closes)[:, ROGERS_SATCHELL]
    log_open, log_close = np.log(opens), np.log(closes)
    # The first bar has no night before it, and is in no window.
    parts = rolling.moments(log_open[1:] - log_close[:-1], (log_close - log_open)[1:], window=window)
    weight = 0.34 / (1.34 + (window + 1.0) / (window - 1.0))
    out = np.full(closes.size, math.nan)
    out[1:] = (parts.xx + weight * parts.yy) / (window - 1.0) + (1.0 - weight) * _mean(ranges, window)[1:]
    return _annual(out, periods_per_year)


def _mean_range(
    column: int, open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int, periods: float
) -> Floats:
    variances = _range_variances(*_bars(open_, high, low, close))[:, column]
    return _annual(_mean(variances, window), periods)


def _mean(values: Floats, window: int) -> Floats:
    return kernel.run(sma, sma.init(sma.Params(window)), values)


def _range_variances(opens: Floats, highs: Floats, lows: Floats, closes: Floats) -> Floats:
    found = kernel.run(range_vol, range_vol.init(range_vol.Params()), opens, highs, lows, closes)
    if not np.isfinite(found).all():
        i = int(np.argmin(np.isfinite(found).all(axis=1)))
        raise ValueError(f"high/low must be finite, got {float(highs[i])!r}/{float(lows[i])!r} at position {i}")
    return found


def _bars(open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> tuple[Floats, ...]:
    """The four columns, checked: equally long, above 0, and every open and close within its range."""
    columns = tuple(
        line(name, values, POSITIVE)
        for name, values in (("open_", open_), ("high", high), ("low", low), ("close", close))
    )
    opens, highs, lows, closes = columns
    same_length(open_=opens, high=highs, low=lows, close=closes)
    outside = (np.minimum(opens, closes) < lows) | (np.maximum(opens, closes) > highs)
    if outside.any():
        i = int(np.argmax(outside))
        bar = ", ".join(repr(float(column[i])) for column in columns)
        raise ValueError(f"open and close must lie between low and high, got {bar} at position {i}")
    return columns


def _annual(variance: Floats, periods_per_year: float) -> Floats:
    periods = number("periods_per_year", periods_per_year, POSITIVE)
    # Rounding can make the mean of tiny variances a hair negative.
    return np.asarray(np.sqrt(np.maximum(variance, 0.0) * periods))

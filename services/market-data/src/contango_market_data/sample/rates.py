"""The stated rate curve and dividend yield of the modelled chains. Pure."""

from bisect import bisect_right

from contango_common.domain.sessions import days_between

RATE_AT_NEW_YEAR = {
    20140101: 0.0007,
    20150101: 0.0004,
    20160101: 0.0020,
    20170101: 0.0052,
    20180101: 0.0140,
    20190101: 0.0240,
}
"""Continuous annual rate, flat over maturities, linear in time between the new years; rounded after 3-month bills."""

DIVIDEND_YIELD = 0.02
"""Continuous, constant."""

TENORS_DAYS = (30, 90)
"""Tenors at which the flat curve is written to the catalog."""


def rate_on(date: int) -> float:
    """Continuous annual rate on ``date`` (yyyymmdd).

    >>> round(rate_on(20180702), 4)
    0.019
    """
    knots = sorted(RATE_AT_NEW_YEAR)
    after = min(max(bisect_right(knots, date), 1), len(knots) - 1)
    left, right = knots[after - 1], knots[after]
    share = days_between(left, date) / days_between(left, right)
    return RATE_AT_NEW_YEAR[left] + share * (RATE_AT_NEW_YEAR[right] - RATE_AT_NEW_YEAR[left])

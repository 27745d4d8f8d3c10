"""How many bars a year holds: the factor that turns a variance per bar into one per year.

    variance per year = variance per bar · bars per session · sessions per year

A bar of 5 minutes is one of 78 in a US session: treating its variance as a day's (times 252 only) makes the
volatility √78 ≈ 8.8 times too small. US equity bars cover the regular session of 390 minutes, 252 sessions a
year; where a session's first return is taken from the close before, the night is in that one return and the
factor stays the same. A bar of an hour counts 6.5 to the session (vendors cut the last or the first one).
Crypto trades around the clock, 365 days a year.
"""

from types import MappingProxyType

from contango_quant.broadcast import POSITIVE
from contango_quant.stats.lines import number

US_SESSION_MINUTES, US_SESSIONS_PER_YEAR = 390.0, 252.0
DAY_MINUTES, DAYS_PER_YEAR = 1440.0, 365.0


def us_equity_periods_per_year(bar_minutes: float) -> float:
    """Bars of the US regular session in a year of 252 sessions; at most one session long.

    >>> us_equity_periods_per_year(5.0) / 252.0
    78.0
    """
    minutes = number("bar_minutes", bar_minutes, POSITIVE)
    if minutes > US_SESSION_MINUTES:
        raise ValueError(f"bar_minutes must be at most a session of 390 minutes, got {minutes!r}")
    return US_SESSIONS_PER_YEAR * US_SESSION_MINUTES / minutes


def crypto_periods_per_year(bar_minutes: float) -> float:
    """Bars in a year of 365 days without closing time.

    >>> crypto_periods_per_year(1440.0)
    365.0
    """
    return DAYS_PER_YEAR * DAY_MINUTES / number("bar_minutes", bar_minutes, POSITIVE)


US_EQUITY_PERIODS_PER_YEAR = MappingProxyType(
    {
        "1m": us_equity_periods_per_year(1.0),
        "5m": us_equity_periods_per_year(5.0),
        "15m": us_equity_periods_per_year(15.0),
        "1h": us_equity_periods_per_year(60.0),
        "1d": US_SESSIONS_PER_YEAR,
    }
)
CRYPTO_PERIODS_PER_YEAR = MappingProxyType(
    {
        "1m": crypto_periods_per_year(1.0),
        "5m": crypto_periods_per_year(5.0),
        "15m": crypto_periods_per_year(15.0),
        "1h": crypto_periods_per_year(60.0),
        "1d": DAYS_PER_YEAR,
    }
)

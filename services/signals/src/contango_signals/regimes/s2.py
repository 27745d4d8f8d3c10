"""The market's regime in five states, judged from closed daily bars and the volatility index.

    VIX > 35                      CRASH_MODE     (the latest closed bar of the index: a crash does not wait)
    daily ADX > 25                BULL_TREND above the 200-session average, else BEAR_TREND
    VIX > 20                      HIGH_VOL_RANGE (last daily close)
    else                          LOW_VOL_RANGE

First hit wins. Nothing is said while ADX, average or index are not ready.
"""

from dataclasses import dataclass

from contango_common.domain.declare import Section, param

DETECTOR, VERSION, FEATURE = "s2", 2, "regime_s2"
LABELS = ("CRASH_MODE", "BULL_TREND", "BEAR_TREND", "HIGH_VOL_RANGE", "LOW_VOL_RANGE")


class S2Params(Section):
    """Edges of the five states."""

    vix_crash: float = param(35.0, "above it the market crashes", unit="vol points", gt=0, le=1000, tune=(28, 45))
    vix_high: float = param(20.0, "above it volatility is high", unit="vol points", gt=0, le=1000, tune=(15, 28))
    adx_trend: float = param(25.0, "daily ADX above it is a trend", unit="ADX points", ge=0, le=100, tune=(20, 35))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the label rests on: the index now and at its last daily close, daily ADX, average and close."""

    vix_now: float | None
    vix_close: float | None
    daily_adx: float | None
    daily_sma: float | None
    daily_close: float | None

    def numbers(self) -> dict[str, float | None]:
        """By name, for the report."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name, number in self.numbers().items() if number is None)


def classify(*, vix_now: float, vix_close: float, adx: float, close: float, average: float, p: S2Params) -> str:
    """Label of one instant.

    >>> classify(vix_now=12.0, vix_close=12.0, adx=30.0, close=99.0, average=100.0, p=S2Params())
    'BEAR_TREND'
    """
    if vix_now > p.vix_crash:
        return "CRASH_MODE"
    if adx > p.adx_trend:
        return "BULL_TREND" if close > average else "BEAR_TREND"
    return "HIGH_VOL_RANGE" if vix_close > p.vix_high else "LOW_VOL_RANGE"


def detect(seen: Seen, p: S2Params) -> str | None:
    """Label now; None while something it needs is not ready."""
    now, last, adx, average, close = seen.numbers().values()
    if now is None or last is None or adx is None or average is None or close is None:
        return None
    return classify(vix_now=now, vix_close=last, adx=adx, close=close, average=average, p=p)

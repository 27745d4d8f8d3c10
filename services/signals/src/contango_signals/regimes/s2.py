"""The market's regime in five states, judged from closed daily bars and the volatility index.

    VIX > 35                      CRASH_MODE     (the latest closed bar of the index: a crash does not wait)
    daily ADX > 25                BULL_TREND above the 200-session average, else BEAR_TREND
    VIX > 20                      HIGH_VOL_RANGE (last daily close)
    else                          LOW_VOL_RANGE

First hit wins. Nothing is said while ADX, average or index are not ready.
"""

from contango_signals.features import SymbolFeatures, VolIndex
from contango_signals.params import SignalsParams

DETECTOR, VERSION = "s2", 1
LABELS = ("CRASH_MODE", "BULL_TREND", "BEAR_TREND", "HIGH_VOL_RANGE", "LOW_VOL_RANGE")


def classify(*, vix_now: float, vix_close: float, adx: float, close: float, average: float, p: SignalsParams) -> str:
    """Label of one instant.

    >>> classify(vix_now=12.0, vix_close=12.0, adx=30.0, close=99.0, average=100.0, p=SignalsParams())
    'BEAR_TREND'
    """
    if vix_now > p.vix_crash:
        return "CRASH_MODE"
    if adx > p.adx_trend:
        return "BULL_TREND" if close > average else "BEAR_TREND"
    return "HIGH_VOL_RANGE" if vix_close > p.vix_high else "LOW_VOL_RANGE"


def detect(f: SymbolFeatures, v: VolIndex, p: SignalsParams) -> str | None:
    """Label of the symbol now; None while something it needs is not ready."""
    adx, average, close = f.daily_adx, f.daily_sma, f.daily_close
    if adx is None or average is None or close is None or v.close is None or v.daily_close is None:
        return None
    return classify(vix_now=v.close, vix_close=v.daily_close, adx=adx, close=close, average=average, p=p)


def reasons(f: SymbolFeatures, v: VolIndex) -> dict[str, float | None]:
    """The numbers the label rests on."""
    return {
        "vix_now": v.close,
        "vix_close": v.daily_close,
        "daily_adx": f.daily_adx,
        "daily_sma": f.daily_sma,
        "daily_close": f.daily_close,
    }

"""Which colour class stands for what, the same in every chart."""

REGIMES = {
    "LOW_VOL_RANGE": "rg-low",
    "HIGH_VOL_RANGE": "rg-high",
    "BULL_TREND": "rg-bull",
    "BEAR_TREND": "rg-bear",
    "CRASH_MODE": "rg-crash",
    "bull_low_vol": "rg-bull",
    "bull_high_vol": "rg-high",
    "bear_low_vol": "rg-bear",
    "bear_high_vol": "rg-crash",
    "TRENDING_BULLISH": "rg-bull",
    "TRENDING_BEARISH": "rg-bear",
    "RANGING": "rg-low",
    "UNCERTAIN": "rg-high",
}


SHORT = {
    "LOW_VOL_RANGE": "low vol",
    "HIGH_VOL_RANGE": "high vol",
    "BULL_TREND": "bull",
    "BEAR_TREND": "bear",
    "CRASH_MODE": "crash",
}


def regime_class(label: str) -> str:
    return REGIMES.get(label, "rg-none")

"""Which colour class stands for what, the same in every chart."""

REGIMES = {
    "LOW_VOL_RANGE": "rg-low",
    "HIGH_VOL_RANGE": "rg-high",
    "BULL_TREND": "rg-bull",
    "BEAR_TREND": "rg-bear",
    "CRASH_MODE": "rg-crash",
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

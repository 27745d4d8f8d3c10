"""What every options strategy asks of the moment and of a candidate: its gates' thresholds, with its own defaults.

A strategy's parameters are a subclass: it overrides defaults and adds its own. ``None`` means that the question is not
asked; its number is on record all the same.
"""

from typing import Self

from pydantic import field_validator, model_validator

from contango_common.domain.declare import Section, param

RANGES = ("LOW_VOL_RANGE", "HIGH_VOL_RANGE")
REGIMES = ("CRASH_MODE", "BULL_TREND", "BEAR_TREND", *RANGES)
TERMS = ("contango", "flat", "backwardation")


class Screen(Section):
    """Gates of one options strategy.

    >>> Screen().dte_target
    45
    """

    regimes_allowed: tuple[str, ...] = param(RANGES, "regimes of the deciding detector in which it opens")
    dte_min: int = param(30, "days to the first expiry, at least", unit="calendar days", ge=0, le=1000, tune=(7, 45))
    dte_max: int = param(60, "days to the first expiry, at most", unit="calendar days", ge=0, le=1000, tune=(30, 90))
    dte_target: int = param(45, "days to the first expiry wanted", unit="calendar days", ge=0, le=1000, tune=(14, 60))
    delta_min: float = param(0.08, "absolute spot delta of a sold leg, at least", unit="delta", gt=0.0, lt=1.0)
    delta_max: float = param(0.25, "absolute spot delta of a sold leg, at most", unit="delta", gt=0.0, lt=1.0)

    min_iv_rank: float | None = param(15.0, "IV rank, at least", unit="points of 100", ge=0, le=100, tune=(0, 60))
    max_iv_rank: float | None = param(None, "IV rank, at most", unit="points of 100", ge=0, le=100, tune=(10, 60))
    min_iv_percentile: float | None = param(None, "IV percentile, at least", unit="points of 100", ge=0, le=100)
    max_vix: float | None = param(40.0, "volatility index, at most", unit="vol points", gt=0, le=1000)
    min_vrp_ratio: float | None = param(1.0, "implied variance over the forecast's median, at least", ge=0, le=10)
    max_vrp_ratio: float | None = param(None, "implied variance over the forecast's median, at most", ge=0, le=10)
    max_breach_odds: float | None = param(
        0.35, "odds to end beyond a sold strike", unit="probability", gt=0, le=1, tune=(0.2, 0.5)
    )
    term_allowed: tuple[str, ...] | None = param(None, "regimes of the term structure in which it opens")
    min_confidence: float | None = param(None, "fused confidence, at least", unit="score in [0, 1]", ge=0, le=1)
    fuzzy_sized: bool = param(
        True, "fuzzy confidence, which says how sure selling premium is, bounds the size and must leave a unit"
    )

    min_credit_to_width: float | None = param(
        0.10, "credit at the limit over the wider wing", unit="fraction", ge=0, lt=1, tune=(0.05, 0.35)
    )
    max_spread_to_mid: float | None = param(0.40, "net bid-ask spread over the net mid", unit="fraction", gt=0, le=10)
    max_leg_spread: float | None = param(
        None, "bid-ask spread of any leg over its mid", unit="fraction", gt=0, le=10, tune=(0.05, 0.5)
    )
    min_displayed_size: int = param(1, "units the quotes show on our side, at least", unit="units", ge=0, le=1_000_000)
    min_open_interest: int | None = param(None, "open contracts of any leg, at least", unit="contracts", ge=0, le=10**9)
    min_volume: int | None = param(
        None, "contracts traded today in any leg, at least", unit="contracts", ge=0, le=10**9
    )
    max_drift: float | None = param(
        0.01, "distance of the chain's spot from the last bar's close", unit="fraction", gt=0, le=1
    )
    min_entry_score: float | None = param(None, "the entry score of four parts", unit="points of 100", ge=0, le=100)

    max_open: int = param(3, "positions of this strategy and underlying, at most", unit="positions", ge=1, le=10_000)
    min_sessions_between: int = param(5, "sessions between two openings, at least", unit="sessions", ge=0, le=1000)
    max_units: int | None = param(None, "units of one proposal, at most", unit="units", ge=1, le=10**9)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.dte_min <= self.dte_target <= self.dte_max:
            raise ValueError("dte_min <= dte_target <= dte_max must hold")
        if self.delta_min > self.delta_max:
            raise ValueError("delta_min <= delta_max must hold")
        return self

    @field_validator("regimes_allowed")
    @classmethod
    def _known_regimes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, REGIMES, "regime")

    @field_validator("term_allowed")
    @classmethod
    def _known_terms(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if names is None else _known(names, TERMS, "regime of the term structure")


def _known(names: tuple[str, ...], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no {what} is called {unknown[0]!r}; there are {', '.join(known)}")
    return names


class Debit(Screen):
    """Gates of a strategy that pays premium: it asks for no credit, no breach odds and no premium over the forecast."""

    min_iv_rank: float | None = param(None, "IV rank, at least", unit="points of 100", ge=0, le=100)
    min_vrp_ratio: float | None = param(None, "implied variance over the forecast's median, at least", ge=0, le=10)
    max_breach_odds: float | None = param(None, "odds to end beyond a sold strike", unit="probability", gt=0, le=1)
    min_credit_to_width: float | None = param(None, "credit over the wider wing", unit="fraction", ge=0, lt=1)

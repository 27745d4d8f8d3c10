"""The state of volatility: term structure, implied less realised, reversion of the index, premium over the forecast.

    term ratio      IV(near)/IV(far) at the forward, total variance linear in time, nothing beyond the last expiry;
                    below 0.95 contango, above 1.05 backwardation
    iv_rv_spread    index/100 − realised volatility of the last sessions (both annual)
    ou_z            (ln index − mean)/stationary deviation of the fitted process; none where reversion is not identified
    vrp_ratio       index² over the forecast's median variance at about a month

Everything is None with no number made up where an input is missing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pydantic import model_validator

from contango_common.domain.declare import Section, param
from contango_quant.stats.ou_signal import signal_of
from contango_quant.surface.term import DAYS_PER_YEAR, detect_regime, term, vol_at

MONTH_SESSIONS = 21


class VolParams(Section):
    """Maturities compared, the index family, and the pair whose divergence is watched."""

    near_days: float = param(20.0, "near maturity of the term structure", unit="calendar days", gt=0, le=1000)
    far_days: float = param(45.0, "far maturity of the term structure", unit="calendar days", gt=0, le=1000)
    family: tuple[str, ...] = param(
        ("VIX9D", "VIX3M", "VVIX", "SKEW"), "other volatility indices, where they are given"
    )
    ou_z_entry: float = param(2.0, "deviation of the index that counts as stretched", unit="standard deviations", gt=0)
    ou_max_adf_p: float = param(
        0.05, "p-value of a unit root above which there is no z", unit="probability", ge=0, le=1
    )
    ou_min_kpss_p: float = param(0.02, "p-value of a level below which there is no z", unit="probability", ge=0, le=1)
    divergence_spot: str | None = param(None, "fund or index that is compared with its future; null: none")
    divergence_future: str | None = param(None, "its future")
    divergence_net_carry: float = param(
        0.0, "rate − dividend yield that the future is priced with", unit="per year", ge=-1, le=1
    )
    divergence_roll_days: int = param(
        0, "before an expiry the series passes to the next quarter", unit="calendar days", ge=0, le=60
    )
    divergence_window: int = param(
        120, "bars that the basis is measured over; with fewer no roll stands out", unit="bars", ge=40, le=10_000
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.near_days >= self.far_days:
            raise ValueError("near_days < far_days must hold")
        return self


@dataclass(frozen=True, slots=True)
class TermState:
    """Near over far volatility at the forward, the regime by it, and why there is none."""

    near_iv: float | None
    far_iv: float | None
    ratio: float | None
    regime: str | None
    reason: str | None


NO_TERM = TermState(None, None, None, None, "no expiry has a volatility")


def term_state(points: Iterable[tuple[float, float]], p: VolParams) -> TermState:
    """From (years to expiry, volatility at the forward) of the fitted expiries.

    >>> found = term_state([(20 / 365, 0.17), (70 / 365, 0.2)], VolParams())
    >>> found.regime, round(found.ratio, 3)
    ('contango', 0.877)
    """
    line = sorted({t: vol for t, vol in points if t > 0.0 and vol > 0.0}.items())
    if not line:
        return NO_TERM
    curve = term(t_years=[t for t, _ in line], vol=[vol for _, vol in line])
    near = vol_at(curve, t_years=p.near_days / DAYS_PER_YEAR)
    far = vol_at(curve, t_years=p.far_days / DAYS_PER_YEAR)
    found = detect_regime(near, far)
    return TermState(near.vol, far.vol, found.ratio, found.regime, found.reason)


def iv_rv_spread(index: float | None, realised: float | None) -> float | None:
    """Implied less realised, both annual."""
    return None if index is None or realised is None else index / 100.0 - realised


def ou_z(index: float | None, mean: float | None, sd: float | None) -> float | None:
    """Deviation of the log index in stationary standard deviations."""
    if index is None or index <= 0.0 or mean is None or not sd:
        return None
    return (math.log(index) - mean) / sd


def is_stationary(adf_p: float | None, kpss_p: float | None, p: VolParams) -> bool:
    """Whether a unit root is rejected and a level is not. A test that could not be made has shown nothing.

    >>> p = VolParams()
    >>> is_stationary(0.01, 0.1, p), is_stationary(0.3, 0.1, p), is_stationary(0.01, 0.01, p)
    (True, False, False)
    """
    if adf_p is None or kpss_p is None:
        return False
    return adf_p <= p.ou_max_adf_p and kpss_p >= p.ou_min_kpss_p


def ou_signal(z: float | None, p: VolParams) -> float | None:
    """−1 (the index is dear: volatility is to be sold), 1 (cheap), 0; None where there is no z.

    >>> ou_signal(2.5, VolParams()), ou_signal(-0.5, VolParams())
    (-1.0, 0.0)
    """
    return None if z is None else float(signal_of(z, p.ou_z_entry))


def vrp_ratio(index: float | None, median_variance: float | None) -> float | None:
    """Implied variance over the forecast's median."""
    return None if index is None or not median_variance else (index / 100.0) ** 2 / median_variance

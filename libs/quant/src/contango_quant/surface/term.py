"""The term structure of at-the-money-forward volatility: constant maturities, slope and regime.

Total variance w = vol²·t_years does not fall with time unless a calendar spread is free money; between two expiries it
is taken as linear in time, which keeps that, and so forward variance is constant there. Nothing is said about times
before the first or after the last expiry.

    regime by ratio = vol(near)/vol(far):  below 0.95 contango, above 1.05 backwardation, else flat

References:
    [1] J. Gatheral, "The Volatility Surface", 2006, ch. 3 (total variance and calendar spreads).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contango_quant.broadcast import NON_NEGATIVE, POSITIVE, Floats, floats
from contango_quant.surface import curve as c
from contango_quant.surface.curve import variance_at
from contango_quant.surface.surface import Surface

DAYS_PER_YEAR = 365.0
CONTANGO_BELOW, BACKWARDATION_ABOVE = 0.95, 1.05
CONTANGO, FLAT, BACKWARDATION = "contango", "flat", "backwardation"


class Term(NamedTuple):
    """t_years: ascending (n,); vol: annual, at the forward (n,); error: of the vol (n,)."""

    t_years: Floats
    vol: Floats
    error: Floats


class MaturityVol(NamedTuple):
    """vol: annual, None when not known, and then `reason` says why; error: of the vol; t_years: the maturity."""

    t_years: float
    vol: float | None
    error: float | None
    reason: str | None


class TermRegime(NamedTuple):
    """ratio: vol(near)/vol(far) with its error; slope: (far − near)/(time between), vol per year; regime: by ratio.

    All None when either maturity has no volatility, and then `reason` says why.
    """

    regime: str | None
    ratio: float | None
    error: float | None
    slope: float | None
    reason: str | None


def term(*, t_years: ArrayLike, vol: ArrayLike, error: ArrayLike = 0.0) -> Term:
    """The checked columns (n,). Raises ValueError naming argument and value; times must ascend without repeats."""
    t, v = np.atleast_1d(floats("t_years", t_years, POSITIVE)), np.atleast_1d(floats("vol", vol, POSITIVE))
    e = np.broadcast_to(floats("error", error, NON_NEGATIVE), v.shape)
    if t.ndim != 1 or t.shape != v.shape:
        raise ValueError(f"t_years and vol must be equally long lines, got shapes {[t.shape, v.shape]}")
    if not bool(np.all(np.diff(t) > 0.0)):
        raise ValueError("t_years must ascend without repeats")
    return Term(t, v, e)


def term_of(surface: Surface) -> Term:
    """Volatility at the forward of every fitted expiry; its error is the weighted misfit of that smile.

    >>> len(term_of(Surface(np.empty((0, c.COLUMNS)), ())).vol)
    0
    """
    rows = surface.rows
    w = np.array([variance_at(0.0, row) for row in rows])
    return Term(rows[:, c.T_YEARS], np.sqrt(w / rows[:, c.T_YEARS]), rows[:, c.RMS_VOL])


def vol_at(line: Term, *, t_years: float) -> MaturityVol:
    """Volatility at one maturity, linear in total variance between the two expiries around it; None outside.

    >>> line = term(t_years=[20 / 365, 40 / 365], vol=[0.2, 0.25], error=[0.001, 0.001])
    >>> found = vol_at(line, t_years=30 / 365)
    >>> round(found.vol, 6), round(found.error, 6)
    (0.234521, 0.000765)
    >>> vol_at(line, t_years=60 / 365).reason
    '60 days lie outside the expiries, 20 to 40 days'
    """
    if not (math.isfinite(t_years) and t_years > 0.0):
        raise ValueError(f"t_years must be finite and above 0, got {float(t_years)!r}")
    t, vol, error = line
    if not t.size:
        return MaturityVol(t_years, None, None, "no expiry has a volatility")
    if not t[0] <= t_years <= t[-1]:
        days = [f"{x * DAYS_PER_YEAR:.4g}" for x in (t_years, t[0], t[-1])]
        return MaturityVol(t_years, None, None, f"{days[0]} days lie outside the expiries, {days[1]} to {days[2]} days")
    i = max(int(np.searchsorted(t, t_years)) - 1, 0)
    j = min(i + 1, t.size - 1)
    part = (t_years - t[i]) / (t[j] - t[i]) if j > i else 0.0
    near, far = vol[i] ** 2 * t[i], vol[j] ** 2 * t[j]
    if far < near and 0.0 < part < 1.0:
        return MaturityVol(t_years, None, None, f"total variance falls from {near:.6g} to {far:.6g} around it")
    found = math.sqrt(((1.0 - part) * near + part * far) / t_years)
    by_near, by_far = (1.0 - part) * vol[i] * t[i], part * vol[j] * t[j]
    miss = math.hypot(by_near * error[i], by_far * error[j]) / (found * t_years)
    return MaturityVol(float(t_years), found, miss, None)


def constant_maturities(line: Term, days: tuple[float, ...] = (30.0, 60.0, 90.0)) -> tuple[MaturityVol, ...]:
    """`vol_at` for each number of calendar days.

    >>> line = term(t_years=[25 / 365, 100 / 365], vol=[0.2, 0.2])
    >>> [v.vol and round(v.vol, 6) for v in constant_maturities(line, (20.0, 30.0, 90.0))]
    [None, 0.2, 0.2]
    """
    return tuple(vol_at(line, t_years=d / DAYS_PER_YEAR) for d in days)


def detect_regime(near: MaturityVol, far: MaturityVol) -> TermRegime:
    """Contango, flat or backwardation of two maturities, near before far (raises ValueError otherwise).

    >>> line = term(t_years=[30 / 365, 90 / 365], vol=[0.18, 0.2], error=[0.001, 0.001])
    >>> found = detect_regime(vol_at(line, t_years=30 / 365), vol_at(line, t_years=90 / 365))
    >>> found.regime, round(found.ratio, 6), round(found.error, 6)
    ('contango', 0.9, 0.006727)
    """
    if not near.t_years < far.t_years:
        raise ValueError(f"near must be before far, got {near.t_years!r} and {far.t_years!r}")
    if near.vol is None or near.error is None:
        return TermRegime(None, None, None, None, near.reason)
    if far.vol is None or far.error is None:
        return TermRegime(None, None, None, None, far.reason)
    ratio = near.vol / far.vol
    error = ratio * math.hypot(near.error / near.vol, far.error / far.vol)
    regime = CONTANGO if ratio < CONTANGO_BELOW else BACKWARDATION if ratio > BACKWARDATION_ABOVE else FLAT
    return TermRegime(regime, ratio, error, (far.vol - near.vol) / (far.t_years - near.t_years), None)


def spline_vol(line: Term, *, t_years: float, smoothing: float = 0.001) -> MaturityVol:
    """Volatility at one maturity on a smoothing spline through the vols, of degree 3 or what so few expiries allow.

    Kept for comparison: with the usual smoothing of 0.001 it may pass the vols by more than a point, and it knows
    nothing of calendar arbitrage. Here too None outside the expiries, and with fewer than two of them.

    >>> line = term(t_years=[0.05, 0.1, 0.2, 0.3, 0.5], vol=[0.2, 0.21, 0.22, 0.22, 0.23])
    >>> round(spline_vol(line, t_years=0.15, smoothing=0.0).vol, 4), spline_vol(line, t_years=0.6).vol
    (0.2166, None)
    """
    from scipy.interpolate import UnivariateSpline  # the published method alone: it takes 20 MB

    t, vol, _ = line
    if t.size < 2:
        return MaturityVol(float(t_years), None, None, f"{t.size} expiries, 2 needed")
    if not t[0] <= t_years <= t[-1]:
        return vol_at(line, t_years=t_years)
    spline = UnivariateSpline(t * DAYS_PER_YEAR, vol, k=min(3, t.size - 1), s=smoothing)
    return MaturityVol(float(t_years), float(spline(t_years * DAYS_PER_YEAR)), None, None)

"""Facts of the fitters (``log.fit``): oracles that learn from data strictly before the fact."""

from typing import ClassVar

from pydantic import NonNegativeInt

from contango_common.events.base import Event


class MixtureFitted(Event):
    """A Gaussian mixture over daily features of one symbol, K components in F features.

    ``features`` names the columns; a raw row x is scaled to (x − ``centre``)/``scale``. ``means`` (K, F) and
    ``precisions`` (K, F, F), row by row, are of scaled rows; ``log_dets`` (K,) are the log determinants of the
    precisions. ``transition`` (K, K) carries the posterior from one session to the next (equal rows: no memory).
    ``labels`` names each component; several may share a name. ``trained_until_ns`` is the last bar of the fit.
    """

    FAMILY: ClassVar[str] = "fit"
    symbol: str
    detector: str
    version: int
    sha: str
    features: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    means: tuple[tuple[float, ...], ...]
    precisions: tuple[tuple[tuple[float, ...], ...], ...]
    log_dets: tuple[float, ...]
    transition: tuple[tuple[float, ...], ...]
    labels: tuple[str, ...]
    covariance: str
    rows: NonNegativeInt
    bic: float
    trained_until_ns: int


class MixtureAbsent(Event):
    """No mixture could be fitted, and why; one that stands stays in force."""

    FAMILY: ClassVar[str] = "fit"
    symbol: str
    detector: str
    reason: str


class OuFitted(Event):
    """An Ornstein-Uhlenbeck process fitted to a daily series (``log_vol_index``, …), with tests of stationarity.

    ``identified`` is False when the reversion could be none at all; ``mean`` and ``sd`` (stationary) are None then.
    ``half_life_days`` with its interval is in sessions. ``adf_p`` is the (low-power) test against a unit root,
    ``kpss_p`` the one against stationarity.
    """

    FAMILY: ClassVar[str] = "fit"
    symbol: str
    series: str
    rows: NonNegativeInt
    identified: bool
    mean: float | None
    sd: float | None
    half_life_days: float | None
    half_life_low_days: float | None
    half_life_high_days: float | None
    adf_p: float | None
    kpss_p: float | None
    reason: str | None
    trained_until_ns: int

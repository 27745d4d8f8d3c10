"""The market's regime by a Gaussian mixture of daily features, fitted elsewhere on data strictly before its use.

Features of one session, all from closed daily bars and the volatility index of that day:

    realised_vol    annual volatility of the last 20 log returns       iv             index/100
    momentum        log return of the last 20 sessions                 iv_rv_spread   iv − realised_vol
    trend           (SMA 20 − SMA 50)/SMA 50                           volume_ratio   volume over the mean of the
    last 20 range_pct       (high − low)/close

The posterior is filtered: it looks at no later session. Probabilities of components with one name are added; when no
name has ``abstain_below`` the detector abstains.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from contango_common.domain.declare import Section, param
from contango_quant.stats import mixture as gaussians
from contango_signals.history import Daily

if TYPE_CHECKING:
    from contango_signals.state import Mixture

DETECTOR, VERSION = "s0", 1
LABELS = ("bull_low_vol", "bull_high_vol", "bear_low_vol", "bear_high_vol")
FEATURES = ("realised_vol", "momentum", "trend", "iv", "iv_rv_spread", "volume_ratio", "range_pct")
SHORT, LONG, WARM = 20, 50, 60
SESSIONS_PER_YEAR = 252


class S0Params(Section):
    """How the mixture is fitted and when it keeps silent."""

    min_rows: int = param(500, "sessions with every feature before the first fit", unit="sessions", ge=60, le=10_000)
    max_rows: int = param(2500, "sessions that a fit looks back on", unit="sessions", ge=60, le=10_000)
    covariance: Literal["full", "tied", "diag"] = param("diag", "shape of the components' covariances")
    components_min: int = param(2, "components tried, from", unit="components", ge=1, le=8)
    components_max: int = param(5, "components tried, to; the smallest BIC wins", unit="components", ge=1, le=8)
    abstain_below: float = param(0.6, "probability below which no name is given", unit="probability", ge=0, le=1)
    source_s0: bool = param(False, "fit as published: 60 bars, 4 full covariances, standard scores, no memory")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.components_min > self.components_max or self.min_rows > self.max_rows:
            raise ValueError("components_min <= components_max and min_rows <= max_rows must hold")
        return self


def feature_row(
    closes: Sequence[float],
    highs: Sequence[float],
    lows: Sequence[float],
    volumes: Sequence[float | None],
    ivs: Sequence[float | None],
) -> dict[str, float | None]:
    """Features of the last session of the columns (oldest first); None where one cannot be known, as those of prices
    that are not above 0."""
    row: dict[str, float | None] = dict.fromkeys(FEATURES)
    if not closes:
        return row
    if len(closes) > SHORT and min(closes[-SHORT - 1 :]) > 0.0:
        returns = [math.log(b / a) for a, b in zip(closes[-SHORT - 1 : -1], closes[-SHORT:], strict=True)]
        mean = sum(returns) / SHORT
        row["realised_vol"] = math.sqrt(sum((r - mean) ** 2 for r in returns) / (SHORT - 1) * SESSIONS_PER_YEAR)
        row["momentum"] = math.log(closes[-1] / closes[-SHORT - 1])
    if len(closes) >= LONG and (slow := sum(closes[-LONG:]) / LONG) > 0.0:
        row["trend"] = (sum(closes[-SHORT:]) / SHORT - slow) / slow
    if closes[-1] > 0.0:
        row["range_pct"] = (highs[-1] - lows[-1]) / closes[-1]
    if ivs and (iv := ivs[-1]) is not None:
        row["iv"] = iv / 100.0
        row["iv_rv_spread"] = None if (rv := row["realised_vol"]) is None else iv / 100.0 - rv
    recent = [v for v in volumes[-SHORT:] if v is not None]
    if len(recent) == SHORT and sum(recent) > 0.0:
        row["volume_ratio"] = recent[-1] / (sum(recent) / SHORT)
    return row


def numbers(d: Daily) -> dict[str, float | None]:
    """The features of the last session, for the report."""
    return feature_row(d.closes, d.highs, d.lows, d.volumes, d.ivs)


def filtered(m: "Mixture", x: Sequence[float]) -> list[float]:
    """The posterior after the row ``x``, given the one carried by ``m``."""
    model = gaussians.mixture(
        centre=m.centre,
        scale=m.scale,
        weights=m.weights,
        means=m.means,
        precisions=m.precisions,
        log_dets=m.log_dets,
        transition=m.transition,
    )
    found: list[float] = gaussians.filtered(model, x, m.posterior).tolist()
    return found


def warmed(m: "Mixture", d: Daily) -> list[float] | None:
    """The posterior after the last ``WARM`` sessions, so that a new fit does not forget what is going on; None if no
    session has every feature. Sessions that lack one are passed over."""
    posterior: list[float] | None = None
    for end in range(max(LONG, len(d.closes) - WARM) + 1, len(d.closes) + 1):
        row = feature_row(d.closes[:end], d.highs[:end], d.lows[:end], d.volumes[:end], d.ivs[:end])
        x = [value for name in m.features if (value := row.get(name)) is not None]
        if len(x) == len(m.features):
            posterior = filtered(replace(m, posterior=posterior), x)
    return posterior


def by_label(posterior: Sequence[float], labels: Sequence[str]) -> dict[str, float]:
    """Probability of each name."""
    return gaussians.by_label(posterior, labels)


def report(posterior: Mapping[str, float], p: S0Params) -> tuple[str | None, str | None]:
    """(label, None), or (None, reason) when no name is probable enough.

    >>> report({"bull_low_vol": 0.55, "bear_high_vol": 0.45}, S0Params())
    (None, 'the most probable, bull_low_vol, has 55 %; 60 % is needed')
    """
    label = max(posterior, key=lambda name: (posterior[name], name))
    if posterior[label] < p.abstain_below:
        return None, f"the most probable, {label}, has {posterior[label]:.0%}; {p.abstain_below:.0%} is needed".replace(
            "%", " %"
        )
    return label, None

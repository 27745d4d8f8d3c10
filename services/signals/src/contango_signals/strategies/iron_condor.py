"""Iron condor: a put and a call sold at a wanted delta, each with a wing bought further out, one expiry.

Strikes come from the frame's own chain: the sold legs are those whose spot delta is nearest to the wanted one inside
the hard band; among strikes that are equally near, the one that is rich against the fitted smile is sold (skew-aware:
the residual in half-spreads, never a comparison with the volatility at the money, which every call would lose). The
wings are the first usable strikes at least the regime's width away.
"""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from contango_common.domain.declare import param
from contango_quant.pricing.greeks import carry_from_forward, greeks
from contango_quant.surface.smile import vols_of
from contango_signals.chainview import Slice
from contango_signals.strategies.build import Pick, beyond, candidate, nearest_expiry
from contango_signals.strategies.screen import Screen
from contango_signals.strategies.spec import Candidate, Spec, View

WIDTHS = {
    "LOW_VOL_RANGE": 0.015,
    "HIGH_VOL_RANGE": 0.025,
    "BULL_TREND": 0.02,
    "BEAR_TREND": 0.025,
    "CRASH_MODE": 0.03,
}


class Params(Screen):
    """Parameters of the iron condor.

    >>> Params(short_delta=0.2).short_delta
    0.2
    """

    term_allowed: tuple[str, ...] | None = param(
        ("contango", "flat"), "regimes of the term structure in which it opens: sold premium avoids backwardation"
    )
    short_delta: float = param(
        0.16, "absolute spot delta wanted of the sold legs", unit="delta", gt=0, lt=0.5, tune=(0.1, 0.25)
    )
    short_delta_step: float = param(0.03, "distance of the two other deltas looked at", unit="delta", ge=0, lt=0.5)
    rich_weight: float = param(
        0.005, "delta given up per half-spread that a sold leg is rich against the smile", unit="delta", ge=0, le=0.1
    )
    wing_width: dict[str, float] = param(WIDTHS, "wing width per regime", unit="fraction of spot")
    wing_width_default: float = param(
        0.02, "wing width where no regime is known", unit="fraction of spot", gt=0, lt=0.5
    )
    wing_width_min: float = param(0.01, "wing width, at least", unit="fraction of spot", ge=0.01, lt=0.5)

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.delta_min <= self.short_delta <= self.delta_max:
            raise ValueError("delta_min <= short_delta <= delta_max must hold")
        return self


def propose(view: View, p: Params) -> list[Candidate]:
    """One condor per wanted delta on the expiry nearest to the target; fewer where the chain does not carry it."""
    best = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    if best is None:
        return []
    step = p.short_delta_step
    wanted = {0.0: p.short_delta, -step: p.short_delta - step, step: p.short_delta + step}
    found: dict[tuple[int, ...], Candidate] = {}
    for offset, delta in wanted.items():
        made = _condor(view, best, delta, abs(offset), p)
        if made is not None:
            found.setdefault(made.rows, made)
    return list(found.values())


def _condor(view: View, s: Slice, delta: float, off_target: float, p: Params) -> Candidate | None:
    put, call = sold_leg(s, False, delta, p.delta_min, p.delta_max, p.rich_weight), None
    if put is not None:
        call = sold_leg(s, True, delta, p.delta_min, p.delta_max, p.rich_weight)
    if put is None or call is None:
        return None
    width = max(p.wing_width.get(view.regime or "", p.wing_width_default), p.wing_width_min) * view.spot
    low = beyond(s, False, float(s.strike[put]) - width)
    high = beyond(s, True, float(s.strike[call]) + width)
    if low is None or high is None:
        return None
    legs = (Pick(1, s, low), Pick(-1, s, put), Pick(-1, s, call), Pick(1, s, high))
    return candidate(view, SPEC.kind, legs, off_target=off_target)


def sold_leg(s: Slice, is_call: bool, delta: float, low: float, high: float, rich_weight: float) -> int | None:
    """Position of the option to sell: nearest to ``delta`` inside the band, a rich one preferred by ``rich_weight``."""
    size = np.abs(s.delta)
    rows = np.flatnonzero((s.is_call == is_call) & (size >= low) & (size <= high))
    if not len(rows):
        return None
    off = np.abs(size[rows] - delta)
    if rich_weight > 0.0 and s.smile is not None:
        off = off - rich_weight * np.clip(richness(s, rows), -3.0, 3.0)
    return int(rows[np.argmin(off)])


def richness(s: Slice, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """How far the mid's volatility lies above the smile's, in half-spreads of volatility; 0 where it is not known."""
    assert s.smile is not None
    assert s.forward is not None
    strike, is_call = s.strike[rows], s.is_call[rows]
    model = vols_of(s.smile, strike).vol
    rate, div_yield = carry_from_forward(s.spot, s.forward, s.discount, s.t_years)
    args: dict[str, Any] = {"strike": strike, "t_years": s.t_years, "is_call": is_call}
    vega = greeks(spot=s.spot, vol=model, rate=rate, div_yield=div_yield, **args).vega
    half_spread = s.mid[rows] * (s.ask_ticks[rows] - s.bid_ticks[rows]) / (s.ask_ticks[rows] + s.bid_ticks[rows])
    with np.errstate(divide="ignore", invalid="ignore"):
        out = (s.vol[rows] - model) * vega / half_spread
    return np.where(np.isfinite(out), out, 0.0)


SPEC = Spec(
    name="iron_condor",
    kind="iron_condor",
    on="chain",
    module="options",
    meaning="sells a put and a call spread around the market and lives on the market staying between them",
    params=Params,
    credit=True,
    propose=propose,
)

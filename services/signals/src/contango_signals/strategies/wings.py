"""Broken-wing butterflies: one option in the money bought, two at the money sold, one far out bought. What both share.

The far wing skips strikes: it is further from the body than the near wing, so that two sold options pay for most of it
or for more. Whether a side is free of loss is never read from the name: profit at expiry is enumerated at every kink,
and a structure is offered only when its trend's side loses at most ``max_debit_to_wing`` of the near wing. With puts
that side lies above the body and the risk below; with calls the other way round.
"""

from typing import NamedTuple, Self

import numpy as np
from pydantic import model_validator

from contango_common.domain.declare import param
from contango_quant.pricing.payoff import Leg
from contango_quant.pricing.payoff_sides import sides
from contango_signals.chainview import Slice
from contango_signals.strategies.build import (
    Pick,
    at_strike,
    at_the_money,
    beyond,
    by_delta,
    candidate,
    distinct,
    nearest_expiry,
    net_mid,
)
from contango_signals.strategies.screen import Debit
from contango_signals.strategies.spec import Candidate, View


class BrokenWing(Debit):
    """Parameters of a broken-wing butterfly.

    Its net price is near 0, so the quotes are judged leg by leg and hardly by spread over net mid.

    >>> BrokenWing(skip_ratio=2.5).skip_ratio
    2.5
    """

    near_wing: float = param(
        0.01,
        "distance of the wing in the money from the body",
        unit="fraction of spot",
        gt=0,
        lt=0.5,
        tune=(0.005, 0.03),
    )
    skip_ratio: float = param(
        2.0, "far wing over near wing wanted, at least this", unit="ratio", gt=1, le=10, tune=(1.5, 3.0)
    )
    skip_ratio_step: float = param(0.5, "distance of the two wider far wings looked at", unit="ratio", ge=0, le=5)
    skip_ratio_max: float = param(4.0, "far wing over near wing, at most", unit="ratio", gt=1, le=20)
    max_debit_to_wing: float = param(
        0.1, "loss on the trend's side over the near wing, at most", unit="fraction", ge=0, lt=1, tune=(0.0, 0.2)
    )
    min_put_call_skew: float | None = param(
        None, "volatility of the 25-delta put less that of the 25-delta call, at least", unit="vol", ge=-1, le=1
    )
    max_off_money: float = param(0.02, "distance of the body from the forward, at most", unit="fraction", gt=0, lt=0.5)
    max_spread_to_mid: float | None = param(None, "net bid-ask spread over the net mid", unit="fraction", gt=0, le=10)
    max_leg_spread: float | None = param(
        0.25, "bid-ask spread of any leg over its mid", unit="fraction", gt=0, le=10, tune=(0.05, 0.5)
    )

    @model_validator(mode="after")
    def _skips(self) -> Self:
        if self.skip_ratio > self.skip_ratio_max:
            raise ValueError("skip_ratio <= skip_ratio_max must hold")
        return self


class Outside(NamedTuple):
    """Most that is lost at expiry below and above the body, in currency a unit; negative is a certain profit."""

    below: float
    above: float


def outside(picks: tuple[Pick, ...], premium: float, body: float) -> Outside | None:
    """Worst profit on either side of ``body`` by enumeration; ``premium`` + received. None where a side is unbounded.

    Independent of the strategy's name: the legs alone decide.
    """
    legs = [Leg(p.ratio, p.strike, p.is_call) for p in picks]
    found = sides(legs, premium, low=body, high=body)
    if found.down.max_loss is None or found.up.max_loss is None:
        return None
    return Outside(found.down.max_loss, found.up.max_loss)


def put_call_skew(s: Slice) -> float | None:
    """Volatility of the put nearest to a delta of 0.25 less that of the call; None where one is more than 0.1 off."""
    put, call = (by_delta(s, is_call, 0.25, 0.15, 0.35) for is_call in (False, True))
    return None if put is None or call is None else float(s.vol[put] - s.vol[call])


def broken_wings(view: View, p: BrokenWing, is_call: bool) -> list[Candidate]:
    """Butterflies of three far wings around the strike nearest to the forward, on the expiry nearest to the target."""
    s = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    if s is None or s.forward is None:
        return []
    body = at_the_money((s,), (is_call,), s.forward)
    if body is None or abs(body / s.forward - 1.0) > p.max_off_money:
        return []
    skew = put_call_skew(s)
    if p.min_put_call_skew is not None and (skew is None or skew < p.min_put_call_skew):
        return []
    ratios = [(step, p.skip_ratio + step) for step in (0.0, p.skip_ratio_step, 2.0 * p.skip_ratio_step)]
    return distinct(_broken_wing(view, s, p, is_call, body, ratio, off, skew) for off, ratio in ratios)


def _near_wing(s: Slice, is_call: bool, body: float, width: float) -> int | None:
    """Position of the option in the money whose distance from the body is nearest to ``width``, but not 0."""
    distance = body - s.strike if is_call else s.strike - body
    rows = np.flatnonzero((s.is_call == is_call) & (distance > 0.0))
    return int(rows[np.argmin(np.abs(distance[rows] - width))]) if len(rows) else None


def _broken_wing(
    view: View, s: Slice, p: BrokenWing, is_call: bool, body: float, ratio: float, off: float, skew: float | None
) -> Candidate | None:
    out = 1.0 if is_call else -1.0
    near, middle = _near_wing(s, is_call, body, p.near_wing * view.spot), at_strike(s, is_call, body)
    if near is None or middle is None:
        return None
    near_width = out * (body - float(s.strike[near]))
    far = beyond(s, is_call, body + out * ratio * near_width)
    if far is None or out * (float(s.strike[far]) - body) > p.skip_ratio_max * near_width:
        return None
    inside, skipped = Pick(1, s, near), Pick(1, s, far)
    legs = (inside, Pick(-2, s, middle), skipped) if is_call else (skipped, Pick(-2, s, middle), inside)
    loss = outside(legs, -net_mid(view, legs), body)
    if loss is None or (loss.below if is_call else loss.above) > p.max_debit_to_wing * near_width:
        return None
    why = {"loss_below": loss.below, "loss_above": loss.above, "near_wing": near_width, "put_call_skew": skew}
    return candidate(view, "butterfly", legs, off_target=off, why=why)

"""Strategies whose options are all bought: nothing but the premium is lost. What they share.

Selling straddles or strangles has no place here: their loss is unbounded, and the gate ``defined_risk`` refuses it. The
iron condor is their form with a bounded loss.
"""

from contango_common.domain.declare import param
from contango_common.domain.structure import StructureKind
from contango_signals.chainview import Slice
from contango_signals.strategies.build import Pick, around, by_delta, candidate, distinct, nearest_expiry, net_mid
from contango_signals.strategies.screen import Debit
from contango_signals.strategies.spec import Candidate, View


class Bought(Debit):
    """Parameters of bought options: expiries further out, where time is lost slowly, and volatility not too dear.

    >>> Bought().dte_target
    60
    """

    dte_min: int = param(30, "days to the first expiry, at least", unit="calendar days", ge=0, le=1000, tune=(20, 60))
    dte_max: int = param(120, "days to the first expiry, at most", unit="calendar days", ge=0, le=1000, tune=(60, 180))
    dte_target: int = param(60, "days to the first expiry wanted", unit="calendar days", ge=0, le=1000, tune=(30, 90))
    max_iv_rank: float | None = param(50.0, "IV rank, at most", unit="points of 100", ge=0, le=100, tune=(10, 60))
    max_units: int | None = param(2, "units of one proposal, at most", unit="units", ge=1, le=10**9, tune=(1, 5))
    fuzzy_sized: bool = param(False, "fuzzy confidence says how sure selling premium is; bought options do not ask it")


class BoughtByDelta(Bought):
    """The same with strikes found by delta, which is known out of the money only.

    >>> BoughtByDelta(long_delta=0.3).long_delta
    0.3
    """

    long_delta: float = param(
        0.40, "absolute spot delta wanted of the bought leg", unit="delta", gt=0, lt=0.6, tune=(0.2, 0.5)
    )
    long_delta_step: float = param(0.08, "distance of the two other deltas looked at", unit="delta", ge=0, lt=0.5)
    long_delta_off: float = param(
        0.08, "distance of a leg's delta from the one looked for, at most", unit="delta", gt=0, lt=0.5
    )


def bought_leg(s: Slice, p: BoughtByDelta, is_call: bool, delta: float) -> Pick | None:
    """The option out of the money nearest to ``delta`` within the tolerance, bought."""
    at = by_delta(s, is_call, delta, delta - p.long_delta_off, delta + p.long_delta_off)
    return None if at is None else Pick(1, s, at)


def bought_options(
    view: View, p: BoughtByDelta, is_call: bool, kind: StructureKind = "single", beside: tuple[Pick, ...] = ()
) -> list[Candidate]:
    """One option at each of three deltas, bought with the legs that stand beside it; each must cost something."""
    s = nearest_expiry(view, p.dte_target, p.dte_min, p.dte_max)
    if s is None:
        return []
    found = []
    for off, delta in around(p.long_delta, p.long_delta_step):
        leg = bought_leg(s, p, is_call, delta)
        if leg is not None and net_mid(view, (leg,)) > 0.0:
            found.append(candidate(view, kind, (*beside, leg), off_target=off))
    return distinct(found)

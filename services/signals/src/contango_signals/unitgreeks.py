"""Greeks of one unit of a structure, from the smiles of a frame: known in and out of the money alike. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from contango_common.domain.instrument import is_option_id, parse_option_id
from contango_signals.chainview import Slice, smile_greeks
from contango_signals.strategies.spec import View

DAYS_PER_YEAR = 365.0


class UnitGreeks(NamedTuple):
    """Per unit of the underlying's quantity: delta, gamma per currency, vega per vol point, theta per calendar day."""

    delta: float
    gamma: float
    vega_per_point: float
    theta_per_day: float


def unit_greeks(view: View, instruments: Sequence[str], ratios: Sequence[int]) -> UnitGreeks | None:
    """Of all legs, the underlying itself included; None when a leg's expiry has no smile."""
    delta = gamma = vega = theta = 0.0
    for name, ratio in zip(instruments, ratios, strict=True):
        if not is_option_id(name):
            delta += ratio
            continue
        root, date, right, millis = parse_option_id(name)
        s = _slice(view, root, date)
        known = None if s is None else smile_greeks(s, millis / 1000.0, right == "C")
        if known is None:
            return None
        delta, gamma = delta + ratio * known[0], gamma + ratio * known[1]
        vega, theta = vega + ratio * known[2], theta + ratio * known[3]
    return UnitGreeks(delta, gamma, vega / 100.0, theta / DAYS_PER_YEAR)


def _slice(view: View, root: str, date: int) -> Slice | None:
    for s in (*view.slices, *view.held):
        if s.expiry.expiry_date == date and view.roots[s.expiry.root_index] == root:
            return s
    return None

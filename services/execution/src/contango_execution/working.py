"""How a resting order is worked. Pure: minutes, frames and quotes in, limits in ticks out.

*Opening* orders begin a little better than the bound that risk approved, walk to it by the clock and are taken back
at the deadline: a trade that is not to be had at the price is no trade. *Closing* orders climb: achievable → natural →
market, and are never given up. Rounding to the root's price increment goes to the acceptable side: opening limits down
(never more than approved), closing limits up (never a tick short).
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from contango_common.domain.instrument import is_option_id, parse_option_id
from contango_common.domain.sessions import MINUTE_NS
from contango_execution.params import ExecutionParams, fraction_millionths
from contango_execution.quotes import LegQuote, net_price_micros

_NATURAL_MILLIONTHS = 1_000_000


class Rung(IntEnum):
    """Where on the closing ladder a position stands."""

    ACHIEVABLE = 0
    NATURAL = 1
    MARKET = 2


def floor_to(ticks: int, increment_ticks: int) -> int:
    """Greatest multiple of the increment that is not above ``ticks``.

    >>> floor_to(-123, 5)
    -125
    """
    return ticks // increment_ticks * increment_ticks


def ceil_to(ticks: int, increment_ticks: int) -> int:
    """Least multiple of the increment that is not below ``ticks``.

    >>> ceil_to(-123, 5)
    -120
    """
    return -(-ticks // increment_ticks) * increment_ticks


def open_step(params: ExecutionParams, waited_ns: int) -> int:
    """Index of the walk's step after ``waited_ns`` nanoseconds of work."""
    reached = [i for i, minutes in enumerate(params.open_walk_minutes) if waited_ns >= minutes * MINUTE_NS]
    return reached[-1] if reached else 0


def open_limit(params: ExecutionParams, bound_ticks: int, increment_ticks: int, step: int) -> int:
    """Limit of an opening order at a step of its walk; never above the bound."""
    return floor_to(bound_ticks - params.open_walk_ticks[step], increment_ticks)


def open_deadline_ns(params: ExecutionParams, submitted_ns: int, valid_until_ns: int) -> int:
    """When an opening order is taken back: the proposal's own validity or the deadline, whichever is first."""
    return min(valid_until_ns, submitted_ns + params.open_deadline_minutes * MINUTE_NS)


def exit_rung(params: ExecutionParams, frames: int) -> Rung:
    """Rung after ``frames`` chain frames have passed since the exit was requested."""
    if frames < params.exit_achievable_frames:
        return Rung.ACHIEVABLE
    if frames < params.exit_achievable_frames + params.exit_natural_frames:
        return Rung.NATURAL
    return Rung.MARKET


def exit_limit(
    params: ExecutionParams,
    rung: Rung,
    quotes: Sequence[LegQuote] | None,
    ratios: Sequence[int],
    tick_micros: int,
    increment_ticks: int,
    last_ticks: int | None,
) -> int | None:
    """Limit of a closing order (``ratios`` are its own, already reversed); None is a market order.

    Without usable quotes the last good limit is widened. A limit only ever rises.
    """
    if rung is Rung.MARKET or last_ticks is None:
        return None
    if quotes is None:
        return ceil_to(last_ticks + params.exit_widen_ticks, increment_ticks)
    natural = rung is Rung.NATURAL
    share = _NATURAL_MILLIONTHS if natural else fraction_millionths(params.fill_fractions, len(ratios))
    net_micros = net_price_micros(quotes, ratios, tick_micros, share)
    return max(last_ticks, ceil_to(-(-net_micros // tick_micros), increment_ticks))


def increment_of(increments: Mapping[str, int], instruments: Sequence[str]) -> int:
    """Price increment of a net order in ticks: the coarsest of its roots (1 for a root not listed and for assets)."""
    roots = [parse_option_id(name)[0] for name in instruments if is_option_id(name)]
    return max((increments.get(root, 1) for root in roots), default=1)

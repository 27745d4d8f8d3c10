"""Which underlyings have gone silent: a running session, and no frame for longer than ``max_frame_age_s`` of it.

A frame is due only while a session runs, so the age counts from the session's open when the last frame is older than
that. A limit longer than a session counts by the clock once a whole session has gone by without a frame.
"""

from contango_risk.state import Position, RiskState

_SECOND_NS = 1_000_000_000


def silent(state: RiskState, position: Position, ts_ns: int) -> bool:
    """Whether the position's underlying should have been seen by now; without a session table only the clock counts."""
    asset = state.assets.get(position.entry.underlying)
    seen_ns = asset.price_ns if asset is not None else 0
    limit_ns = state.params.limits.max_frame_age_s * _SECOND_NS
    return ts_ns - seen_ns > limit_ns and _frame_due(state, ts_ns, seen_ns, limit_ns)


def any_silent(state: RiskState, ts_ns: int) -> bool:
    """Whether one of the positions is on a silent underlying."""
    for position in state.ledger.positions.values():  # noqa: SIM110 (any() over a generator costs twice as much)
        if silent(state, position, ts_ns):
            return True
    return False


def _frame_due(state: RiskState, ts_ns: int, seen_ns: int, limit_ns: int) -> bool:
    """The running session is one of the first rows, because finished ones are cut off."""
    close_ns, open_ns = state.calendar.close_ns, state.calendar.open_ns
    row, rows = 0, len(close_ns)
    while row < rows and close_ns.item(row) < ts_ns:
        row += 1
    if row == rows:
        return True
    opened_ns = open_ns.item(row)
    if ts_ns < opened_ns:
        return False
    before_ns = open_ns.item(row - 1) if row else state.calendar.before_open_ns
    return bool(ts_ns - opened_ns > limit_ns or seen_ns < before_ns)

"""What follows from an event. Every function here is a handler of ``decide``: it reads the state and returns facts."""

from collections.abc import Callable, Iterable
from typing import Any

from contango_common.domain.at import At
from contango_common.events import market, order, signal, system
from contango_common.events.base import Event
from contango_common.events.risk import TradingResumed
from contango_risk import exits, ledger, trades
from contango_risk.halts import decide_halts, manual_halt, resumed
from contango_risk.portfolio import marked
from contango_risk.proposals import decide_proposal
from contango_risk.silence import silent
from contango_risk.state import Position, RiskState

_SECOND_NS = 1_000_000_000


def _frame(state: RiskState, event: market.ChainFrame, at: At) -> list[Event]:
    mine = [p for p in state.ledger.positions.values() if p.entry.underlying == event.underlying]
    facts = [*_closings(state, mine), *_exits(state, mine, at), *decide_halts(state, at.ts_ns)]
    if _mark_due(state, event, bool(mine), at.ts_ns):
        facts.append(marked(state))
    return facts


def _tick(state: RiskState, event: market.Tick, at: At) -> list[Event]:
    """Exits where no frame comes to judge them, and the end of a halt. Nothing is marked and nothing is opened."""
    facts: list[Event] = resumed(state, at.ts_ns)
    for position in state.ledger.positions.values():
        if silent(state, position, at.ts_ns):
            asked = exits.request_unseen(state, position, at.ts_ns)
            facts += [] if asked is None else [asked]
    return facts


def _mark_due(state: RiskState, event: market.ChainFrame, held: bool, ts_ns: int) -> bool:
    if not (state.started and state.ledger.funded):
        return False
    if event.closing and (held or state.equity.marked_ns != ts_ns):
        return True
    return held and ts_ns - state.equity.marked_ns >= state.params.mark_every_s * _SECOND_NS


def _bars(state: RiskState, event: market.Bars, at: At) -> list[Event]:
    if not state.ledger.spot_seen:
        return []
    facts = decide_halts(state, at.ts_ns)
    if state.started and at.ts_ns - state.equity.marked_ns >= state.params.bar_mark_every_s * _SECOND_NS:
        facts.append(marked(state))
    return facts


def _proposal(state: RiskState, event: signal.Proposal, at: At) -> list[Event]:
    return decide_proposal(state, event, at.ts_ns)


def _regime(state: RiskState, event: signal.RegimeReport | signal.RegimeChanged, at: At) -> list[Event]:
    if event.label != exits.CRASH:
        return []
    return _exits(state, (p for p in state.ledger.positions.values() if p.entry.underlying == event.symbol), at)


def _ask_all(state: RiskState, event: Event, at: At) -> list[Event]:
    return _exits(state, state.ledger.positions.values(), at)


def _filled(state: RiskState, event: order.Filled, at: At) -> list[Event]:
    position = ledger.owner(state.ledger, event)
    if position is None:
        return []
    facts: list[Event] = [fact for fact in (trades.opened(position),) if fact is not None]
    facts += _closings(state, [position])
    return facts + (_exits(state, [position], at) if position.flatten else [])


def _order_done(state: RiskState, event: order.OrderDone, at: At) -> list[Event]:
    position = state.ledger.positions.get(event.position_id)
    return [] if position is None else _closings(state, [position])


def _settled(state: RiskState, event: Event, at: At) -> list[Event]:
    facts = _closings(state, state.ledger.positions.values())
    due = (p for p in state.ledger.positions.values() if p.flatten or exits.left_over(p, at.ts_ns))
    return facts + _exits(state, due, at)


def _account(state: RiskState, event: order.AccountSnapshot, at: At) -> list[Event]:
    """A later snapshot that differs from the ledger stops new risk until a person has looked."""
    ours = ledger.net_holdings(state.ledger)
    theirs = {name: n for name, n in zip(event.instruments, event.quantities, strict=True) if n}
    if event.cash_micros == state.ledger.cash_micros and ours == theirs:
        return []
    if state.halts.manual is not None:
        return []
    return [manual_halt("account_mismatch")]


def _halt(state: RiskState, event: system.Halt, at: At) -> list[Event]:
    return [manual_halt(event.reason)]


def _resume(state: RiskState, event: system.Resume, at: At) -> list[Event]:
    return [] if state.halts.drawdown else [TradingResumed(reason=event.reason, kind="manual")]


def _exits(state: RiskState, positions: Iterable[Position], at: At) -> list[Event]:
    asked = (exits.request(state, position, at.ts_ns) for position in positions)
    return [fact for fact in asked if fact is not None]


def _closings(state: RiskState, positions: Iterable[Position]) -> list[Event]:
    done = (trades.closed(state, position) for position in positions)
    return [fact for fact in done if fact is not None]


DECIDE: dict[type[Event], Callable[[RiskState, Any, At], list[Event]]] = {
    market.Tick: _tick,
    market.ChainFrame: _frame,
    market.Bars: _bars,
    signal.Proposal: _proposal,
    signal.RegimeReport: _regime,
    signal.RegimeChanged: _regime,
    signal.ExitSignal: _ask_all,
    system.CloseOrdered: _ask_all,
    system.Halt: _halt,
    system.Resume: _resume,
    order.Filled: _filled,
    order.OrderDone: _order_done,
    order.Expired: _settled,
    order.Assigned: _settled,
    order.AccountSnapshot: _account,
}

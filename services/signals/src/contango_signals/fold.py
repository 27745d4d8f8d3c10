"""The signals fold: frames in; features, regimes, scans and proposals out.

``take`` is the only writer of state; what is decided here only reads.
"""

from collections.abc import Callable
from typing import Any

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.market import BarHistory, Bars, ChainFrame
from contango_common.events.signal import FeatureFailed, Scan, StrategiesSelected
from contango_signals import assets, crossing, reports
from contango_signals.adjusting import FEATURE as ADJUSTMENTS
from contango_signals.adjusting import adjusted
from contango_signals.bars import DAILY_S, wants_banks
from contango_signals.deciding import five_state, label_of
from contango_signals.feasibility import alerts
from contango_signals.scan import due, scan
from contango_signals.select import selected
from contango_signals.state import State, new_state
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.strategies.spec import Spec
from contango_signals.switches import acts, level, runs, tried
from contango_signals.take import EVOLVE
from contango_signals.view import fitted, held_series, view_of

__all__ = ["DECIDE", "EVOLVE", "NAME", "READS", "initial"]

NAME = "signals"
READS = frozenset({"log.md", "log.reference", "log.forecast", "log.fit", "log.control.*", "log.risk"})
FIRST_DTE = 5  # nearer expiries say little about the term structure; nothing that closes at a week opens there


def initial() -> State:
    return new_state()


def _on_bars(state: State, event: Bars, at: At) -> list[Event]:
    facts: list[Event] = []
    daily = event.timeframe_s == DAILY_S
    if not daily and event.timeframe_s != state.params.bar_timeframe_s:
        return facts
    if state.crosses and not daily:
        for symbol in event.symbols:
            cross = state.crosses.get(symbol)
            if cross is not None and cross.turn and cross.ts_ns == at.ts_ns:
                facts += crossing.facts_of(state, symbol, cross, at)
    if not wants_banks(state.params):
        return facts
    facts += reports.failures(state)
    facts += reports.of_bars(state, event, at, daily)
    facts += assets.facts_of(state, event.symbols, at, daily)
    return facts


def _on_history(state: State, event: BarHistory, at: At) -> list[Event]:
    return reports.failures(state)


def _on_chain(state: State, event: ChainFrame, at: At) -> list[Event]:
    """At scan times forwards and smiles of what may be opened or is held; at a session's end of what is held.

    Open structures are looked at for changes on a session's first scan frame.
    """
    specs = [spec for name in state.params.strategies if (spec := STRATEGIES[name]).on == "chain"]
    looking = [spec for spec in specs if due(state, spec, event, at)]
    first = bool(looking) and state.selected.get(event.underlying) != event.session_date
    facts: list[Event] = []
    if looking and runs(state, "selector"):
        found = tried("selector", lambda: _select(state, looking, event))
        if isinstance(found, FeatureFailed):  # then every strategy looks, and its own gates decide
            facts.append(found)
        else:
            looking, selection = found
            facts += [selection] if first else []
    closing = event.closing and bool(held_series(state, event.underlying))
    adjusting = first and runs(state, ADJUSTMENTS) and bool(held_series(state, event.underlying))
    if not (looking or closing or adjusting):
        return facts
    view = view_of(state, event, at, from_dte=_from_dte(state, specs) if looking or adjusting else None)
    facts += [fitted(view, s) for s in (*view.slices, *view.held)]
    for fact in scan(state, looking, view, event, at):
        facts.append(fact)
        if isinstance(fact, Scan) and runs(state, "feasibility"):
            facts += alerts(state.killed, state.alerted, fact, state.params.select)
    return facts + (adjusted(state, view, event, at) if adjusting else [])


def _from_dte(state: State, specs: list[Spec]) -> int:
    """From how many days on expiries are fitted."""
    return min([FIRST_DTE, *(int(state.params.strategies[spec.name].dte_min) for spec in specs)])


def _select(state: State, specs: list[Spec], event: ChainFrame) -> tuple[list[Spec], StrategiesSelected]:
    """The strategies that look now, and the fact that says so; a selector that does not act lets all of them look."""
    p, underlying = state.params, event.underlying
    levels = {spec.name: level(state, spec.name) for spec in specs}
    chosen, excluded = selected(specs, p.strategies, levels, five_state(state, underlying), p.gates_off)
    fact = StrategiesSelected(
        underlying=underlying,
        session_date=event.session_date,
        detector=p.select.detector,
        label=label_of(state, underlying),
        selected=tuple(spec.name for spec in chosen),
        excluded=excluded,
    )
    return chosen if acts(state, "selector") else specs, fact


DECIDE: dict[type[Event], Callable[[State, Any, At], list[Event]]] = {
    Bars: _on_bars,
    BarHistory: _on_history,
    ChainFrame: _on_chain,
}

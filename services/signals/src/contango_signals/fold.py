"""The signals fold: frames in; features, regimes, scans and proposals out.

``take`` is the only writer of state; what is decided here only reads.
"""

from collections.abc import Callable
from typing import Any

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.market import Bars, ChainFrame
from contango_common.events.signal import FeatureRow, RegimeChanged
from contango_signals import crossing, regime
from contango_signals.features import feature_values
from contango_signals.scan import due, scan
from contango_signals.state import State, new_state
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.take import EVOLVE
from contango_signals.view import fitted, held_series, view_of

__all__ = ["DECIDE", "EVOLVE", "NAME", "READS", "initial"]

NAME = "signals"
READS = frozenset({"log.md", "log.reference", "log.forecast", "log.control.*", "log.risk"})

SECOND_NS = 1_000_000_000


def initial() -> State:
    return new_state()


def _on_bars(state: State, event: Bars, at: At) -> list[Event]:
    facts: list[Event] = []
    intraday = event.timeframe_s == state.params.bar_timeframe_s
    for symbol in event.symbols:
        if intraday:
            cross = state.crosses.get(symbol)
            if cross is not None and cross.turn and cross.ts_ns == at.ts_ns:
                facts += crossing.facts_of(state, symbol, cross, at)
        if symbol in state.features:
            facts += _features_of(state, symbol, intraday, at)
    return facts


def _features_of(state: State, symbol: str, intraday: bool, at: At) -> list[Event]:
    features, p = state.features[symbol], state.params
    facts: list[Event] = []
    label = regime.detect(features, state.vol, p)
    previous = state.regimes.get(symbol)
    if label is not None and label != previous:
        facts.append(
            RegimeChanged(
                symbol=symbol,
                detector=regime.DETECTOR,
                version=regime.VERSION,
                label=label,
                previous=previous,
                why=regime.reasons(features, state.vol),
            )
        )
    every_ns = p.feature_row_every_s * SECOND_NS
    if intraday and every_ns and at.ts_ns % every_ns == 0 and features.row_ns != at.ts_ns:
        facts.append(FeatureRow(symbol=symbol, values=feature_values(features, state.vol, p)))
    return facts


def _on_chain(state: State, event: ChainFrame, at: At) -> list[Event]:
    """At scan times forwards and smiles of what may be opened or is held; at a session's end of what is held."""
    specs = [STRATEGIES[name] for name in state.params.strategies]
    looking = [spec for spec in specs if spec.on == "chain" and due(state, spec, event, at)]
    if not looking and not (event.closing and held_series(state, event.underlying)):
        return []
    view = view_of(state, event, at, window=bool(looking))
    facts: list[Event] = [fitted(view, s) for s in (*view.slices, *view.held)]
    for spec in looking:
        facts += scan(state, spec, view, event, at)
    return facts


DECIDE: dict[type[Event], Callable[[State, Any, At], list[Event]]] = {Bars: _on_bars, ChainFrame: _on_chain}

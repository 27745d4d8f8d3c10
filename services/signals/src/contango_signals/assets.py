"""Strategies on closed bars: a proposal to buy one asset when flat, an exit signal when not. Reads state only."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.signal import ExitSignal, FeatureFailed, Proposal, Scalar
from contango_signals.alignment import Alignment, Reading, align, direction_of
from contango_signals.bank import DAILY, LENGTH_S, value
from contango_signals.bank import values_of as frame_values
from contango_signals.context import flat, market_context
from contango_signals.deciding import is_uncertain, labels_of, told_by
from contango_signals.direction import boosted, turned, word_of
from contango_signals.features import values_of
from contango_signals.profile import key_level
from contango_signals.purchases import gates_of, purchase, scanned
from contango_signals.regimes.s1 import effects
from contango_signals.sessions24 import session_at
from contango_signals.sizes import factors_in_force, with_own
from contango_signals.state import OpenPosition, State, Symbol, last_opening_ns
from contango_signals.strategies.bars import stopped
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.strategies.spec import Asset, Entry, Held, Leave, Spec
from contango_signals.switches import acts, level, tried
from contango_signals.thresholds import in_force
from contango_signals.view import held_of


def facts_of(state: State, symbols: tuple[str, ...], at: At, daily: bool) -> list[Event]:
    """Every strategy on bars asked about every symbol that just closed a bar; one that raises is told and left out."""
    facts: list[Event] = []
    mine = [name for name in symbols if name in state.params.assets and name in state.symbols]
    if not mine:
        return facts
    seen = {name: values_of(state, name) for name in state.params.assets if name in state.symbols}
    for spec in _specs(state):
        for name in mine:
            if not _asked(state, spec, name, daily):
                continue
            found = tried(spec.name, lambda s=spec, n=name: _decide(state, s, n, seen, at, daily))  # type: ignore[misc]
            if isinstance(found, FeatureFailed):
                facts.append(found)
                break
            facts += found
    return facts


def _specs(state: State) -> list[Spec]:
    names = [name for name in state.params.strategies if level(state, name) != "off"]
    return [spec for name in names if (spec := STRATEGIES[name]).on == "bars" and spec.decide is not None]


def _asked(state: State, spec: Spec, name: str, daily: bool) -> bool:
    """A flat strategy is asked when its own timeframe closes; one that holds on every bar, for its stop."""
    return _is_own(state, spec, name, daily) or _held(state, spec, name) is not None


def _is_own(state: State, spec: Spec, name: str, daily: bool) -> bool:
    timeframe = getattr(state.params.strategies[spec.name], "timeframe", DAILY)
    return (timeframe == DAILY) == daily and timeframe in state.symbols[name].bank.closed


def _held(state: State, spec: Spec, name: str) -> tuple[str, OpenPosition] | None:
    mine = ((k, p) for k, p in state.positions.items() if p.strategy == spec.name and p.underlying == name)
    return next(mine, None)


def _decide(state: State, spec: Spec, name: str, seen: Mapping[str, Any], at: At, daily: bool) -> list[Event]:
    held = _held(state, spec, name)
    if held is not None and held[1].lapses_ns is not None:
        if held[1].lapses_ns >= at.ts_ns:
            return []  # its order is still at work
        held = None  # it lapsed unfilled
    own = _is_own(state, spec, name, daily)
    close = close_of(state.symbols[name], daily)
    if close is None or (held is None and not own):
        return []
    asset = asset_of(state, name, None if held is None else held_of(*held), seen, at, close)
    assert spec.decide is not None
    if held is not None and turned(state, word := word_of(state, name, at.ts_ns)) and word is not None:
        reversed_why: dict[str, float | None] = {"close": close, "direction_bull": word.bull}
        return [ExitSignal(underlying=name, strategy=spec.name, why={**reversed_why, "left.direction_reversal": 1.0})]
    # Between the bars of the strategy's own timeframe a position may leave at its stop or target, by no other rule.
    answer = spec.decide(asset, state.params.strategies[spec.name]) if own else stopped(asset, {})
    if isinstance(answer, Leave) and held is not None:
        why = {**answer.why, f"left.{answer.reason}": 1.0}
        return [ExitSignal(underlying=name, strategy=spec.name, why=why)]
    if isinstance(answer, Entry) and held is None:
        return _proposed(state, spec, asset, answer, at)
    return []


def close_of(symbol: Symbol, daily: bool) -> float | None:
    """The close of the bar that just closed; None before any."""
    intraday, session = symbol.bank.close, value(symbol.bank, DAILY, "close")
    return session if intraday is None or (daily and session is not None) else intraday


def asset_of(state: State, name: str, held: Held | None, seen: Mapping[str, Any], at: At, close: float) -> Asset:
    """What strategies are shown of one symbol now."""
    symbol = state.symbols[name]
    agreed = alignment_of(state, symbol, at.ts_ns)
    values = dict(seen[name])
    position = None if held is None else state.positions.get(held.position_id)
    values["stop"] = None if position is None else position.stop
    values["target"] = None if position is None else position.target
    told, word = told_by(state, name, "s1"), word_of(state, name, at.ts_ns)
    return Asset(
        symbol=name,
        now_ns=at.ts_ns,
        close=close,
        closing="1d" in symbol.bank.closed,
        session=session_at(at.ts_ns),
        values=MappingProxyType(values),
        labels=labels_of(state, name),
        overlay=() if told is None else tuple(told.overlay),
        confidence=boosted(word, agreed.confidence),
        weighted_confidence=agreed.weighted_confidence,
        direction=agreed.direction,
        key_level=_key_level(state, symbol, close),
        thresholds=MappingProxyType(thresholds_of(state, name)),
        held=held,
        peers=MappingProxyType(dict(seen)),
    )


def _key_level(state: State, symbol: Symbol, price: float) -> str | None:
    if symbol.levels is None or not acts(state, "profile"):
        return None
    return key_level(symbol.levels, price, state.params.profile)


def thresholds_of(state: State, name: str) -> dict[str, float]:
    """Adapted where that acts; in a volatile market, by the intraday rules where they act, 30 % higher."""
    told, current = told_by(state, name, "s1"), state.symbols[name].thresholds.current
    _, factor = effects(None, ()) if told is None else effects(told.label, tuple(told.overlay))
    return in_force(current if acts(state, "thresholds") else {}, factor, state.params.thresholds)


def alignment_of(state: State, symbol: Symbol, now_ns: int) -> Alignment:
    """Agreement of the timeframes; unless the feature acts none agrees with any other."""
    p, readings = state.params.alignment, {}
    if acts(state, "alignment"):
        for name in LENGTH_S:
            frame = symbol.bank.frames.get(name)
            if frame is not None and frame.bar_ns:
                readings[name] = Reading(direction_of(frame_values(symbol.bank, name)), frame.bar_ns)
    return align(readings, now_ns, p)


def _gates(state: State, spec: Spec, name: str, at: At) -> dict[str, bool]:
    """A verdict for each of ``BAR_GATES``."""
    tradable, certain = state.tradable.get(name, False), not is_uncertain(state, name)
    return {**gates_of(state, spec.name, name, at), "tradable": tradable, "regime_certain": certain}


def _proposed(state: State, spec: Spec, asset: Asset, entry: Entry, at: At) -> list[Event]:
    gates = _gates(state, spec, asset.symbol, at)
    proposed = all(gates.values())
    looked = scanned(spec.name, asset.symbol, gates, entry.score, asset.close, entry.why)
    return [looked, _proposal(state, spec, asset, entry, gates, at)] if proposed else [looked]


def _proposal(state: State, spec: Spec, asset: Asset, entry: Entry, gates: dict[str, bool], at: At) -> Proposal:
    inforce, shadow = factors_in_force(state, asset.symbol, asset.close, at.ts_ns)
    opened_ns = last_opening_ns(state, spec.name, asset.symbol, at.ts_ns)
    word = word_of(state, asset.symbol, at.ts_ns)
    why = {
        "close": asset.close,
        "stop": entry.stop,
        "target": entry.target,
        "confidence": asset.confidence,
        "weighted_confidence": asset.weighted_confidence,
        "direction": float(asset.direction),
        "direction_bull": None if word is None else word.bull,
        "hours_since_opening": None if opened_ns is None else (at.ts_ns - opened_ns) / 3.6e12,
        **entry.why,
    }
    own: dict[str, Scalar] = {"session": asset.session, "key_level": asset.key_level, **flat(entry.why)}
    return purchase(
        state,
        spec,
        asset.symbol,
        asset.close,
        at,
        score=entry.score,
        gates=gates,
        why=why,
        multipliers=with_own(inforce, entry.size_factor),
        shadow_multipliers=shadow,
        module_specific_params=own,
        market_context=market_context(asset.values, asset.labels, {"overlay": " ".join(asset.overlay)}),
        alternatives=entry.alternatives,
    )

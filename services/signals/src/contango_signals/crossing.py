"""What an EMA cross makes of a closed bar: a proposal when flat, an exit signal when not. Reads state only."""

import math

from contango_common.domain.at import At
from contango_common.domain.sessions import MINUTE_NS
from contango_common.events.base import Event
from contango_common.events.signal import ExitSignal, Proposal
from contango_signals.assets import scanned
from contango_signals.context import ON_BARS, entry_parameters, flat, market_context
from contango_signals.deciding import label_of, labels_of
from contango_signals.scan import UNKNOWN_REGIME, is_halted
from contango_signals.state import State, standing
from contango_signals.strategies.ema_cross import SPEC, Cross, averages
from contango_signals.switches import acts

DEFAULT_TICK_MICROS = 10_000


def facts_of(state: State, symbol: str, cross: Cross, at: At) -> list[Event]:
    """Facts on the bar of a cross; nothing on any other bar."""
    held = bool(standing(state, SPEC.name, symbol, at.ts_ns))
    if cross.turn < 0:
        why: dict[str, float | None] = {"close": cross.close}
        return [ExitSignal(underlying=symbol, strategy=SPEC.name, why=why)] if held else []
    gates = _gates(state, symbol, held, at)
    looked = scanned(SPEC.name, symbol, gates, 0.0, cross.close, averages(cross))
    return [looked, _proposal(state, symbol, cross, gates, at)] if looked.proposed else [looked]


def _gates(state: State, symbol: str, held: bool, at: At) -> dict[str, bool]:
    return {
        "trading_started": state.trading_started,
        "parameters_valid": state.params_error is None,
        "not_halted": not is_halted(state, at.ts_ns),
        "switched_on": acts(state, SPEC.name),
        "feed_live": state.feeds.get(symbol) == "live",
        "flat": not held,
    }


def _proposal(state: State, symbol: str, cross: Cross, gates: dict[str, bool], at: At) -> Proposal:
    p, tick_micros = state.params, state.tick_micros.get(symbol, DEFAULT_TICK_MICROS)
    price_ticks = cross.close * 1e6 / tick_micros
    limit_ticks = math.ceil(price_ticks * (1.0 + p.limit_slippage))
    return Proposal(
        proposal_id=f"{SPEC.name}:{symbol}:{at.seq}",
        strategy=SPEC.name,
        kind=SPEC.kind,
        underlying=symbol,
        instruments=(symbol,),
        ratios=(1,),
        multiplier=1,
        tick_micros=tick_micros,
        expiry_ns=None,
        last_trade_ns=None,
        mid_ticks=price_ticks,
        natural_ticks=math.ceil(price_ticks),
        limit_ticks=limit_ticks,
        max_loss_ticks=limit_ticks,
        score=0.0,
        gates=gates,
        why={"close": cross.close, **averages(cross)},
        regime=label_of(state, symbol) or UNKNOWN_REGIME,
        valid_until_ns=at.ts_ns + p.valid_minutes * MINUTE_NS,
        quantity_cap=p.strategies[SPEC.name].quantity_cap,
        entry_parameters=entry_parameters(p.strategies[SPEC.name], p, ON_BARS),
        module_specific_params=flat({"price": cross.close, **averages(cross)}),
        market_context=market_context({"close": cross.close}, labels_of(state, symbol), {}),
        alternatives={"cross": f"would have triggered at a close whose averages cross, near {cross.close:.6g}"},
    )

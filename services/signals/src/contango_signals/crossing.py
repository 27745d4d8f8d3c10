"""What an EMA cross makes of a closed bar: a proposal when flat, an exit signal when not. Reads state only."""

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.signal import ExitSignal, Proposal
from contango_signals.context import flat, market_context
from contango_signals.deciding import labels_of
from contango_signals.purchases import gates_of, purchase, scanned
from contango_signals.state import State, standing
from contango_signals.strategies.ema_cross import SPEC, Cross, averages


def facts_of(state: State, symbol: str, cross: Cross, at: At) -> list[Event]:
    """Facts on the bar of a cross; nothing on any other bar."""
    if cross.turn < 0:
        held = bool(standing(state, SPEC.name, symbol, at.ts_ns))
        why: dict[str, float | None] = {"close": cross.close}
        return [ExitSignal(underlying=symbol, strategy=SPEC.name, why=why)] if held else []
    gates = gates_of(state, SPEC.name, symbol, at)
    looked = scanned(SPEC.name, symbol, gates, 0.0, cross.close, averages(cross))
    return [looked, _proposal(state, symbol, cross, gates, at)] if looked.proposed else [looked]


def _proposal(state: State, symbol: str, cross: Cross, gates: dict[str, bool], at: At) -> Proposal:
    return purchase(
        state,
        SPEC,
        symbol,
        cross.close,
        at,
        score=0.0,
        gates=gates,
        why={"close": cross.close, **averages(cross)},
        quantity_cap=state.params.strategies[SPEC.name].quantity_cap,
        module_specific_params=flat({"price": cross.close, **averages(cross)}),
        market_context=market_context({"close": cross.close}, labels_of(state, symbol), {}),
        alternatives={"cross": f"would have triggered at a close whose averages cross, near {cross.close:.6g}"},
    )

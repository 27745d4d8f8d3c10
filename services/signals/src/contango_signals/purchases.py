"""A purchase of one asset at the close of its bar: what every strategy on bars asks, records and proposes alike."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.sessions import MINUTE_NS
from contango_common.events.signal import Proposal, Scan
from contango_signals.context import ON_BARS, entry_parameters
from contango_signals.deciding import label_of
from contango_signals.scan import UNKNOWN_REGIME, is_halted
from contango_signals.state import State, standing
from contango_signals.strategies.spec import Spec
from contango_signals.switches import acts

DEFAULT_TICK_MICROS = 10_000

BAR_GATES: Mapping[str, str] = MappingProxyType(
    {
        "trading_started": "warm-up is over",
        "parameters_valid": "the last parameters were valid",
        "not_halted": "neither a person nor risk halted trading",
        "switched_on": "the strategy is not in shadow",
        "feed_live": "the asset's feed says live",
        "flat": "the strategy neither holds it nor has an order for it at work",
        "tradable": "it is no index",
        "regime_certain": "the deciding detector works, and the rules, if they decide, are certain",
    }
)


def gates_of(state: State, strategy: str, symbol: str, at: At) -> dict[str, bool]:
    """The verdicts that every purchase asks for: those of ``BAR_GATES`` up to ``flat``."""
    return {
        "trading_started": state.trading_started,
        "parameters_valid": state.params_error is None,
        "not_halted": not is_halted(state, at.ts_ns),
        "switched_on": acts(state, strategy),
        "feed_live": state.feeds.get(symbol) == "live",
        "flat": not standing(state, strategy, symbol, at.ts_ns),
    }


def scanned(
    strategy: str, symbol: str, gates: dict[str, bool], score: float, close: float, why: Mapping[str, float | None]
) -> Scan:
    """What a strategy on bars wanted, with the verdict of every gate, taken or not."""
    refusing = [name for name, ok in gates.items() if not ok]
    row: dict[str, float | str | None] = {
        "legs": symbol,
        "mid_ticks": None,
        "limit_ticks": None,
        "score": score,
        "refusing": " ".join(refusing),
    }
    return Scan(
        underlying=symbol,
        strategy=strategy,
        candidates=1,
        proposed=not refusing,
        gates=gates,
        kills=dict.fromkeys(refusing, 1),
        why={"close": close, "score": score, **why},
        rows=(row,),
    )


def purchase(state: State, spec: Spec, symbol: str, close: float, at: At, **own: Any) -> Proposal:
    """To buy the asset, at most ``limit_slippage`` above the close; ``own`` are the strategy's fields of the fact."""
    p, tick_micros = state.params, state.tick_micros.get(symbol, DEFAULT_TICK_MICROS)
    price_ticks = close * 1e6 / tick_micros
    limit_ticks = math.ceil(price_ticks * (1.0 + p.limit_slippage))
    return Proposal(
        proposal_id=f"{spec.name}:{symbol}:{at.seq}",
        strategy=spec.name,
        kind=spec.kind,
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
        regime=label_of(state, symbol) or UNKNOWN_REGIME,
        valid_until_ns=at.ts_ns + p.valid_minutes * MINUTE_NS,
        entry_parameters=entry_parameters(p.strategies[spec.name], p, ON_BARS),
        **own,
    )

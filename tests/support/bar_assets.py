"""Strategies on closed bars: one symbol as they are shown it, and a small world of bars for the signals fold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.market import AssetListed, Bars, FeedState
from contango_common.events.risk import TradeClosed
from contango_common.events.signal import ExitSignal, Proposal
from contango_common.events.system import ParametersChanged, TradingStarted
from contango_common.runtime.fold import evolve, step
from contango_signals import fold
from contango_signals.state import State
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.strategies.spec import Asset, Entry, Held, Leave
from support.signals_world import approved, opened

MINUTE_NS = 60_000_000_000
DAY_S, DAY_NS = 86_400, 1440 * MINUTE_NS
HELD = Held("p", "x", "single", ("A",), (1,), 1, 0, 100.0)
Values = Mapping[str, float | None]


def shown(values: Values, close: float = 100.0, **changes: Any) -> Asset:
    """One symbol, alone in its universe, timeframes in agreement on up; ``changes`` are fields of the asset."""
    seen: Values = MappingProxyType(dict(values))
    base = Asset(
        symbol="A",
        now_ns=0,
        close=close,
        closing=False,
        session="asia",
        values=seen,
        labels={},
        overlay=(),
        confidence=1.0,
        weighted_confidence=1.0,
        direction=1,
        key_level=None,
        thresholds={"adx": 25.0, "rvol": 1.5},
        held=None,
        peers={"A": seen},
    )
    return replace(base, **changes)


def asked(name: str, asset: Asset, **keys: Any) -> Entry | Leave | None:
    """The strategy's answer under parameters ``keys``, the others as shipped."""
    spec = STRATEGIES[name]
    assert spec.decide is not None
    return spec.decide(asset, spec.params(**keys))


def bought(name: str, asset: Asset, **keys: Any) -> Entry:
    answer = asked(name, asset, **keys)
    assert isinstance(answer, Entry), answer
    return answer


def left(name: str, asset: Asset, **keys: Any) -> str | None:
    """Why a holder leaves, None while it stays."""
    answer = asked(name, replace(asset, held=HELD), **keys)
    assert answer is None or isinstance(answer, Leave)
    return None if answer is None else answer.reason


# -- through the fold --------------------------------------------------------------------------------------------------

# Windows of a few bars, so that a scenario is ready within a day or two.
SHORT: dict[str, Any] = {
    "ema_fast": 2,
    "ema_slow": 3,
    "sma": 3,
    "sma_long": 5,
    "rsi": 2,
    "bollinger": 5,
    "atr": 2,
    "atr_rank_window": 5,
    "adx": 2,
    "rvol": 3,
    "vol_window": 3,
    "session_s": 86_400,
}


def begin(strategies: dict[str, Any], symbols: Sequence[str] = ("A",), *more: Event, **keys: Any) -> State:
    """A started book of these strategies on spot assets with live feeds; ticks of a cent."""
    section = {
        "strategies": strategies,
        "assets": list(symbols),
        "bank": SHORT,
        "bar_timeframe_s": 900,
        "feature_row_every_s": 0,
        "sessions_per_year": 365,
        "select": {"detector": "s1"},
    }
    state = fold.initial()
    events: list[Event] = [ParametersChanged(params={"signals": {**section, **keys}}, reason="test")]
    for name in symbols:
        events += [AssetListed(symbol=name, kind="spot"), FeedState(underlying=name, state="live")]
    step(fold, state, (*events, *more, TradingStarted()), At(1, 1, "control.test"))
    return state


def bar(timeframe_s: int, closes: Mapping[str, float], half: float = 0.5, volume: float = 100.0) -> Bars:
    """A bar a symbol that opens at its close and reaches ``half`` to either side."""
    values = tuple(closes.values())
    return Bars(
        timeframe_s=timeframe_s,
        symbols=tuple(closes),
        open=values,
        high=tuple(x + half for x in values),
        low=tuple(x - half for x in values),
        close=values,
        volume=(volume,) * len(values),
    )


@dataclass(slots=True)
class Run:
    """A book's state with the facts that concern trades: (instant, fact). Proposals and exits are filled at once."""

    state: State
    seq: int = 1
    fills: bool = True

    def take(self, ts_ns: int, *events: Event) -> list[Event]:
        """Every fact on the events of one instant."""
        self.seq += 1
        at = At(ts_ns, self.seq, "md")
        facts, _ = step(fold, self.state, events, at)
        if self.fills:
            for fact in facts:
                self._answer(fact, at)
        return facts

    def trades(self, ts_ns: int, *events: Event) -> list[Event]:
        """Its proposals and exit signals."""
        return [fact for fact in self.take(ts_ns, *events) if isinstance(fact, Proposal | ExitSignal)]

    def _answer(self, fact: Event, at: At) -> None:
        if isinstance(fact, Proposal):
            known = (fact.proposal_id, fact.strategy, fact.underlying)
            evolve(fold, self.state, approved(*known, fact.valid_until_ns), at)
            evolve(fold, self.state, opened(*known), at)
        elif isinstance(fact, ExitSignal):
            for key, p in list(self.state.positions.items()):
                if (p.strategy, p.underlying) == (fact.strategy, fact.underlying):
                    evolve(fold, self.state, TradeClosed.model_construct(position_id=key), at)  # type: ignore[call-arg]


def context_is_whole(proposal: Proposal) -> None:
    """What every trade carries: at least ten parameters, the market, what would have triggered; no nan anywhere."""
    assert proposal.entry_parameters
    assert proposal.module_specific_params
    assert proposal.market_context
    assert proposal.alternatives
    assert len({*proposal.entry_parameters, *proposal.module_specific_params}) >= 10
    for words in (
        proposal.entry_parameters,
        proposal.module_specific_params,
        proposal.market_context,
        proposal.alternatives,
        proposal.why,
    ):
        for name, x in words.items():
            assert not isinstance(x, float) or math.isfinite(x), name

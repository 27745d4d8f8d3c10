"""One word an hour: rows between the full hours are none, for the bets of the judge must follow one another."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionFitted, DirectionForecast
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import step
from contango_inference.direction.features import HOUR_NS
from contango_inference.models.port import NoModels
from contango_inference.oracle import Oracle, State

SMALL: dict[str, Any] = {"min_rows": 100, "window_days": 14, "trees": 5, "depth": 3, "min_leaf": 5, "folds": 2}
HOURS = 200
INDICATORS = (
    *("rvol_1h", "atr_percent_1h", "atr_pctl_1h", "bb_width_1h", "bb_position_1h", "rsi_1h", "macd_hist_1h"),
    *("squeeze_on_1h", "adx_1h", "plus_di_1h", "minus_di_1h", "sma_distance_4h"),
)


def row_at(ts_ns: int, seed: int = 0) -> FeatureRow:
    """A row that depends on its instant alone."""
    rng = np.random.default_rng([seed, ts_ns // 1_000_000_000])
    values: dict[str, float | None] = {name: float(rng.normal()) for name in INDICATORS}
    close = 100.0 * float(np.exp(0.05 * rng.normal()))
    return FeatureRow(symbol="BTC", values=values | {"close": close, "vwap_1h": 100.0, "volume": 5.0})


def played(instants: list[int]) -> tuple[list[tuple[int, Event]], State]:
    oracle, found = Oracle(NoModels()), []
    state = oracle.initial()
    book = {"inference": {"direction": {"symbols": ["BTC"], **SMALL}}}
    step(oracle, state, (ParametersChanged(params=book, reason="test"),), At(1, 1, "control.test"))
    for seq, ts_ns in enumerate(instants, start=2):
        facts, _ = step(oracle, state, (row_at(ts_ns),), At(ts_ns, seq, "signals"))
        found += [(ts_ns, fact) for fact in facts]
    return found, state


HOURLY = [hour * HOUR_NS for hour in range(1, HOURS + 1)]


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_a_book_that_tells_rows_more_often_is_told_the_same(minutes: int) -> None:
    often = list(range(HOURLY[0], HOURLY[-1] + 1, minutes * HOUR_NS // 60))
    facts, state = played(often)
    wanted, plain = played(HOURLY)
    assert facts == wanted
    assert {type(fact) for _, fact in facts} >= {DirectionFitted, DirectionForecast}
    ours, theirs = (s.direction.tracks["BTC"] for s in (state, plain))
    assert (ours.record, ours.row_ns, ours.lost) == (theirs.record, theirs.row_ns, theirs.lost)


@settings(max_examples=10)
@given(st.sets(st.integers(1, HOURS * HOUR_NS).filter(lambda ns: ns % HOUR_NS != 0), max_size=30))
def test_rows_at_any_odd_instant_change_nothing(odd: set[int]) -> None:
    assert played(sorted({*HOURLY, *odd}))[0] == played(HOURLY)[0]


def test_a_bet_is_settled_before_the_next_one_in_its_wealth_is_placed() -> None:
    """At every moment at most one prediction waits per hour of the horizon."""
    _, state = played(list(range(HOURLY[0], HOURLY[-1] + 1, HOUR_NS // 4)))
    track = state.direction.tracks["BTC"]
    offsets = [waiting.made_ns // HOUR_NS % 4 for waiting in track.waiting]
    assert len(offsets) == len(set(offsets)) == 4
    assert track.record.resolved > 50

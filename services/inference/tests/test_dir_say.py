"""From rows to a say: labels as a slow twin has them, and a say that is earned, lost and earned again, as facts."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionForecast, PredictorSwitched
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import step
from contango_common.runtime.snapshot import StateCodec
from contango_inference.direction.features import HOUR_NS
from contango_inference.direction.part import labels
from contango_inference.models.port import NoModels
from contango_inference.oracle import Oracle

SMALL: dict[str, Any] = {"min_rows": 100, "window_days": 60, "trees": 20, "depth": 3, "min_leaf": 20, "folds": 2}
INDICATORS = (
    *("rvol_1h", "atr_percent_1h", "atr_pctl_1h", "bb_width_1h", "bb_position_1h", "macd_hist_1h"),
    *("squeeze_on_1h", "adx_1h", "plus_di_1h", "minus_di_1h", "sma_distance_4h"),
)
DAYS, FALSE_FROM, TRUE_AGAIN = 75, 24, 31  # from one weekly fit to the next the signal says the opposite


@given(
    st.dictionaries(st.integers(0, 60), st.sampled_from([1.0, 2.0, 3.0]), max_size=60),
    st.sets(st.integers(0, 60)),
    st.integers(1, 8),
)
def test_labels_are_those_of_a_slow_twin(closes: dict[int, float], asked: set[int], horizon: int) -> None:
    """Up means higher: a close that stands where it stood did not rise; without that very hour there is no label."""
    rows = sorted(ts for ts in asked if ts in closes)
    twin = []
    for place, ts in enumerate(rows):
        later = [close for at, close in closes.items() if at == ts + horizon]
        if later:
            twin.append((place, 1.0 if later[0] > closes[ts] else 0.0))
    index, rose = labels(rows, closes, horizon)
    assert list(zip(index.tolist(), rose.tolist(), strict=True)) == twin


@given(st.dictionaries(st.integers(0, 60), st.sampled_from([1.0, 2.0]), min_size=1), st.integers(1, 8), st.data())
def test_a_label_changes_with_nothing_but_its_own_two_closes(
    closes: dict[int, float], horizon: int, data: st.DataObject
) -> None:
    now = data.draw(st.sampled_from(sorted(closes)))
    kept = {ts: close for ts, close in closes.items() if ts in (now, now + horizon)}
    others = {ts: 3.0 - close for ts, close in closes.items() if ts not in kept}
    alone = [part.tolist() for part in labels([now], kept, horizon)]
    assert [part.tolist() for part in labels([now], kept | others, horizon)] == alone


def signal_rows(seed: int = 4) -> list[FeatureRow]:
    """A walk, and an RSI that leans to where the price will stand in four hours; for a week it leans to the wrong
    side."""
    rng = np.random.default_rng(seed)
    hours = DAYS * 24
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, hours + 4)))
    rises = np.sign(closes[4:] - closes[:-4])
    day = np.arange(hours) // 24
    leaning = np.where((day >= FALSE_FROM) & (day < TRUE_AGAIN), -rises, rises)
    rsi = 50.0 + 10.0 * leaning + rng.normal(0.0, 8.0, hours)
    rows = []
    for i in range(hours):
        values: dict[str, float | None] = dict.fromkeys(INDICATORS, 2.0)
        close = float(closes[i])
        values |= {"rsi_1h": float(rsi[i]), "close": close, "vwap_1h": close, "volume": 5.0}
        rows.append(FeatureRow(symbol="BTC", values=values))
    return rows


@pytest.fixture(scope="module")
def told() -> list[tuple[int, Event]]:
    """Facts by hour; the state goes through the bytes of a snapshot every day."""
    oracle, facts = Oracle(NoModels()), []
    codec, state = StateCodec(oracle), oracle.initial()
    book = {"inference": {"direction": {"symbols": ["BTC"], **SMALL}}}
    step(oracle, state, (ParametersChanged(params=book, reason="test"),), At(1, 1, "control.test"))
    for hour, row in enumerate(signal_rows()):
        if hour % 24 == 0:
            state = codec.load(codec.dump(state))
        found, _ = step(oracle, state, (row,), At((24 + hour) * HOUR_NS, hour + 2, "signals"))
        facts += [(hour, fact) for fact in found]
    return facts


def test_a_say_is_earned_lost_to_harm_and_earned_again(told: list[tuple[int, Event]]) -> None:
    switched = [(hour, fact) for hour, fact in told if isinstance(fact, PredictorSwitched)]
    assert [fact.on for _, fact in switched] == [True, False, True]
    days = [hour / 24 for hour, _ in switched]
    assert days[0] < FALSE_FROM < days[1] < TRUE_AGAIN < days[2]
    for _, fact in switched:
        assert (fact.rule, fact.e_value is not None and fact.e_value >= 20.0) == ("e_process", True)
        assert ("better" if fact.on else "worse") in fact.reason


def test_the_weight_of_every_word_is_the_say_of_its_instant(told: list[tuple[int, Event]]) -> None:
    on = False
    for _, fact in told:
        if isinstance(fact, PredictorSwitched):
            on = fact.on
        if isinstance(fact, DirectionForecast):
            assert fact.weight == (1.0 if on else 0.0)
    assert on


def test_the_say_follows_from_outcomes_that_had_come_due(told: list[tuple[int, Event]]) -> None:
    """The number of outcomes behind a switch is that of the words spoken four hours before it or earlier."""
    words = [hour for hour, fact in told if isinstance(fact, DirectionForecast)]
    for hour, fact in told:
        if isinstance(fact, PredictorSwitched):
            assert fact.resolved == sum(spoken + 4 <= hour for spoken in words)

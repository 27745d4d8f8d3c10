"""The direction predictor on a year and a half of Bitcoin's hours, outages included: it works, and has nothing to say.

Measured on 2019-01 to 2020-06, 71 weekly fits and 11,655 predictions: the mean Brier score of the walk-forward folds is
0.2 % worse than that of the base rate, 53.6 % of the answers were right, and its own record gave it no say.
"""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionFitted, DirectionForecast, ForecastAbsent
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import step
from contango_inference.direction.features import HOUR_NS
from contango_inference.models.port import NoModels
from contango_inference.oracle import Oracle
from contango_signals import fold
from support.real_bars import DATA, bar_messages, read_bars, sessions_of, setup
from support.signals_world import play

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"real market data is not at {DATA}"),
]
BTC = "BTCUSDT"
FIRST, LAST = "2019-01-01", "2020-06-30"
COINS: dict[str, Any] = {"sessions_per_year": 365, "bank": {"session_s": 86_400}, "strategies": {}}


@cache
def said() -> list[tuple[int, Event]]:
    """Everything that the oracle said of the rows that the signals fold made of the bars."""
    bars = read_bars("crypto/BTCUSDT_1h_2017_2024.parquet", minutes=60, first=FIRST, last=LAST).assign(symbol=BTC)
    keys = {**COINS, "bar_timeframe_s": 3600, "feature_row_every_s": 3600}
    messages = setup(bars, sessions_of(bars, "24/7"), "spot", **keys) + bar_messages(bars, 3600)
    rows = [(seq, fact) for seq, fact in play(fold, fold.initial(), messages) if isinstance(fact, FeatureRow)]
    oracle = Oracle(NoModels())
    state, found = oracle.initial(), []
    book = {"inference": {"direction": {"symbols": [BTC]}, "models": {"champion": None}}}
    step(oracle, state, (ParametersChanged(params=book, reason="test"),), At(1, 1, "control.test"))
    for seq, row in rows:
        ts_ns = messages[seq - 1].ts_ns
        facts, _ = step(oracle, state, (row,), At(ts_ns, seq + 1, "signals"))
        found += [(ts_ns, fact) for fact in facts]
    return found


def of(kind: type) -> list[tuple[int, Any]]:
    return [(ts_ns, fact) for ts_ns, fact in said() if isinstance(fact, kind)]


def test_it_fits_every_week_and_speaks_every_hour_that_has_its_past() -> None:
    fits, words = of(DirectionFitted), of(DirectionForecast)
    assert len(fits) >= 60
    assert np.diff([ts for ts, _ in fits]).max() <= 8 * 24 * HOUR_NS
    assert len(words) >= 10_000
    assert all(0.0 <= word.prob_bull <= 1.0 for _, word in words)
    assert all(fact.trained_until_ns <= ts for ts, fact in fits)


def test_it_is_silent_where_the_exchange_was_and_says_why() -> None:
    instants = pd.to_datetime([ts for ts, _ in of(DirectionForecast)], utc=True)
    reasons = {fact.reason for ts, fact in of(ForecastAbsent) if ts > instants[0].value}
    assert reasons
    assert all(reason.startswith("feature return_") for reason in reasons)


def test_no_skill_is_found_and_no_say_is_given() -> None:
    scores = [(fact.brier, fact.baseline_brier) for _, fact in of(DirectionFitted) if fact.brier is not None]
    skill = 1.0 - np.mean([b for b, _ in scores]) / np.mean([b for _, b in scores])
    assert abs(skill) < 0.03
    assert {word.weight for _, word in of(DirectionForecast)} == {0.0}
    closes = {ts: word.prob_bull for ts, word in of(DirectionForecast)}
    assert 0.3 < np.mean(list(closes.values())) < 0.7

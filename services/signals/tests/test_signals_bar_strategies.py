"""Strategies on bars: what each proposes in its regime, by hand, and the laws that hold for all of them."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_signals.strategies.registry import STRATEGIES
from contango_signals.strategies.spec import Asset, Entry, Held, Leave, Spec
from contango_signals.strategies.stocks import momentum_rank

MINE = tuple(name for name, spec in STRATEGIES.items() if spec.on == "bars" and spec.decide is not None)
HELD = Held("p", "x", "single", ("A",), (1,), 1, 0, 100.0)
CRYPTO = {
    "momentum_15m": 0.02,
    "rvol_15m": 2.4,
    "atr_percent_15m": 0.5,
    "atr_pctl_1h": 60.0,
    "atr_15m": 1.0,
    "adx_15m": 30.0,
    "vwap_15m": 99.0,
    "rsi_15m": 30.0,
    "bb_position_15m": 0.1,
    "bb_middle_15m": 102.0,
}
STOCK = {
    "sma_distance_1d": 0.03,
    "rsi_1d": 60.0,
    "atr_pctl_1d": 40.0,
    "atr_1d": 2.0,
    "momentum_1d": 0.05,
    "sma_long_1d": 95.0,
    "ema_fast_1d": 99.0,
    "ema_slow_1d": 98.0,
    "realised_vol_1d": 0.2,
    "ou_z": 2.0,
}
LABELS = {"crypto_trend": "TRENDING_BULLISH", "crypto_reversion": "RANGING"}
PRICES = (
    "atr_15m",
    "vwap_15m",
    "bb_middle_15m",
    "atr_1d",
    "sma_long_1d",
    "ema_fast_1d",
    "ema_slow_1d",
    "stop",
    "target",
)
# What a strategy cannot do without.
NEEDED = {
    "crypto_momentum": ("momentum_15m", "rvol_15m", "atr_percent_15m", "atr_pctl_1h", "atr_15m"),
    "crypto_trend": ("adx_15m", "vwap_15m", "atr_15m"),
    "crypto_reversion": ("rsi_15m", "bb_position_15m", "bb_middle_15m", "atr_15m"),
    "core_equity": ("sma_long_1d", "atr_1d", "sma_distance_1d", "rsi_1d"),
    "momentum": ("momentum_1d", "atr_1d", "sma_distance_1d", "rsi_1d"),
    "sector_rotation": ("momentum_1d", "realised_vol_1d", "atr_1d", "sma_distance_1d", "rsi_1d"),
    "volatility_trading": ("ou_z", "ema_fast_1d", "atr_1d", "sma_distance_1d", "rsi_1d"),
    "leveraged_etf": (
        "ema_fast_1d",
        "ema_slow_1d",
        "sma_long_1d",
        "atr_pctl_1d",
        "atr_1d",
        "sma_distance_1d",
        "rsi_1d",
    ),
}


def asset(name: str, values: dict[str, float | None] | None = None, **changes: Any) -> Asset:
    """A symbol in the strategy's own regime, at a close of 100, alone in its universe."""
    seen = MappingProxyType(dict((CRYPTO if name.startswith("crypto") else STOCK) if values is None else values))
    base = Asset(
        symbol="A",
        now_ns=0,
        close=100.0,
        closing=False,
        session="asia",
        values=seen,
        labels={"s1": LABELS.get(name)},
        overlay=(),
        confidence=0.7,
        weighted_confidence=0.8,
        direction=1,
        key_level=None,
        thresholds={"adx": 25.0, "rvol": 1.5},
        held=None,
        peers={"A": seen},
    )
    return replace(base, **changes)


def asked(name: str, seen: Asset, **keys: Any) -> Entry | Leave | None:
    spec: Spec = STRATEGIES[name]
    assert spec.decide is not None
    return spec.decide(seen, spec.params(**keys))


def bought(name: str, seen: Asset, **keys: Any) -> Entry:
    answer = asked(name, seen, **keys)
    assert isinstance(answer, Entry), answer
    return answer


# -- by hand -----------------------------------------------------------------------------------------------------------

MOMENTUM_SCORE = 0.4 * 0.02 / (2 * 0.005 * 20**0.5) + 0.3 * 0.8 + 0.3 * 2.4 / 3.0
VOTES = 0.4 * 0.7 + 0.4 * 1.0 + 0.2 * 0.6  # technical: half the RSI, half the distance; breadth; calm


@pytest.mark.parametrize(
    ("name", "score", "stop", "target", "size"),
    [
        ("crypto_momentum", MOMENTUM_SCORE, 97.5, 105.0, 1.2 / 1.6),
        ("crypto_trend", 0.3 + 0.5 * 0.8, 97.5, None, 1.0),
        ("crypto_reversion", 0.5 + 0.05 + 0.05, 99.0, 102.0, 1.0),
        ("core_equity", VOTES, 88.0, None, 1.0 / 3.5),
        ("momentum", VOTES, 94.0, None, 2.0 / 3.5),
        ("sector_rotation", VOTES, 94.0, None, 1.5 / 3.5),
        ("volatility_trading", VOTES + 0.2 * 0.4, 94.0, 112.0, 1.8 / 3.5),
        ("leveraged_etf", VOTES, 96.0, None, 2.5 / 3.5),
    ],
)
def test_each_in_its_regime(name: str, score: float, stop: float, target: float | None, size: float) -> None:
    found = bought(name, asset(name))
    assert found.score == pytest.approx(score, rel=1e-12)
    assert found.stop == pytest.approx(stop)
    assert found.target == (None if target is None else pytest.approx(target))
    assert found.size_factor == pytest.approx(size)
    assert found.alternatives
    assert len(found.why) >= 10, "every trade carries at least ten numbers"
    assert found.why["price"] == 100.0


def test_every_strategy_on_bars_has_its_expectation() -> None:
    """The cross is tested apart: it keeps its averages itself."""
    assert set(MINE) == set(NEEDED)


@pytest.mark.parametrize(
    ("session", "threshold", "size"), [("asia", 0.45, 1.2), ("europe", 0.5, 1.0), ("us", 0.4, 1.1)]
)
def test_the_part_of_the_day_sets_threshold_and_size(session: str, threshold: float, size: float) -> None:
    """With volume alone in the score, rvol = 2·1.5·score: a hair above the threshold buys, a hair below does not."""
    weights = {"weight_momentum": 0.0, "weight_volatility": 0.0, "weight_volume": 1.0}
    for step, buys in ((1e-9, True), (-1e-9, False)):
        values = {**CRYPTO, "rvol_15m": 3.0 * (threshold + step)}
        answer = asked("crypto_momentum", asset("crypto_momentum", values, session=session), **weights)
        assert isinstance(answer, Entry) == buys
        if isinstance(answer, Entry):
            assert answer.size_factor == pytest.approx(size / 1.6)


@pytest.mark.parametrize(
    ("name", "changes", "values", "reason"),
    [
        ("crypto_momentum", {"direction": -1}, {}, "timeframes_down"),
        ("crypto_trend", {"labels": {"s1": "RANGING"}}, {}, "trend_over"),
        ("crypto_trend", {"labels": {"s1": "TRENDING_BEARISH"}}, {}, "trend_over"),
        ("crypto_reversion", {"labels": {"s1": "TRENDING_BEARISH"}}, {}, "range_broken"),
        ("core_equity", {"close": 93.0}, {}, "below_average"),
        ("momentum", {}, {"momentum_1d": -0.01}, "rank_lost"),
        ("volatility_trading", {}, {"ou_z": 0.0}, "reverted"),
        ("leveraged_etf", {}, {"atr_pctl_1d": 61.0}, "trend_or_calm_over"),
        ("leveraged_etf", {}, {"ema_fast_1d": 97.0}, "trend_or_calm_over"),
    ],
)
def test_each_leaves_by_its_own_rule(name: str, changes: Any, values: Any, reason: str) -> None:
    seen = asset(name, {**(CRYPTO if name.startswith("crypto") else STOCK), **values}, held=HELD, **changes)
    answer = asked(name, seen)
    assert isinstance(answer, Leave)
    assert answer.reason == reason


@pytest.mark.parametrize("name", MINE)
@pytest.mark.parametrize(("close", "reason"), [(98.0, "stop"), (97.0, "stop"), (104.0, "target"), (101.0, None)])
def test_all_leave_at_the_frozen_stop_and_target(name: str, close: float, reason: str | None) -> None:
    base = {**CRYPTO, **STOCK, "stop": 98.0, "target": 104.0}
    answer = asked(name, asset(name, base, held=HELD, close=close))
    assert (answer.reason if isinstance(answer, Leave) else answer) == reason


def peers(**momenta: float) -> dict[str, Any]:
    return {n: MappingProxyType({**STOCK, "momentum_1d": m, "realised_vol_1d": 0.1}) for n, m in momenta.items()}


def test_the_rotation_buys_the_first_three_and_sells_what_fell_behind_the_fifth() -> None:
    universe = peers(F=0.01, E=0.02, D=0.03, C=0.04, B=0.05, A=0.06)
    for name in ("momentum", "sector_rotation"):
        buys = [n for n in sorted(universe) if isinstance(asked(name, of(n, universe)), Entry)]
        sells = [n for n in sorted(universe) if isinstance(asked(name, of(n, universe, held=HELD)), Leave)]
        assert (buys, sells) == (["A", "B", "C"], ["F"])


def of(name: str, universe: dict[str, Any], **changes: Any) -> Asset:
    return replace(asset("momentum"), symbol=name, values=universe[name], peers=universe, **changes)


def test_equal_momenta_are_ranked_by_name_whatever_the_order_they_are_listed_in() -> None:
    p = STRATEGIES["momentum"].params()
    for universe in (peers(A=0.05, B=0.05, C=0.05), peers(C=0.05, B=0.05, A=0.05)):
        assert [momentum_rank(of(n, universe), p, by_risk=False) for n in "ABC"] == [(1, 3), (2, 3), (3, 3)]  # type: ignore[arg-type]


def test_risk_turns_the_ranking_round() -> None:
    p = STRATEGIES["momentum"].params()
    universe = peers(A=0.05, B=0.04)
    universe["A"] = MappingProxyType({**universe["A"], "realised_vol_1d": 0.5})
    assert momentum_rank(of("A", universe), p, by_risk=False) == (1, 2)  # type: ignore[arg-type]
    assert momentum_rank(of("A", universe), p, by_risk=True) == (2, 2)  # type: ignore[arg-type]


def test_volatility_falls_back_on_the_percentile_where_no_reversion_is_identified() -> None:
    for percentile, buys in ((90.0, True), (89.9, False), (None, False)):
        seen = asset("volatility_trading", {**STOCK, "ou_z": None, "iv_pctl_252": percentile})
        assert isinstance(asked("volatility_trading", seen), Entry) == buys


def test_a_key_level_eases_the_band_of_the_reversion() -> None:
    values = {**CRYPTO, "bb_position_15m": 0.19}
    assert asked("crypto_reversion", asset("crypto_reversion", values)) is None
    assert bought("crypto_reversion", asset("crypto_reversion", values, key_level="poc")).target == 102.0


# -- laws --------------------------------------------------------------------------------------------------------------

KEYS = sorted({*CRYPTO, *STOCK, "iv_pctl_252", "stop", "target"})
number = st.one_of(st.none(), st.floats(0.01, 200.0), st.floats(-1.0, 1.0))
point = st.one_of(st.none(), st.floats(0.0, 100.0))  # what is measured in points of 100
size = st.one_of(st.none(), st.just(0.0), st.floats(0.01, 200.0))
values_st = st.fixed_dictionaries(
    {key: point if "pctl" in key or "rsi" in key else size if key.startswith("atr") else number for key in KEYS}
)
assets = st.builds(
    lambda name, values, **kw: (name, asset(name, values, **kw)),
    st.sampled_from(MINE),
    st.one_of(values_st, st.sampled_from([CRYPTO, STOCK, {**CRYPTO, **STOCK}])),
    close=st.floats(0.5, 5000.0),
    direction=st.sampled_from([-1, 0, 1]),
    confidence=st.sampled_from([0.0, 0.7, 1.0]),
    session=st.sampled_from(["asia", "europe", "us"]),
    key_level=st.sampled_from([None, "poc", "value_low"]),
    labels=st.sampled_from([{"s1": x} for x in (None, "RANGING", "UNCERTAIN", "TRENDING_BULLISH", "TRENDING_BEARISH")]),
    held=st.sampled_from([None, HELD]),
)


@settings(max_examples=400, deadline=None)
@given(assets)
def test_stop_below_and_target_above_and_nothing_is_bought_twice(pair: tuple[str, Asset]) -> None:
    name, seen = pair
    answer = asked(name, seen)
    assert answer == asked(name, seen), "the same output twice"
    if isinstance(answer, Entry):
        assert seen.held is None
        assert answer.stop is None or 0.0 < answer.stop < seen.close
        assert answer.target is None or answer.target > seen.close
        assert 0.0 <= answer.score <= 1.0
        assert 0.0 < answer.size_factor <= 1.0, "no multiplier levers anything up"
    if isinstance(answer, Leave):
        assert seen.held is not None


@settings(max_examples=300, deadline=None)
@given(assets, st.sampled_from([0.25, 2.0, 1024.0]))
def test_another_unit_of_price_changes_no_decision(pair: tuple[str, Asset], unit: float) -> None:
    name, seen = pair
    scaled = MappingProxyType({k: x * unit if k in PRICES and x is not None else x for k, x in seen.values.items()})
    one, two = asked(name, seen), asked(name, replace(seen, close=seen.close * unit, values=scaled))
    assert type(one) is type(two)
    if isinstance(one, Entry) and isinstance(two, Entry):
        assert (two.stop, two.target) == tuple(None if x is None else x * unit for x in (one.stop, one.target))
        assert (two.score, two.size_factor) == (one.score, one.size_factor)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in NEEDED.items() for key in keys])
def test_nothing_is_bought_on_what_is_not_known(name: str, key: str) -> None:
    base = CRYPTO if name.startswith("crypto") else STOCK
    values = {**base, key: None}
    assert asked(name, asset(name, values)) is None

"""Laws of the strategies on bars: for any values and any allowed parameters, and on random paths through the fold."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.declare import Section
from contango_common.events.base import Event
from contango_common.events.fit import OuFitted
from contango_common.events.market import FeedState, SessionTable
from contango_common.events.signal import ExitSignal, FeatureFailed, Proposal
from contango_common.runtime.fold import evolve
from contango_common.runtime.snapshot import StateCodec
from contango_signals import fold
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.strategies.spec import Asset, Entry, Leave
from support.bar_assets import DAY_NS, DAY_S, HELD, MINUTE_NS, Run, bar, begin, context_is_whole, shown

CRYPTO = ("crypto_momentum", "crypto_trend", "crypto_reversion")
STOCKS = ("core_equity", "momentum", "sector_rotation", "volatility_trading", "leveraged_etf")
RANKED = ("momentum", "sector_rotation")
BASES = ("ema_fast", "ema_slow", "sma_long", "atr", "vwap", "bb_middle")  # in units of price
OTHERS = ("momentum", "rvol", "atr_percent", "atr_pctl", "adx", "rsi", "bb_position", "sma_distance", "realised_vol")
FRAMES = ("5m", "15m", "1h", "4h", "1d")
PRICES = (*(f"{name}_{t}" for name in BASES for t in FRAMES), "stop", "target")
KEYS = (*PRICES, *(f"{name}_{t}" for name in OTHERS for t in FRAMES), "ou_z", "iv_percentile")


# What each looks for beside averages in order, in a flat symbol: fields of the asset, values of its timeframe.
REGIMES: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
    "crypto_momentum": ({}, {"momentum_15m": 0.2, "rvol_15m": 6.0}),
    "crypto_trend": ({"labels": {"s1": "TRENDING_BULLISH"}}, {"adx_15m": 60.0}),
    "crypto_reversion": ({"labels": {"s1": "RANGING"}}, {"rsi_15m": 15.0, "bb_position_15m": -0.1}),
    "volatility_trading": ({}, {"ou_z": 3.5}),
    "leveraged_etf": ({}, {"atr_pctl_1d": 10.0, "rsi_1d": 90.0}),
}


def section_of(name: str) -> type[Section]:
    return STRATEGIES[name].params


def with_keys(name: str, **keys: Any) -> Section:
    return section_of(name).model_validate(keys)


@st.composite
def any_params(draw: st.DrawFn, name: str) -> Section:
    """Every parameter anywhere in the range that it is searched in; a target may be none."""
    keys: dict[str, Any] = {}
    for field, info in section_of(name).model_fields.items():
        extra: Any = info.json_schema_extra or {}
        if extra.get("tune") is None:
            continue
        low, high = extra["tune"]
        whole = isinstance(low, int) and isinstance(info.default, int)
        keys[field] = draw(st.integers(low, high) if whole else st.floats(low, high))
    if draw(st.booleans()) and "threshold" in section_of(name).model_fields:
        keys["threshold"] = 0.0  # so that most samples buy
    if "keep" in keys:
        keys["keep"] = max(keys["keep"], keys["top"])  # what is bought must be kept
    return with_keys(name, **keys)


def near(key: str, close: float) -> st.SearchStrategy[float]:
    """Values that a market could show: averages around the close, an ATR of some percents of it."""
    name = key.rsplit("_", 1)[0]
    if name == "atr":
        return st.floats(0.001 * close, 0.2 * close)
    if name in ("ema_fast", "ema_slow", "sma_long", "vwap", "bb_middle") or key in ("stop", "target"):
        return st.floats(0.8 * close, 1.2 * close)
    ranges = {
        "momentum": (-0.3, 0.5),
        "rvol": (0.0, 6.0),
        "atr_percent": (0.1, 20.0),
        "bb_position": (-0.3, 1.3),
        "sma_distance": (-0.1, 0.2),
        "realised_vol": (0.0, 1.0),
        "ou": (-3.0, 4.0),
    }
    return st.floats(*ranges.get(name, (0.0, 100.0)))


@st.composite
def any_asset(draw: st.DrawFn, name: str, *, holes: bool = True) -> Asset:
    """Anything that may be seen, or, as often as not, the regime that the strategy looks for."""
    close = draw(st.floats(0.01, 1e5))
    values: dict[str, float | None] = {key: draw(near(key, close)) for key in KEYS}
    looked_for = draw(st.booleans())
    fields: dict[str, Any] = {}
    if looked_for:
        for t in ("15m", "1d"):
            values |= {f"sma_long_{t}": 0.9 * close, f"ema_slow_{t}": 0.95 * close, f"ema_fast_{t}": 0.97 * close}
            values |= {f"vwap_{t}": 0.99 * close, f"bb_middle_{t}": 1.02 * close, f"sma_distance_{t}": 0.03}
        fields, more = REGIMES.get(name, ({}, {}))
        fields = {"direction": 1, "confidence": 1.0, **fields}
        values |= more
    if holes:
        for key in draw(st.lists(st.sampled_from(KEYS), max_size=3)):
            values[key] = None
    seen = MappingProxyType(values)
    base = shown(
        seen,
        close,
        session=draw(st.sampled_from(["asia", "europe", "us"])),
        labels={"s1": draw(st.sampled_from([None, "RANGING", "UNCERTAIN", "TRENDING_BULLISH", "TRENDING_BEARISH"]))},
        overlay=draw(st.sampled_from([(), ("VOLATILE",)])),
        confidence=draw(st.sampled_from([0.0, 0.7, 1.0])),
        weighted_confidence=draw(st.floats(0.0, 1.0)),
        direction=draw(st.sampled_from([-1, 0, 1, 1])),
        key_level=draw(st.sampled_from([None, "poc"])),
        thresholds={"adx": draw(st.floats(15.0, 40.0)), "rvol": draw(st.floats(1.0, 3.0))},
        held=draw(st.sampled_from([None, None, HELD])),
    )
    return replace(base, **fields)


def answer_of(name: str, asset: Asset, p: Section) -> Entry | Leave | None:
    decide = STRATEGIES[name].decide
    assert decide is not None
    return decide(asset, p)


@pytest.mark.parametrize("name", [*CRYPTO, *STOCKS])
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_purchase_is_bounded_whatever_the_parameters(name: str, data: st.DataObject) -> None:
    """0 < stop < price < target; never more than risk allows; no second entry, no exit when flat."""
    p, asset = data.draw(any_params(name)), data.draw(any_asset(name))
    answer = answer_of(name, asset, p)
    note(type(answer).__name__)
    assert answer == answer_of(name, asset, p), "the same twice"
    if isinstance(answer, Entry):
        assert asset.held is None
        assert answer.stop is None or 0.0 < answer.stop < asset.close
        assert answer.target is None or answer.target > asset.close
        assert 0.0 < answer.size_factor <= 1.0
        assert 0.0 <= answer.score <= 1.0
        assert answer.alternatives
        assert len(answer.why) >= 10
        assert all(x is None or x == x for x in answer.why.values())
    if isinstance(answer, Leave):
        assert asset.held is not None
        assert answer.reason


@pytest.mark.parametrize("name", [*CRYPTO, *STOCKS])
@settings(max_examples=80, deadline=None)
@given(data=st.data(), unit=st.sampled_from([2.0**-10, 0.5, 4.0, 2.0**20]))
def test_another_unit_of_price_scales_stops_and_targets_and_decides_the_same(
    name: str, data: st.DataObject, unit: float
) -> None:
    """Powers of two, which floats scale exactly."""
    p, asset = data.draw(any_params(name)), data.draw(any_asset(name))
    values = {k: x * unit if k in PRICES and x is not None else x for k, x in asset.values.items()}
    seen = MappingProxyType(values)
    other = replace(asset, close=asset.close * unit, values=seen, peers={asset.symbol: seen})
    one, two = answer_of(name, asset, p), answer_of(name, other, p)
    note(type(one).__name__)
    assert type(one) is type(two)
    if isinstance(one, Entry) and isinstance(two, Entry):
        assert two.stop == (None if one.stop is None else one.stop * unit)
        assert two.target == (None if one.target is None else one.target * unit)
        assert (two.score, two.size_factor) == (one.score, one.size_factor)
    if isinstance(one, Leave) and isinstance(two, Leave):
        assert one.reason == two.reason


@pytest.mark.parametrize("name", [*CRYPTO, *STOCKS])
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_purchase_rests_only_on_what_is_known(name: str, data: st.DataObject) -> None:
    """Whatever is taken away, nothing raises, nothing is sold that is not held, and None is the same as not there."""
    p, asset = data.draw(any_params(name)), replace(data.draw(any_asset(name, holes=False)), held=None)
    gone = data.draw(st.sets(st.sampled_from(KEYS)))
    seen = MappingProxyType({k: None if k in gone else x for k, x in asset.values.items()})
    answer = answer_of(name, replace(asset, values=seen, peers={asset.symbol: seen}), p)
    note(type(answer).__name__)
    assert not isinstance(answer, Leave)
    absent = MappingProxyType({k: x for k, x in seen.items() if x is not None})
    assert answer == answer_of(name, replace(asset, values=absent, peers={asset.symbol: absent}), p)
    if isinstance(answer, Entry):
        assert f"atr_{getattr(p, 'timeframe', '')}" not in gone, "no stop without an ATR"


@pytest.mark.parametrize("name", [*CRYPTO, *STOCKS])
@pytest.mark.parametrize("values", [{}, dict.fromkeys(KEYS)])
def test_of_nothing_nothing_is_made(name: str, values: dict[str, float | None]) -> None:
    for label in (None, "RANGING", "TRENDING_BULLISH"):
        assert answer_of(name, shown(values, labels={"s1": label}), section_of(name)()) is None
        assert answer_of(name, shown(values, labels={"s1": label}, peers={}), section_of(name)()) is None


@pytest.mark.parametrize("name", [*CRYPTO, *STOCKS])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), gap=st.floats(0.0, 0.5))
def test_what_is_held_is_gone_at_its_stop_whatever_else_is_seen(name: str, data: st.DataObject, gap: float) -> None:
    """At the stop or anywhere below it, even where the bar gaps through."""
    asset = data.draw(any_asset(name))
    values = MappingProxyType({**asset.values, "stop": asset.close * (1.0 + gap), "target": None})
    held = replace(asset, values=values, peers={asset.symbol: values}, held=HELD)
    assert isinstance(answer_of(name, held, section_of(name)()), Leave)


def multiplier_fields() -> Iterator[tuple[str, str, float]]:
    for name in (*CRYPTO, *STOCKS):
        for field in section_of(name).model_fields:
            if field.startswith("multiplier"):
                yield name, field, 1.6 if name in CRYPTO else 3.5


@pytest.mark.parametrize(("name", "field", "largest"), list(multiplier_fields()))
def test_no_multiplier_can_be_set_above_the_whole_of_what_risk_allows(name: str, field: str, largest: float) -> None:
    with_keys(name, **{field: largest})
    for wrong in (largest + 1e-9, 0.0, -1.0):
        with pytest.raises(ValueError, match=field):
            with_keys(name, **{field: wrong})


# -- rotation ----------------------------------------------------------------------------------------------------------

universes = st.dictionaries(
    st.sampled_from("ABCDEFGHIJKL"),
    st.tuples(st.sampled_from([-0.02, 0.01, 0.02, 0.04, 0.08]), st.sampled_from([0.1, 0.2])),
    min_size=1,
)


@pytest.mark.parametrize("name", RANKED)
@settings(max_examples=120, deadline=None)
@given(universe=universes, top=st.integers(1, 4), more=st.integers(0, 3), order=st.randoms(use_true_random=False))
def test_the_first_are_bought_and_what_fell_out_is_sold(
    name: str, universe: dict[str, tuple[float, float]], top: int, more: int, order: Any
) -> None:
    """Against a ranking of its own: by the number, then by name; whatever the order in which symbols are listed."""
    names = list(universe)
    order.shuffle(names)
    day = {"sma_distance_1d": 0.02, "rsi_1d": 60.0, "atr_pctl_1d": 30.0, "atr_1d": 1.0}
    peers = {n: {**day, "momentum_1d": universe[n][0], "realised_vol_1d": universe[n][1]} for n in names}
    risk = {n: vol if name == "sector_rotation" else 1.0 for n, (_, vol) in universe.items()}
    ranking = sorted(universe, key=lambda n: (-universe[n][0] / risk[n], n))
    p = with_keys(name, top=top, keep=top + more, threshold=0.0)
    bought, sold = set(), set()
    for n in names:
        seen = shown(peers[n], symbol=n, peers=peers)
        if answer_of(name, seen, p) is not None:
            bought.add(n)
        if answer_of(name, replace(seen, held=HELD), p) is not None:
            sold.add(n)
    rises = {n for n in universe if universe[n][0] > 0.0 or name == "sector_rotation"}
    assert bought == set(ranking[:top]) & rises
    assert sold == set(ranking[top + more :]) | (set(universe) - rises)
    assert not bought & sold


# -- random paths through the fold -------------------------------------------------------------------------------------

DAY_0 = 19_723 * DAY_NS
ROUND_THE_CLOCK = SessionTable(
    calendar="24/7",
    date=tuple(range(20240101, 20240111)),
    open_ns=tuple(DAY_0 + i * DAY_NS for i in range(10)),
    close_ns=tuple(DAY_0 + (i + 1) * DAY_NS for i in range(10)),
)
# Parameters that let much through, so that the laws have something to hold of; the profile's bins do not scale.
COINS: dict[str, Any] = {
    "crypto_momentum": {"threshold_asia": 0.2, "threshold_europe": 0.2, "threshold_us": 0.2},
    "crypto_trend": {},
    "crypto_reversion": {"max_rsi": 60.0, "max_position": 0.4},
}
FUNDS: dict[str, Any] = {
    "core_equity": {"threshold": 0.2},
    "momentum": {"threshold": 0.2, "top": 1, "keep": 1},
    "sector_rotation": {"threshold": 0.2, "top": 1, "keep": 2},
    "volatility_trading": {"threshold": 0.2},
    "leveraged_etf": {"threshold": 0.2, "max_pctl": 100.0},
}
LOOSE: dict[str, Any] = {
    "switches": {"profile": "off"},
    "regimes": {"s1": {"adx_range": 60.0, "atr_pctl_range": 100.0}},
}
Path = list[list[float]]
# Runs of steps up or down in percent, a run of 12 quarters or of 3 days each.
crypto_paths = st.lists(st.sampled_from([-1.0, -0.3, 0.0, 0.3, 1.0]), min_size=6, max_size=14)
stock_paths = st.lists(st.tuples(*(st.sampled_from([-3.0, -1.0, 0.5, 2.0]) for _ in range(3))), min_size=9, max_size=14)


def coin_bars(steps: list[float], unit: float = 1.0) -> list[tuple[int, tuple[Event, ...]]]:
    """Quarters of an hour, with a wobble from one to the next."""
    found: list[tuple[int, tuple[Event, ...]]] = []
    price = 100.0
    for i in range(12 * len(steps)):
        price *= 1.0 + steps[i // 12] / 100.0
        close = price * (1.0 + 0.001 * (i % 3))
        half = price * 0.004 * unit
        found.append((DAY_0 + (i + 1) * 15 * MINUTE_NS, (bar(900, {"A": close * unit}, half, 100.0 + i % 7),)))
    return found


def fund_bars(steps: list[tuple[float, ...]], unit: float = 1.0) -> list[tuple[int, tuple[Event, ...]]]:
    """Days of three funds: the last quarter of an hour, and then the day; an index that moves against the last."""
    found: list[tuple[int, tuple[Event, ...]]] = []
    prices = [100.0, 80.0, 50.0]
    for i in range(3 * len(steps)):
        prices = [x * (1.0 + step / 100.0) for x, step in zip(prices, steps[i // 3], strict=True)]
        closes = {name: x * unit * (1.0 + 0.002 * (i % 2)) for name, x in zip("ABC", prices, strict=True)}
        index = 20.0 - 2.0 * steps[i // 3][2]
        ts_ns = DAY_0 + (i + 1) * DAY_NS
        found.append((ts_ns, (bar(900, {**closes, "VIX": index}, 0.3 * unit),)))
        found.append((ts_ns, (bar(DAY_S, closes, 0.3 * unit),)))
    return found


def start(kind: str) -> Run:
    if kind == "coins":
        return Run(begin(COINS, ("A",), ROUND_THE_CLOCK, **LOOSE))
    fit: dict[str, Any] = {"mean": math.log(20.0), "sd": 0.04, "half_life_days": 20.0, "adf_p": 0.01, "kpss_p": 0.1}
    return Run(begin(FUNDS, ("A", "B", "C"), OuFitted.model_construct(None, **fit), **LOOSE))


def told(run: Run, bars: list[tuple[int, tuple[Event, ...]]]) -> list[tuple[int, Event]]:
    return [(ts_ns, x) for ts_ns, events in bars for x in run.trades(ts_ns, *events)]


def lines(found: list[tuple[int, Event]]) -> list[tuple[int, str]]:
    return [(ts_ns, x.model_dump_json()) for ts_ns, x in found]


def bars_of(kind: str, data: st.DataObject) -> Callable[[float], list[tuple[int, tuple[Event, ...]]]]:
    if kind == "coins":
        coins = data.draw(crypto_paths)
        return lambda unit: coin_bars(coins, unit)
    funds = data.draw(stock_paths)
    return lambda unit: fund_bars(funds, unit)


@pytest.mark.parametrize("kind", ["coins", "funds"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_in_the_fold_each_holds_one_at_a_time_and_every_trade_carries_its_context(
    kind: str, data: st.DataObject
) -> None:
    found = told(start(kind), bars_of(kind, data)(1.0))
    held: set[tuple[str, str]] = set()
    for _, fact in found:
        if isinstance(fact, Proposal):
            key = (fact.strategy, fact.underlying)
            assert key not in held, "no second entry while one is held"
            held.add(key)
            note(fact.strategy)
            check_proposal(fact)
        elif isinstance(fact, ExitSignal):
            assert (fact.strategy, fact.underlying) in held
            held.remove((fact.strategy, fact.underlying))


def check_proposal(fact: Proposal) -> None:
    close, stop, target = (fact.why[name] for name in ("close", "stop", "target"))
    assert close is not None
    assert stop is None or 0.0 < stop < close
    assert target is None or target > close
    assert fact.ratios == (1,), "nothing is sold short"
    assert fact.mid_ticks <= fact.limit_ticks == fact.max_loss_ticks
    assert all(0.0 < factor < 1.0 for factor in fact.multipliers.values()), "factors scale down or are not there"
    assert all(fact.gates.values())
    context_is_whole(fact)


@pytest.mark.parametrize("kind", ["coins", "funds"])
@settings(max_examples=12, deadline=None)
@given(data=st.data(), cut=st.integers(0, 200))
def test_in_the_fold_the_same_bars_give_the_same_trades_through_a_restart_too(
    kind: str, data: st.DataObject, cut: int
) -> None:
    bars = bars_of(kind, data)(1.0)
    whole = told(start(kind), bars)
    note(f"trades: {min(len(whole), 5)}")
    first = start(kind)
    before = told(first, bars[:cut])
    codec = StateCodec(fold)
    second = Run(codec.load(codec.dump(first.state)), first.seq)
    assert lines(before + told(second, bars[cut:])) == lines(whole)


@pytest.mark.parametrize("kind", ["coins", "funds"])
@settings(max_examples=12, deadline=None)
@given(data=st.data(), unit=st.sampled_from([0.5, 8.0]))
def test_in_the_fold_another_unit_of_price_makes_the_same_trades(kind: str, data: st.DataObject, unit: float) -> None:
    bars = bars_of(kind, data)
    one, two = told(start(kind), bars(1.0)), told(start(kind), bars(unit))
    note(f"trades: {min(len(one), 5)}")
    assert [(ts_ns, type(x)) for ts_ns, x in one] == [(ts_ns, type(x)) for ts_ns, x in two]
    for (_, a), (_, b) in zip(one, two, strict=True):
        if isinstance(a, Proposal) and isinstance(b, Proposal):
            assert (b.strategy, b.underlying, b.multipliers) == (a.strategy, a.underlying, a.multipliers)
            for name in ("stop", "target", "atr"):
                x = a.why[name]
                assert b.why[name] == (None if x is None else pytest.approx(x * unit, rel=1e-9))
            assert b.score == pytest.approx(a.score, rel=1e-9)


@pytest.mark.parametrize("kind", ["coins", "funds"])
@pytest.mark.parametrize("feed", ["stale", "halted", "refused"])
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_in_the_fold_nothing_is_bought_on_a_feed_that_is_not_live(kind: str, feed: Any, data: st.DataObject) -> None:
    run = start(kind)
    for name in "ABC":
        evolve(fold, run.state, FeedState(underlying=name, state=feed), At(2, 2, "md"))
    assert told(run, bars_of(kind, data)(1.0)) == []


STEADY: dict[str, Any] = {"coins": [0.3, 1.0] * 6, "funds": [(2.0, 0.5, -1.0)] * 10}


@pytest.mark.parametrize("kind", ["coins", "funds"])
def test_the_paths_are_not_empty_of_trades_and_no_strategy_fails(kind: str) -> None:
    """On a steady rise, then on a fall: most strategies buy, and each that bought sells."""
    fall: dict[str, Any] = {"coins": [-1.0] * 4, "funds": [(-3.0, -3.0, -3.0)] * 4}
    bars = coin_bars(STEADY[kind] + fall[kind]) if kind == "coins" else fund_bars(STEADY[kind] + fall[kind])
    run = start(kind)
    facts = [x for ts_ns, events in bars for x in run.take(ts_ns, *events)]
    assert not any(isinstance(x, FeatureFailed) for x in facts)
    bought = {x.strategy for x in facts if isinstance(x, Proposal)}
    sold = {x.strategy for x in facts if isinstance(x, ExitSignal)}
    wanted = {"crypto_momentum", "crypto_trend"} if kind == "coins" else set(FUNDS)
    assert wanted <= bought
    assert wanted <= sold

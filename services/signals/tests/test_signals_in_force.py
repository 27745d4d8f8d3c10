"""What acts and what only speaks: thresholds under their switches, the index beside the symbols, a new fit's memory."""

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.market import AssetListed, Bars
from contango_common.events.signal import Scan
from contango_common.runtime.fold import step
from contango_signals import fold
from contango_signals.assets import thresholds_of
from contango_signals.bars import symbol_of
from contango_signals.history import Daily, with_row
from contango_signals.names import Switch
from contango_signals.regimes import s0
from contango_signals.state import Mixture, Told, new_state
from contango_signals.switches import gates_off
from contango_signals.thresholds import NAMES, ThresholdParams, ThresholdState, in_force
from support.signals_world import Market, book, messages_of, play

DAY_NS = 86_400_000_000_000
P = ThresholdParams()


@given(st.dictionaries(st.sampled_from(NAMES), st.floats(1.0, 40.0)), st.floats(1.0, 2.0))
def test_a_factor_raises_every_threshold_and_never_above_its_bound(current: dict[str, float], factor: float) -> None:
    found = in_force(current, factor, P)
    assert set(found) == set(NAMES)
    for name, level in found.items():
        plain = current.get(name, getattr(P, f"{name}_base"))
        assert level == min(plain * factor, getattr(P, f"{name}_max"))


def volatile(switches: dict[str, Switch]) -> dict[str, float]:
    state = new_state()
    state.switches = switches
    symbol = symbol_of(state, "BTC")
    symbol.thresholds = ThresholdState({"adx": 21.25}, 1, 5)
    symbol.told["s1"] = Told("RANGING", None, ["VOLATILE"], 0.5, 0)
    return thresholds_of(state, symbol)


@pytest.mark.parametrize(
    ("switches", "adx", "rvol"),
    [
        ({}, 21.25 * 1.3, 1.5 * 1.3),
        ({"regime_s1": "shadow"}, 21.25, 1.5),
        ({"regime_s1": "off"}, 21.25, 1.5),
        ({"thresholds": "shadow"}, 25.0 * 1.3, 1.5 * 1.3),
        ({"thresholds": "off", "regime_s1": "off"}, 25.0, 1.5),
    ],
)
def test_property_25_in_the_fold_follows_the_switches(switches: dict[str, Switch], adx: float, rvol: float) -> None:
    assert volatile(switches) == {"adx": adx, "rvol": rvol}


def daily(names: tuple[str, ...]) -> Bars:
    close = tuple({"SPX": 1800.0, "VIX": 35.0, "BTC": 900.0}[name] for name in names)
    return Bars(timeframe_s=86_400, symbols=names, open=close, high=close, low=close, close=close)


@pytest.mark.parametrize("names", list(permutations(("SPX", "VIX", "BTC"))))
def test_a_session_is_read_beside_its_own_index_in_any_order_and_a_coin_beside_none(names: tuple[str, ...]) -> None:
    state = new_state()
    step(fold, state, [AssetListed(symbol="BTC", kind="spot")], At(0, 1, "md"))
    step(fold, state, [daily(names)], At(DAY_NS, 2, "md"))
    assert state.symbols["SPX"].daily.ivs == [35.0]
    assert state.symbols["BTC"].daily.ivs == [None]


def sessions(n: int) -> Daily:
    rng, d, close = np.random.default_rng(3), Daily(), 100.0
    for i in range(n):
        close *= math.exp(0.01 * rng.standard_normal())
        d = with_row(d, i * DAY_NS, close * 1.01, close * 0.99, close, None, None, None)
    return d


def model(stay: float) -> Mixture:
    """Two names of the daily range alone, told apart by it."""
    return Mixture(
        sha="a",
        features=["range_pct", "momentum"],
        centre=[0.02, 0.0],
        scale=[0.01, 0.05],
        weights=[0.5, 0.5],
        means=[[0.0, -1.0], [0.0, 1.0]],
        precisions=[[[1.0, 0.0], [0.0, 1.0]]] * 2,
        log_dets=[0.0, 0.0],
        transition=[[stay, 1.0 - stay], [1.0 - stay, stay]],
        labels=["down", "up"],
    )


def test_a_new_fit_remembers_the_last_sessions() -> None:
    """The filter run over them, row by row; without memory the last row alone."""
    d = sessions(90)
    for stay in (0.95, 0.5):
        posterior = None
        for end in range(max(s0.LONG, 90 - s0.WARM) + 1, 91):
            row = s0.feature_row(d.closes[:end], d.highs[:end], d.lows[:end], d.volumes[:end], d.ivs[:end])
            x = [row["range_pct"] or 0.0, row["momentum"] or 0.0]
            posterior = s0.filtered(replace(model(stay), posterior=posterior), x)
        assert s0.warmed(model(stay), d) == posterior
    assert s0.warmed(model(0.5), d) == pytest.approx(s0.filtered(model(0.5), x))
    assert s0.warmed(model(0.95), d) != pytest.approx(s0.filtered(model(0.95), x))


def test_sessions_without_a_feature_teach_nothing() -> None:
    assert s0.warmed(model(0.9), sessions(20)) is None
    assert s0.warmed(replace(model(0.9), features=["iv", "momentum"]), sessions(90)) is None


@pytest.mark.parametrize(("switch", "asked"), [("on", True), ("shadow", False), ("off", False)])
def test_a_feature_in_shadow_has_its_gate_on_record_and_not_refusing(switch: Switch, asked: bool) -> None:
    """The confidence asks for more than can be had: on, it refuses; in shadow its verdict is written down."""
    market = Market(params=book(switches={"fuzzy": switch}, min_confidence=1.0))
    facts = [fact for _, fact in play(fold, fold.initial(), messages_of(market))]
    scans = [fact for fact in facts if isinstance(fact, Scan) and fact.candidates]
    assert scans
    for scan in scans:
        assert ("confidence" in scan.gates) == asked
        assert ("confidence" in scan.kills) == asked
        assert ("off.confidence" in scan.why) == (not asked)
        assert ("fuzzy_coverage" in scan.why) == (switch != "off")


def test_a_feature_that_failed_refuses_what_it_can_not_answer() -> None:
    state = new_state()
    assert gates_off(state) == ()
    state.switches["fuzzy"] = "off"
    assert gates_off(state) == ("confidence",)
    state.failed["fuzzy"] = "ValueError: broken"
    assert gates_off(state) == ()
    state.switches["volatility"] = "shadow"
    assert gates_off(state) == ("term_structure",)

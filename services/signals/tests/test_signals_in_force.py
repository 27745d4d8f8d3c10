"""What acts and what only speaks: thresholds under their switches, the index beside the symbols, a new fit's memory."""

import math
from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.events.market import AssetListed, Bars
from contango_common.events.signal import FeatureFailed, Proposal, Scan
from contango_common.runtime.fold import step
from contango_signals import fold
from contango_signals.assets import thresholds_of
from contango_signals.bars import symbol_of
from contango_signals.confidence import NOT_SURE
from contango_signals.config import parse
from contango_signals.deciding import five_state, is_uncertain, label_of, labels_of
from contango_signals.features import sigma_percentile
from contango_signals.gates import _confidence
from contango_signals.history import Daily, with_row
from contango_signals.names import Switch
from contango_signals.regimes import s0
from contango_signals.select import SelectParams
from contango_signals.state import Mixture, State, Told, new_state
from contango_signals.strategies import crash_put
from contango_signals.strategies.screen import Screen
from contango_signals.switches import gates_off
from contango_signals.thresholds import NAMES, ThresholdParams, ThresholdState, in_force
from support.signals_world import Market, Message, book, messages_of, play, setup, wave

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
    return thresholds_of(state, "BTC")


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


# -- who decides -------------------------------------------------------------------------------------------------------


def reported(detector: str, label: str | None, overlay: tuple[str, ...] = (), **switches: Switch) -> State:
    state = new_state()
    state.params = state.params.model_copy(update={"select": SelectParams(detector=detector)})
    state.switches = switches
    symbol_of(state, "SPX").told[detector] = Told(label, None, list(overlay), None, 0)
    return state


@pytest.mark.parametrize("switch", ["shadow", "off"])
@pytest.mark.parametrize("detector", ["s0", "s1", "s2"])
def test_a_detector_that_does_not_act_decides_nothing(detector: str, switch: Switch) -> None:
    label = {"s0": "bull_low_vol", "s1": "RANGING", "s2": "LOW_VOL_RANGE"}[detector]
    state = reported(detector, label)
    assert (label_of(state, "SPX"), dict(labels_of(state, "SPX"))) == (label, {detector: label})
    assert five_state(state, "SPX") is not None
    state.switches[f"regime_{detector}"] = switch
    assert (label_of(state, "SPX"), dict(labels_of(state, "SPX")), five_state(state, "SPX")) == (None, {}, None)
    state.switches = {}
    state.failed[f"regime_{detector}"] = "ValueError: broken"
    assert five_state(state, "SPX") is None
    assert is_uncertain(state, "SPX"), "a failed detector lets nothing open on bars"


@pytest.mark.parametrize(
    ("label", "overlay", "five"),
    [
        ("RANGING", (), "LOW_VOL_RANGE"),
        ("RANGING", ("VOLATILE",), "HIGH_VOL_RANGE"),
        ("TRENDING_BULLISH", ("VOLATILE",), "BULL_TREND"),
        ("UNCERTAIN", (), None),
        (None, (), None),
    ],
)
def test_the_rules_deciding(label: str | None, overlay: tuple[str, ...], five: str | None) -> None:
    state = reported("s1", label, overlay)
    assert five_state(state, "SPX") == five
    assert is_uncertain(state, "SPX") == (label == "UNCERTAIN")


def test_a_detector_that_fails_on_the_way_stops_every_entry() -> None:
    """The label that it said last is not traded on."""
    market = Market(spots=(2000.0,) * 4, vix=(18.0,) * 4, params=book(min_sessions_between=0, max_open=9))
    log = messages_of(market)
    days = sorted({m.ts_ns // DAY_NS for m in log})
    at = next(i for i, m in enumerate(log) if m.ts_ns // DAY_NS == days[2])
    failed = Message(log[at].ts_ns, (FeatureFailed(feature="regime_s2", reason="planted"),), "signals")
    whole = [f.session for f in proposed(log)]
    cut = [f.session for f in proposed([*log[:at], failed, *log[at:]])]
    assert len(whole) > len(cut) >= 1
    assert whole[: len(cut)] == cut


class Seen(NamedTuple):
    session: int
    fact: Proposal


def proposed(log: list[Message]) -> list[Seen]:
    return [Seen(log[seq - 1].ts_ns // DAY_NS, f) for seq, f in play(fold, fold.initial(), log) if type(f) is Proposal]


# -- what sizes --------------------------------------------------------------------------------------------------------


def judged_confidence(screen: Screen, units: int, fused: float) -> bool:
    sure = replace(NOT_SURE, units=units, fused=fused)
    return _confidence(SimpleNamespace(assurance=sure, screen=screen))[0]  # type: ignore[arg-type]


def test_a_seller_s_confidence_does_not_stop_what_is_bought_against_a_crash() -> None:
    assert not judged_confidence(Screen(), 0, 0.2)
    assert judged_confidence(Screen(), 1, 0.2)
    assert judged_confidence(crash_put.Params(), 0, 0.2)
    assert not judged_confidence(crash_put.Params(min_confidence=0.3), 0, 0.2)


def test_history_alone_is_enough_for_the_percentile_of_realised_volatility_and_for_the_index_beside_it() -> None:
    """Whichever of the two histories comes first."""
    for turned in (False, True):
        state = fold.initial()
        log = setup(Market(history=tuple(wave(290, 2000.0, 0.01)), vix_history=tuple(wave(290, 18.0, 0.2))))
        if turned:
            reference = next(m for m in log if m.source == "reference")
            log = [
                replace(m, events=(*m.events[:-2], m.events[-1], m.events[-2])) if m is reference else m for m in log
            ]
        play(fold, state, log)
        daily = state.symbols["SPX"].daily
        assert None not in daily.ivs
        assert len(daily.rvs) == 290 - 20
        assert sigma_percentile(state, state.symbols["SPX"]) is not None


@pytest.mark.parametrize(
    "section",
    [
        {"scoring": {"weights": {"bull_low_vol": {"iv": 0.9, "delta": 0.9}}}},
        {"fuzzy": {"weights": {"mtff": 1.0}}},
        {"fuzzy": {"weights": {"mtf": -1.0, "iv": 2.0}}},
    ],
)
def test_property_27_weights_that_cannot_be_used_are_refused_before_they_fail(section: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(section))):
        parse({"signals": section})

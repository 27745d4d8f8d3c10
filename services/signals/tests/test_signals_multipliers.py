"""Position multipliers: the table, the smallest counts, and which of them act."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_signals import fold
from contango_signals.bars import symbol_of
from contango_signals.multipliers import MultiplierParams, by_label, by_vix
from contango_signals.names import Switch
from contango_signals.profile import Levels
from contango_signals.regimes import s0
from contango_signals.sizes import factors_in_force, with_own
from contango_signals.state import State, Told

P = MultiplierParams()


def test_every_label_of_the_mixture_has_its_factor() -> None:
    assert [by_label(label, P) for label in s0.LABELS] == [1.0, 0.5, 0.5, 0.25]


@given(st.floats(0.0, 200.0))
def test_above_forty_a_tenth_is_left(index: float) -> None:
    assert by_vix(index, P) == (0.1 if index > 40.0 else 1.0)


@given(st.dictionaries(st.sampled_from(["vix", "volatile"]), st.floats(0.0, 1.0)), st.floats(0.01, 3.0))
def test_a_halving_halves_a_strategy_s_own_size_whatever_it_is(factors: dict[str, float], own: float) -> None:
    """Risk takes the smallest of them; the own size is what each of the others scales."""
    found = with_own(factors, own)
    assert min(found.values(), default=1.0) == pytest.approx(min(own, 1.0) * min(factors.values(), default=1.0))


def stressed(**switches: Switch) -> State:
    """Every factor below 1 at once."""
    state = fold.initial()
    state.switches.update(switches)
    state.vol.close = 45.0
    symbol = symbol_of(state, "SPX")
    symbol.told["s0"] = Told("bear_high_vol", None, [], 0.25, 0)
    symbol.told["s1"] = Told("UNCERTAIN", None, ["VOLATILE"], 0.5, 0)
    symbol.levels = Levels(100.0, 95.0, 105.0, [[96.0, 97.0]])
    return state


LADDER = {"regime_s0": 0.25, "vix": 0.1}
OWN = {"low_volume_area": 0.5, "volatile": 0.5}


def test_the_ladder_is_shipped_in_shadow() -> None:
    assert factors_in_force(stressed(), "SPX", 96.5, 0) == (OWN, LADDER)


@pytest.mark.parametrize(
    ("switches", "inforce", "shadow"),
    [
        ({"multipliers": "on"}, {**OWN, **LADDER}, {}),
        ({"multipliers": "off"}, OWN, {}),
        ({"profile": "shadow"}, {"volatile": 0.5}, {**LADDER, "low_volume_area": 0.5}),
        ({"regime_s1": "off", "profile": "off", "multipliers": "off"}, {}, {}),
    ],
)
def test_switches_say_which_act(
    switches: dict[str, Switch], inforce: dict[str, float], shadow: dict[str, float]
) -> None:
    assert factors_in_force(stressed(**switches), "SPX", 96.5, 0) == (inforce, shadow)


def test_factors_of_one_are_left_out_and_an_unknown_symbol_has_none_of_its_own() -> None:
    state = stressed(multipliers="on")
    assert factors_in_force(state, "OEX", 96.5, 0) == ({"vix": 0.1}, {})
    state.vol.close = 20.0
    state.symbols["SPX"].told["s0"] = Told("bull_low_vol", None, [], 1.0, 0)
    assert factors_in_force(state, "SPX", 100.0, 0) == ({"volatile": 0.5}, {})

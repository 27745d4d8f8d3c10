"""Payoff extremes against a dense grid, scaling and sign laws, exact integers, calendars."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.pricing import black
from contango_quant.pricing.payoff import (
    Extremes,
    Leg,
    break_evens,
    extremes,
    max_loss_lower_bound,
    max_loss_ticks,
    profit_at,
    profits,
    stock,
)

LEG = st.builds(Leg, st.integers(-5, 5), st.integers(0, 60), st.booleans())
LEGS = st.lists(LEG, max_size=6)
PREMIUM = st.integers(-50, 50)


def twin_profit(legs, premium, price):
    """Cash flow by exercise, leg by leg, in words rather than in one formula."""
    cash = premium
    for leg in legs:
        if leg.is_call and price > leg.strike:
            cash += leg.quantity * price - leg.quantity * leg.strike
        if not leg.is_call and price < leg.strike:
            cash += leg.quantity * leg.strike - leg.quantity * price
    return cash


@settings(deadline=None, max_examples=300)
@given(LEGS, PREMIUM)
def test_extremes_are_those_of_a_dense_grid(legs, premium):
    grid = [twin_profit(legs, premium, price) for price in range(200)]
    rising = twin_profit(legs, premium, 10_000) - twin_profit(legs, premium, 9_999)
    got = extremes(legs, premium)
    assert got.max_gain == (None if rising > 0 else max(grid))
    assert got.max_loss == (None if rising < 0 else -min(grid))
    assert max_loss_ticks(legs, premium) == got.max_loss


@settings(deadline=None)
@given(LEGS, PREMIUM)
def test_the_other_side_has_the_opposite_extremes(legs, premium):
    other = [leg._replace(quantity=-leg.quantity) for leg in legs]
    one, two = extremes(legs, premium), extremes(other, -premium)
    assert (one.max_gain, one.max_loss) == (two.max_loss, two.max_gain)


@settings(deadline=None)
@given(LEGS, PREMIUM, st.integers(1, 7), st.integers(-20, 20))
def test_scaling_and_premium_shift(legs, premium, scale, extra):
    big = [leg._replace(quantity=leg.quantity * scale) for leg in legs]
    loss = max_loss_ticks(legs, premium)
    assert max_loss_ticks(big, premium * scale) == (None if loss is None else loss * scale)
    assert max_loss_ticks(legs, premium + extra) == (None if loss is None else loss - extra)


@settings(deadline=None, max_examples=300)
@given(LEGS, PREMIUM)
def test_break_evens_are_zeros_and_all_sign_changes(legs, premium):
    zeros = break_evens(legs, premium)
    assert zeros == sorted(set(zeros))
    for zero in zeros:
        assert twin_profit(legs, premium, zero) == pytest.approx(0.0, abs=1e-9)
    points = [0.0, *zeros, (zeros[-1] if zeros else 0.0) + 1e6]
    for low, high in itertools.pairwise(points):
        inside = [twin_profit(legs, premium, low + (high - low) * share) for share in np.linspace(0.01, 0.99, 23)]
        assert min(inside) >= -1e-6 or max(inside) <= 1e-6


@settings(deadline=None)
@given(LEGS, PREMIUM, st.lists(st.floats(0, 100), min_size=1, max_size=5))
def test_array_profits(legs, premium, prices):
    assert profits(legs, premium, prices).tolist() == pytest.approx([profit_at(legs, premium, p) for p in prices])


def test_named_structures():
    condor = [Leg(1, 90, False), Leg(-1, 95, False), Leg(-1, 105, True), Leg(1, 115, True)]
    assert extremes(condor, 2) == Extremes(2, 8)  # the wider wing decides
    assert break_evens(condor, 2) == [93.0, 107.0]
    assert extremes([stock(1), Leg(-1, 105, True)], -100) == Extremes(5, 100)  # covered call
    assert extremes([stock(1), Leg(1, 95, False)], -102) == Extremes(None, 7)  # protective put
    assert extremes([Leg(-1, 95, False)], 3) == Extremes(3, 92)  # short put: loss at zero
    assert extremes([stock(-1)], 100) == Extremes(100, None)
    box = [Leg(1, 90, True), Leg(-1, 100, True), Leg(1, 100, False), Leg(-1, 90, False)]
    assert extremes(box, -9) == Extremes(1, -1)  # a certain profit is a negative loss
    assert extremes([], 4) == Extremes(4, -4)


def test_integers_stay_exact():
    huge = 10**18 + 1
    loss = max_loss_ticks([Leg(-3, huge, False)], 1)
    assert (type(loss), loss) == (int, 3 * huge - 1)
    assert max_loss_ticks([Leg(np.int64(-1), np.int32(50), False)], 2) == 48


@pytest.mark.parametrize("leg", [Leg(1.5, 100, True), Leg(1, 100.0, True)])
def test_ticks_refuse_fractions(leg):
    with pytest.raises(ValueError, match="must be an integer, got"):
        max_loss_ticks([leg], 0)


@pytest.mark.parametrize("leg", [Leg(1, -1, True), Leg(math.nan, 1, True), Leg(1, math.inf, False)])
def test_bad_legs_are_named(leg):
    with pytest.raises(ValueError, match=r"a leg needs .* got Leg"):
        extremes([leg], 0)
    with pytest.raises(ValueError, match=r"a leg needs .* got Leg"):
        max_loss_lower_bound([], [leg], 0)


def test_calendars():
    assert max_loss_lower_bound([Leg(-1, 100, True)], [Leg(1, 100, True)], -3) == 3
    assert max_loss_lower_bound([Leg(-1, 100, True)], [Leg(1, 103, True)], 1) == 2  # diagonal
    assert max_loss_lower_bound([Leg(1, 100, True)], [Leg(-1, 100, True)], 3) == 97  # reverse calendar
    assert max_loss_lower_bound([], [Leg(-1, 100, True)], 3) is None
    assert max_loss_lower_bound([], [Leg(-1, 100, False)], 3) == 97
    with pytest.raises(ValueError, match="far_discount"):
        max_loss_lower_bound([], [], 0, far_discount=0)


@settings(deadline=None, max_examples=200)
@given(LEGS, LEGS, PREMIUM, st.floats(0.0, 300.0), st.floats(0.01, 2.0), st.floats(0.9, 1.02), st.floats(0.9, 1.02))
def test_no_far_value_loses_more_than_the_bound(near, far, premium, spot, s, d, q):
    """Far legs priced by any volatility: the position never loses more at the near expiry."""
    bound = max_loss_lower_bound(near, far, premium, far_discount=d, far_yield_discount=q)
    if bound is None:
        return
    value = sum(
        leg.quantity * black.black_price(spot * q / d, float(leg.strike), 1.0, s, d, leg.is_call) for leg in far
    )
    assert profit_at(near, premium, spot) + value >= -bound - 1e-9 * (1 + spot)

"""Calendars and diagonals at the near expiry: values, extremes, break-evens and expectations against slow twins."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from contango_quant.pricing.density import density
from contango_quant.pricing.expected_near import expected_profit_near, expected_profit_near_lognormal
from contango_quant.pricing.payoff import Leg, break_evens, extremes, max_loss_lower_bound, profits, stock
from contango_quant.pricing.payoff_near import FarLeg, profits_near, tail_line_near
from contango_quant.pricing.payoff_near_extremes import (
    model_break_evens_near,
    model_extremes_near,
    model_profit_intervals_near,
)

NEAR = st.lists(st.builds(Leg, st.integers(-3, 3), st.integers(60, 140), st.booleans()), max_size=4)
FAR_LEG = st.builds(
    FarLeg,
    st.integers(-3, 3),
    st.integers(60, 140),
    st.booleans(),
    st.floats(0.01, 2.0),
    st.floats(0.05, 1.5),
    st.floats(-0.02, 0.1),
    st.sampled_from([0.0, 0.02]),
)
FAR = st.lists(FAR_LEG, min_size=1, max_size=3)
PREMIUM = st.integers(-20, 20)
CALENDAR = [Leg(-1, 100, True)], [FarLeg(1, 100, True, 0.25, 0.2)]
DOUBLE = (
    [Leg(-1, 90, False), Leg(-1, 110, True)],
    [FarLeg(1, 90, False, 0.1, 0.28, 0.04, 0.01), FarLeg(1, 110, True, 0.1, 0.22, 0.04, 0.01)],
)
DIAGONAL = [Leg(-1, 105, True)], [FarLeg(1, 95, True, 0.2, 0.25, 0.05)]
REVERSE = [Leg(2, 100, False)], [FarLeg(-2, 100, False, 0.3, 0.35)]
STRUCTURES = [CALENDAR, DOUBLE, DIAGONAL, REVERSE, ([stock(1), Leg(-1, 110, True)], [FarLeg(1, 90, False, 0.5, 0.3)])]


def twin(near, far, premium, spot):
    """Discounted mean of the far payoff by scipy's normal law, leg by leg."""
    total = float(premium)
    for quantity, strike, is_call in near:
        total += quantity * max(spot - strike, 0.0) if is_call else quantity * max(strike - spot, 0.0)
    for leg in far:
        df, dq, s = (
            math.exp(-leg.rate * leg.t_years),
            math.exp(-leg.div_yield * leg.t_years),
            leg.vol * leg.t_years**0.5,
        )
        if spot == 0.0:
            total += 0.0 if leg.is_call else leg.quantity * df * leg.strike
            continue
        d1 = (math.log(spot) + math.log(dq) - math.log(df * leg.strike)) / s + s / 2
        w = 1 if leg.is_call else -1
        value = w * (spot * dq * stats.norm.cdf(w * d1) - leg.strike * df * stats.norm.cdf(w * (d1 - s)))
        total += leg.quantity * value
    return total


@settings(deadline=None, max_examples=60)
@given(NEAR, FAR, PREMIUM, st.floats(0.0, 400.0))
def test_profit_is_payoff_plus_the_values_of_the_far_legs(near, far, premium, spot):
    assert float(profits_near(near, far, premium, spot)) == pytest.approx(twin(near, far, premium, spot), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(NEAR, FAR, PREMIUM, st.floats(0.0, 1e4))
def test_a_structure_and_its_mirror_sum_to_nothing(near, far, premium, spot):
    mirror = (
        [leg._replace(quantity=-leg.quantity) for leg in near],
        [leg._replace(quantity=-leg.quantity) for leg in far],
    )
    assert profits_near(near, far, premium, spot) + profits_near(*mirror, -premium, spot) == 0.0
    one, two = model_extremes_near(near, far, premium), model_extremes_near(*mirror, -premium)
    assert (one.max_gain, one.max_loss) == (two.max_loss, two.max_gain)


@settings(deadline=None, max_examples=60)
@given(NEAR, FAR, PREMIUM)
def test_no_price_beats_the_extremes_and_they_are_reached(near, far, premium):
    found = model_extremes_near(near, far, premium)
    grid = np.concatenate([np.linspace(0.0, 400.0, 4001), np.geomspace(400.0, 1e7, 300)])
    values = profits_near(near, far, premium, grid)
    slope, limit = tail_line_near(near, far, premium)
    assert (found.max_gain is None) == (slope > 0)
    assert (found.max_loss is None) == (slope < 0)
    for best, spot, sign in ((found.max_gain, found.gain_spot, 1.0), (found.max_loss, found.loss_spot, -1.0)):
        if best is None:
            continue
        assert np.max(sign * values) <= best + 1e-9
        reached = limit if spot == math.inf else float(profits_near(near, far, premium, spot))
        assert sign * reached == pytest.approx(best, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(NEAR, FAR, PREMIUM)
def test_break_evens_are_zeros_and_all_sign_changes(near, far, premium):
    zeros = model_break_evens_near(near, far, premium)
    assert zeros == sorted(zeros)
    for zero in zeros:
        assert float(profits_near(near, far, premium, zero)) == pytest.approx(0.0, abs=1e-9 * (1.0 + zero))
    points = [0.0, *zeros, 2.0 * (zeros[-1] if zeros else 0.0) + 1e4]
    for low, high in itertools.pairwise(points):
        values = profits_near(near, far, premium, low + (high - low) * np.linspace(0.001, 0.999, 400))
        assert values.min() >= -1e-8 or values.max() <= 1e-8


@settings(deadline=None, max_examples=60)
@given(NEAR, FAR, PREMIUM, st.floats(1.0, 300.0))
def test_a_spot_is_in_an_interval_exactly_when_it_earns(near, far, premium, spot):
    profit = float(profits_near(near, far, premium, spot))
    if abs(profit) > 1e-7:
        inside = any(low < spot < high for low, high in model_profit_intervals_near(near, far, premium))
        assert inside == (profit > 0)


@settings(deadline=None, max_examples=60)
@given(NEAR, FAR, PREMIUM)
def test_the_model_never_loses_more_than_the_bound_without_a_model(near, far, premium):
    """With one far expiry: same discount factors for all."""
    far = [leg._replace(t_years=0.5, rate=0.04, div_yield=0.01) for leg in far]
    bound = max_loss_lower_bound(
        near, far_legs(far), premium, far_discount=math.exp(-0.02), far_yield_discount=math.exp(-0.005)
    )
    loss = model_extremes_near(near, far, premium).max_loss
    if bound is not None:
        assert loss is not None
        assert loss <= bound + 1e-9


def far_legs(far):
    return [Leg(leg.quantity, leg.strike, leg.is_call) for leg in far]


@settings(deadline=None, max_examples=60)
@given(NEAR, NEAR, PREMIUM)
def test_far_legs_without_time_are_near_legs(near, dead, premium):
    far = [FarLeg(q, k, c, 0.0, 0.3) for q, k, c in dead]
    grid = np.linspace(0.0, 300.0, 601)
    assert profits_near(near, far, premium, grid) == pytest.approx(profits([*near, *dead], premium, grid), abs=1e-10)
    exact, model = extremes([*near, *dead], premium), model_extremes_near(near, far, premium)
    assert (model.max_gain, model.max_loss) == (exact.max_gain, exact.max_loss)
    premium += 0.5  # no flat stretch at 0
    assert model_break_evens_near(near, far, premium) == pytest.approx(break_evens([*near, *dead], premium), abs=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_extremes_and_zeros_are_those_of_scipy(structure):
    premium = -float(profits_near(*structure, 0.0, 100.0)) + 0.7
    found = model_extremes_near(*structure, premium)
    grid = np.linspace(0.0, 500.0, 5001)
    values = np.array([twin(*structure, premium, s) for s in grid])
    for best, sign in ((found.max_gain, 1.0), (found.max_loss, -1.0)):
        if best is None:
            continue
        i = int(np.argmax(sign * values))
        ends = grid[max(i - 1, 0)], grid[min(i + 1, grid.size - 1)]
        near_by = optimize.minimize_scalar(
            lambda s, sign=sign: -sign * twin(*structure, premium, s),
            bounds=ends,
            method="bounded",
            options={"xatol": 1e-9},
        )
        assert best == pytest.approx(max(-near_by.fun, sign * values[i]), abs=1e-7)
    changes = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    roots = [optimize.brentq(lambda s: twin(*structure, premium, s), grid[i], grid[i + 1], xtol=1e-12) for i in changes]
    assert model_break_evens_near(*structure, premium) == pytest.approx(roots, abs=1e-9)


def test_a_calendar_far_out_keeps_its_constant():
    assert profits_near(*CALENDAR, -1.25, [1e9, 1e15, 1e300]).tolist() == [-1.25] * 3
    assert model_extremes_near(*CALENDAR, -1.25).max_loss == 1.25
    assert model_break_evens_near(*CALENDAR, -9.0) == []
    assert model_profit_intervals_near(*CALENDAR, 0.5) == [(0.0, math.inf)]


def test_a_dividend_yield_makes_a_call_calendar_lose_without_bound_above():
    structure = [Leg(-1, 100, True)], [FarLeg(1, 100, True, 0.25, 0.2, 0.03, 0.02)]
    assert model_extremes_near(*structure, -1.0).max_loss is None
    slope, intercept = tail_line_near(*structure, -1.0)
    assert slope == pytest.approx(math.exp(-0.005) - 1.0)
    zeros = model_break_evens_near(*structure, 3.0)
    assert zeros[-1] == pytest.approx(-(intercept + 4.0) / slope)


def test_two_shallow_zeros_between_coarse_points_are_found():
    top = model_extremes_near(*CALENDAR, 0.0).max_gain
    zeros = model_break_evens_near(*CALENDAR, -top + 1e-9)
    assert len(zeros) == 2
    assert zeros[0] < 100.0 < zeros[1]
    assert zeros[1] - zeros[0] < 1e-7
    valley = [], [FarLeg(1, 100, True, 0.25, 0.2), FarLeg(1, 100, False, 0.25, 0.2)]
    low = model_extremes_near(*valley, 0.0)
    assert -low.max_loss > 0.0
    assert len(model_break_evens_near(*valley, low.max_loss - 1e-10)) == 2


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(STRUCTURES), st.floats(0.02, 1.0), st.floats(0.05, 0.8), st.floats(70.0, 140.0))
def test_expected_profit_is_that_of_adaptive_quadrature(structure, t_years, vol, forward):
    s = vol * math.sqrt(t_years)

    def integrand(z):
        return (
            twin(*structure, -2.0, forward * math.exp(s * z - s * s / 2))
            * math.exp(-z * z / 2)
            / math.sqrt(2 * math.pi)
        )

    kinks = sorted((math.log(leg.strike / forward) / s + s / 2) for leg in structure[0] if leg.strike > 0)
    cuts = [-10.0, *(k for k in kinks if -10 < k < 10 + s), 10.0 + s]
    slow = sum(integrate.quad(integrand, a, b, epsabs=1e-11, limit=200)[0] for a, b in itertools.pairwise(cuts))
    fast = expected_profit_near_lognormal(*structure, -2.0, forward=forward, t_years=t_years, vol=vol)
    assert fast == pytest.approx(slow, abs=1e-8)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.floats(0.05, 0.8), st.floats(60.0, 150.0), st.booleans())
def test_a_calendar_bought_at_its_value_expects_nothing(t_near, t_more, vol, strike, is_call):
    """The far value is a martingale: its mean at the near expiry is its value now."""
    structure = [Leg(-1, strike, is_call)], [FarLeg(1, strike, is_call, t_more, vol)]
    far, near = FarLeg(1, strike, is_call, t_near + t_more, vol), FarLeg(1, strike, is_call, t_near, vol)
    paid = float(profits_near([], [far], 0.0, 100.0)) - float(profits_near([], [near], 0.0, 100.0))
    got = expected_profit_near_lognormal(*structure, -paid, forward=100.0, t_years=t_near, vol=vol)
    assert got == pytest.approx(0.0, abs=1e-10)


def test_expected_profit_under_a_table_is_that_of_adaptive_quadrature():
    table = density(price=[60, 85, 98, 103, 120, 150], cdf=[0, 0.1, 0.4, 0.7, 0.95, 1])
    for structure in STRUCTURES:
        slow = 0.0
        for i in range(5):
            a, b = table.price[i], table.price[i + 1]
            points = sorted(leg.strike for leg in structure[0] if a < leg.strike < b)
            cells = itertools.pairwise([a, *points, b])
            area = sum(
                integrate.quad(lambda s, it=structure: twin(*it, -1.5, s), x, y, epsabs=1e-11)[0] for x, y in cells
            )
            slow += (table.cdf[i + 1] - table.cdf[i]) / (b - a) * area
        assert expected_profit_near(*structure, -1.5, table, costs=0.25) == pytest.approx(slow - 0.25, abs=1e-9)


def test_hull_calendar_and_bad_legs():
    # Hull, Options, Futures, and Other Derivatives, 10th ed., ch. 12: a calendar's profit is largest with the
    # stock at the strike, and a loss of about its cost when far from it.
    found = model_extremes_near(*CALENDAR, -1.6)
    assert found.gain_spot == pytest.approx(100.0)
    assert found.max_loss == 1.6
    for leg in (FarLeg(1, -1, True, 1, 0.2), FarLeg(1, 100, True, -1, 0.2), FarLeg(1, 100, True, 1, math.nan)):
        with pytest.raises(ValueError, match=r"a far leg needs .* got FarLeg"):
            profits_near([], [leg], 0.0, 100.0)
    with pytest.raises(ValueError, match=r"spot must be finite and at least 0, got -1.0"):
        profits_near(*CALENDAR, 0.0, -1.0)
    with pytest.raises(ValueError, match=r"forward must be finite and above 0, got 0.0"):
        expected_profit_near_lognormal(*CALENDAR, 0.0, forward=0.0, t_years=1.0, vol=0.2)

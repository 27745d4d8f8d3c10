"""Risk on each side of the body against a dense grid, broken wings, unequal condors; profit intervals."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.pricing.payoff import Leg, extremes, max_loss_ticks, profit_at, profit_intervals, stock
from contango_quant.pricing.payoff_sides import Side, body, sides

LEG = st.builds(Leg, st.integers(-5, 5), st.integers(0, 60), st.booleans())
LEGS = st.lists(LEG, max_size=6)
PREMIUM = st.integers(-50, 50)


@settings(deadline=None, max_examples=200)
@given(LEGS, PREMIUM, st.integers(0, 60), st.integers(0, 30))
def test_each_side_is_the_worst_of_its_dense_grid(legs, premium, low, width):
    high = low + width
    risk = sides(legs, premium, low=low, high=high)
    falls = profit_at(legs, premium, 10_000) < profit_at(legs, premium, 9_999)
    assert risk.down.max_loss == max(-profit_at(legs, premium, p) for p in range(low + 1))
    assert risk.body.max_loss == max(-profit_at(legs, premium, p) for p in range(low, high + 1))
    assert risk.up.max_loss == (None if falls else max(-profit_at(legs, premium, p) for p in range(high, 200)))
    for side in risk:
        assert side.is_riskless == (side.max_loss is not None and side.max_loss <= 0)
        assert side.is_certain_profit == (side.max_loss is not None and side.max_loss < 0)
        assert side.max_loss is None or type(side.max_loss) is int


@settings(deadline=None, max_examples=100)
@given(LEGS, PREMIUM, st.integers(0, 60), st.integers(0, 30))
def test_the_worst_side_is_the_maximum_loss(legs, premium, low, width):
    losses = [side.max_loss for side in sides(legs, premium, low=low, high=low + width)]
    assert extremes(legs, premium).max_loss == (None if None in losses else max(losses))


@pytest.mark.parametrize(
    ("strikes", "loss_usd"),
    # QuantConnect/Lean issue 9775: SPXW condors of 2 lots, loss at expiry without premium.
    [((7090, 7185, 7510, 7605), 19_000), ((7135, 7185, 7500, 7660), 32_000), ((7090, 7235, 7510, 7605), 29_000)],
)
def test_the_wider_wing_of_a_condor_decides(strikes, loss_usd):
    a, b, c, d = strikes
    condor = [Leg(1, a, False), Leg(-1, b, False), Leg(-1, c, True), Leg(1, d, True)]
    assert max_loss_ticks(condor, 0) * 2 * 100 == loss_usd
    low, high = body(condor)
    risk = sides(condor, 0, low=low, high=high)
    assert (risk.down.max_loss, risk.body.max_loss, risk.up.max_loss) == (b - a, 0, d - c)


@pytest.mark.parametrize(("premium", "riskless", "certain"), [(-1, False, False), (0, True, False), (1, True, True)])
def test_a_broken_wing_butterfly_has_no_risk_above_only_for_a_credit(premium, riskless, certain):
    legs = [Leg(1, 105, False), Leg(-2, 100, False), Leg(1, 90, False)]
    risk = sides(legs, premium, low=100, high=100)
    assert risk.up == Side(-premium, riskless, certain)
    assert risk.down.max_loss == 5 - premium


def test_sides_of_naked_and_covered_positions():
    strangle = [Leg(-1, 95, False), Leg(-1, 105, True)]
    risk = sides(strangle, 3, low=95, high=105)
    assert (risk.down.max_loss, risk.body.max_loss, risk.up.max_loss) == (92, -3, None)
    covered = [stock(1), Leg(-1, 105, True)]
    assert body(covered) == (105, 105)
    assert sides(covered, -100, low=105, high=105).up == Side(-5, True, True)


def test_a_bad_body_is_named():
    with pytest.raises(ValueError, match=r"0 <= low <= high, got 5.0 and 4.0"):
        sides([], 0, low=5, high=4)
    with pytest.raises(ValueError, match="a body needs a sold option"):
        body([stock(-1), Leg(1, 100, True)])


@settings(deadline=None, max_examples=200)
@given(LEGS, PREMIUM, st.floats(0.0, 150.0))
def test_a_price_is_in_an_interval_exactly_when_it_earns(legs, premium, price):
    found = profit_intervals(legs, premium)
    profit = profit_at(legs, premium, price)
    if abs(profit) > 1e-6 and price > 0.0:
        assert any(low < price < high for low, high in found) == (profit > 0)
    for (_, high), (low, _) in itertools.pairwise(found):
        assert high <= low


@settings(deadline=None, max_examples=100)
@given(LEGS, PREMIUM)
def test_a_structure_and_its_mirror_never_earn_together(legs, premium):
    mirror = [leg._replace(quantity=-leg.quantity) for leg in legs]
    for low, high in profit_intervals(legs, premium):
        for other_low, other_high in profit_intervals(mirror, -premium):
            assert min(high, other_high) <= max(low, other_low)


def test_a_flat_stretch_at_zero_is_no_profit_even_when_rounding_says_so():
    legs = [Leg(1, 90.0, False), Leg(-1, 95.0, False)]
    assert profit_intervals(legs, 0.1 + 0.2 - 0.3) == []
    assert profit_intervals(legs, 1e-9) == [(pytest.approx(95.0), float("inf"))]

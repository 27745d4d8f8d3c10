"""The tree, the cheap approximations and cash dividends, each beside something that knows nothing of it."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from contango_quant.pricing.american.bjerksund import bjerksund_price
from contango_quant.pricing.american.cash_dividends import cash_dividend_price
from contango_quant.pricing.american.escrowed import escrowed_price
from contango_quant.pricing.american.gauss import bell_and_cdf, scaled_tail
from contango_quant.pricing.american.price import precise_price
from contango_quant.pricing.american.quadratic import quadratic_price
from contango_quant.pricing.american.tree import tree_price
from contango_quant.pricing.black import bsm_price
from contango_quant.pricing.normal import cdf

NAMES = ("spot", "strike", "t_years", "vol", "rate", "div_yield", "is_call")
S, T, VOL = st.floats(60.0, 160.0), st.floats(0.02, 3.0), st.floats(0.1, 0.9)
RATE = st.floats(0.0, 0.1)


def option(*values):
    return dict(zip(NAMES, values, strict=True))


@given(st.floats(-37.0, 37.0))
def test_the_branchless_normal_distribution_is_the_exact_one(x):
    bell, probability = bell_and_cdf(x)
    assert probability == pytest.approx(cdf(x), rel=2e-15 * (1 + x * x))
    assert bell == pytest.approx(math.exp(-0.5 * x * x), rel=2e-15 * (1 + x * x))


def test_the_branchless_functions_hold_at_their_ends():
    assert bell_and_cdf(1e300)[1] == 1.0
    assert 0.0 <= bell_and_cdf(-1e300)[1] < 1e-290
    assert scaled_tail(1e8) * 1e8 == pytest.approx(1 / math.sqrt(2 * math.pi))


@settings(max_examples=25)
@given(S, T, VOL, RATE, RATE, st.booleans())
def test_the_tree_agrees(s, t, vol, r, q, is_call):
    o = option(s, 100.0, t, vol, r, q, is_call)
    assert tree_price(**o, steps=501) == pytest.approx(float(precise_price(**o).price), abs=0.02)


def test_the_tree_converges():
    o = option(100.0, 105.0, 1.0, 0.3, 0.06, 0.02, False)
    exact = float(precise_price(**o).price)
    errors = [abs(float(tree_price(**o, steps=n)) - exact) for n in (101, 401, 1601)]
    assert errors[2] < 0.4 * errors[1] < 0.16 * errors[0] + 1e-4
    assert errors[2] < 1e-3


def test_two_boundaries_by_two_trees():
    """q < r < 0: exercise pays between two levels; deep in the money the holder waits for the money to grow."""
    o = option(30.0, 100.0, 2.0, 0.1, -0.02, -0.03, False)
    assert tree_price(**o) > 70.0 + 1.0
    assert tree_price(**o, steps=401) == pytest.approx(float(tree_price(**o, steps=1601)), abs=2e-3)
    assert tree_price(**option(95.0, 100.0, 2.0, 0.02, -0.005, -0.03, False)) == pytest.approx(5.0, abs=1e-3)


HAUG = [  # Haug (1998), p. 24, quadratic approximation: spot, t, vol, is_call; strike 100, rate and yield 10 %
    (90.0, 0.1, 0.15, True, 0.0206),
    (110.0, 0.1, 0.25, True, 10.3919),
    (100.0, 0.1, 0.35, True, 4.3777),
    (90.0, 0.5, 0.15, True, 0.8208),
    (100.0, 0.5, 0.25, True, 6.8015),
    (110.0, 0.5, 0.35, True, 15.5689),
    (90.0, 0.1, 0.15, False, 10.0),
    (100.0, 0.5, 0.35, False, 9.5104),
    (110.0, 0.5, 0.25, False, 3.3226),
]


@pytest.mark.parametrize(("spot", "t", "vol", "is_call", "published"), HAUG)
def test_barone_adesi_whaley_published(spot, t, vol, is_call, published):
    """The table was made with a coarser search for the critical price."""
    assert quadratic_price(**option(spot, 100.0, t, vol, 0.1, 0.1, is_call)) == pytest.approx(published, abs=2e-3)


def test_barone_adesi_whaley_beside_quantlib():
    ql = pytest.importorskip("QuantLib", reason="the peer: pip install QuantLib")
    today = ql.Date(1, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    dc = ql.Actual365Fixed()
    for spot, vol, rate, q, days, is_call in (
        (95.0, 0.2, 0.05, 0.02, 200, False),
        (110.0, 0.4, 0.02, 0.06, 500, True),
        (100.0, 0.3, 0.08, 0.0, 90, False),
    ):
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(spot)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, q, dc)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, rate, dc)),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), vol, dc)),
        )
        kind = ql.Option.Call if is_call else ql.Option.Put
        peer = ql.VanillaOption(ql.PlainVanillaPayoff(kind, 100.0), ql.AmericanExercise(today, today + days))
        peer.setPricingEngine(ql.BaroneAdesiWhaleyApproximationEngine(process))
        ours = quadratic_price(**option(spot, 100.0, days / 365, vol, rate, q, is_call))
        assert ours == pytest.approx(peer.NPV(), abs=2e-5)


@settings(max_examples=150)
@given(S, T, VOL, RATE, RATE, st.booleans())
def test_bjerksund_stensland_is_a_close_lower_bound(s, t, vol, r, q, is_call):
    o = option(s, 100.0, t, vol, r, q, is_call)
    exact, bound = float(precise_price(**o).price), float(bjerksund_price(**o))
    assert max(float(bsm_price(**o)) - 1e-9, 0.0) <= bound <= exact + 1e-6
    assert bound > exact - 0.03 * exact - 0.01


@settings(max_examples=100)
@given(S, T, VOL, RATE, RATE, st.booleans())
def test_the_quadratic_approximation_is_near(s, t, vol, r, q, is_call):
    o = option(s, 100.0, t, vol, r, q, is_call)
    assert quadratic_price(**o) == pytest.approx(float(precise_price(**o).price), rel=0.15, abs=0.1)


def test_approximations_have_no_value_with_two_boundaries():
    o = option(100.0, 100.0, 1.0, 0.2, -0.01, -0.03, False)
    assert np.isnan([quadratic_price(**o), bjerksund_price(**o)]).all()


def test_without_dividends_finite_differences_meet_the_boundary_integral():
    for is_call in (False, True):
        o = option(np.array([85.0, 100.0, 120.0]), 100.0, 0.8, 0.3, 0.05, 0.03, is_call)
        np.testing.assert_allclose(cash_dividend_price(**o, dividends=[]), precise_price(**o).price, atol=5e-5)


def call_before_one_dividend(spot, strike, t, vol, rate, ex, amount):
    """Exact, without a yield: exercised just before the ex-date or never; one integral over the spot there."""

    def density(z):
        s = spot * math.exp((rate - vol * vol / 2) * ex + vol * math.sqrt(ex) * z)
        later = float(bsm_price(**option(max(s - amount, 0.0), strike, t - ex, vol, rate, 0.0, True)))
        return max(s - strike, later) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    edges = np.linspace(-8.0, 8.0, 17)
    pieces = [quad(density, a, b, epsabs=1e-8, limit=50)[0] for a, b in pairwise(edges)]
    return math.exp(-rate * ex) * sum(pieces)


@pytest.mark.parametrize("strike", [70.0, 100.0, 130.0])
def test_a_call_before_one_dividend_is_one_integral(strike):
    """S = 100, r = 6 %, vol 30 %, one year, 7 paid at half a year: the setting of Haug, Haug, Lewis (2003)."""
    exact = call_before_one_dividend(100.0, strike, 1.0, 0.3, 0.06, 0.5, 7.0)
    o = option(100.0, strike, 1.0, 0.3, 0.06, 0.0, True)
    assert cash_dividend_price(**o, dividends=[(0.5, 7.0)]) == pytest.approx(exact, abs=4e-4)


def put_by_lattice(spot, strike, t, vol, rate, dividends, steps):
    """CRR between ex-dates; across one the value is looked up at the lower spot on a fresh line of nodes."""
    dt = t / steps
    u = math.exp(vol * math.sqrt(dt))
    p = (math.exp(rate * dt) - 1 / u) / (u - 1 / u)
    layers = {round(ex / dt): amount for ex, amount in dividends}
    line = spot * u ** np.arange(-3 * steps, 3 * steps + 1.0)  # wider than the tree, so that every look-up is inside
    v = np.maximum(strike - line, 0.0)
    for layer in range(steps - 1, -1, -1):
        held = np.concatenate(([v[0]], math.exp(-rate * dt) * (p * v[2:] + (1 - p) * v[:-2]), [v[-1]]))
        v = np.maximum(held, strike - line)
        if layer in layers:
            v = np.maximum(np.interp(line - layers[layer], line, v, left=strike), strike - line)
    return v[3 * steps]


def test_a_put_over_two_dividends_meets_a_lattice():
    o = option(100.0, 105.0, 1.0, 0.25, 0.05, 0.0, False)
    dividends = [(0.75, 2.5), (0.25, 2.5)]
    lattice = 2 * put_by_lattice(100.0, 105.0, 1.0, 0.25, 0.05, dividends, 1600) - put_by_lattice(
        100.0, 105.0, 1.0, 0.25, 0.05, dividends, 800
    )
    assert cash_dividend_price(**o, dividends=dividends) == pytest.approx(lattice, abs=5e-3)


def test_dividends_after_expiry_or_at_once_do_not_count():
    o = option(100.0, 100.0, 0.5, 0.25, 0.05, 0.0, False)
    plain = cash_dividend_price(**o, dividends=[])
    assert cash_dividend_price(**o, dividends=[(0.0, 3.0), (0.6, 3.0)]) == plain
    assert escrowed_price(**o, dividends=[(0.0, 3.0), (0.6, 3.0)]) == escrowed_price(**o, dividends=[])


def test_a_dividend_larger_than_the_spot_leaves_nothing():
    o = option(20.0, 25.0, 1.0, 0.3, 0.03, 0.0, False)
    got = float(cash_dividend_price(**o, dividends=[(0.5, 60.0)]))
    assert got == pytest.approx(25.0 * math.exp(-0.03 * 0.5), abs=2e-3)  # kept until the spot is 0


@settings(max_examples=25)
@given(S, st.floats(0.2, 1.5), VOL, RATE, st.floats(0.1, 5.0), st.booleans())
def test_a_larger_dividend_helps_the_put_and_hurts_the_call(s, t, vol, r, amount, is_call):
    o = option(s, 100.0, t, vol, r, 0.0, is_call)
    less = float(cash_dividend_price(**o, dividends=[(0.4 * t, amount)], nodes=201))
    more = float(cash_dividend_price(**o, dividends=[(0.4 * t, amount + 1.0)], nodes=201))
    assert (more - less) * (-1 if is_call else 1) > -2e-3
    assert less >= max(s - 100.0 if is_call else 100.0 - s, 0.0)


def test_roll_geske_whaley():
    """Haug (1998), the example of the formula: 4 paid at 0.25, expiry at 1/3, r = 6 %, vol 30 %: 4.3860 (escrowed)."""
    o = option(80.0, 82.0, 1 / 3, 0.3, 0.06, 0.0, True)
    prices = [float(escrowed_price(**o, dividends=[(0.25, 4.0)], steps=n)) for n in (1001, 2001)]
    assert 2 * prices[1] - prices[0] == pytest.approx(4.3860, abs=1e-3)


def test_escrowed_without_dividends_is_the_tree():
    o = option(100.0, 110.0, 1.0, 0.2, 0.05, 0.02, False)
    assert escrowed_price(**o, dividends=[]) == pytest.approx(float(tree_price(**o)), rel=1e-12)


@pytest.mark.parametrize(
    ("function", "change", "message"),
    [
        (tree_price, {"steps": 100}, r"steps must be odd and at least 3, got 100"),
        (escrowed_price, {"dividends": [(0.5, 200.0)]}, r"dividends must be worth less than spot"),
        (escrowed_price, {"dividends": [], "steps": 2}, r"steps must be odd"),
        (cash_dividend_price, {"dividends": [(0.5, -1.0)]}, r"amount of dividends .* got -1\.0 at position 0"),
        (cash_dividend_price, {"dividends": [(0.5, 1.0, 2.0)]}, r"pairs of t_years and amount"),
        (cash_dividend_price, {"dividends": [], "nodes": 400}, r"nodes must be 4k \+ 1"),
    ],
)
def test_bad_arguments_are_named(function, change, message):
    with pytest.raises(ValueError, match=message):
        function(**option(100.0, 100.0, 1.0, 0.2, 0.05, 0.0, True), **change)

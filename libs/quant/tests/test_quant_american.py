"""American prices: laws, limits, published cases, QuantLib and an independent tree beside them."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contango_quant.pricing.american import price as american
from contango_quant.pricing.american.price import precise_price, price
from contango_quant.pricing.black import bsm_price

S = st.floats(20.0, 500.0)
T = st.floats(1 / 365, 5.0)
VOL = st.floats(0.05, 1.5)
RATE = st.floats(-0.03, 0.15)
YIELD = st.floats(-0.03, 0.15)
NAMES = ("spot", "strike", "t_years", "vol", "rate", "div_yield", "is_call")


def option(*values):
    return dict(zip(NAMES, values, strict=True))


def smoothed_tree(spot, strike, t, vol, rate, div_yield, is_call, steps):
    """CRR with the Black-Scholes value in the last step, extrapolated: shares nothing with the library."""

    def one(n):
        dt = t / n
        u = math.exp(vol * math.sqrt(dt))
        p = (math.exp((rate - div_yield) * dt) - 1 / u) / (u - 1 / u)
        sign = 1.0 if is_call else -1.0
        s = spot * u ** np.arange(-(n - 1), n, 2.0)
        d1 = (np.log(s / strike) + (rate - div_yield + vol * vol / 2) * dt) / (vol * math.sqrt(dt))
        normal = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)))
        last = sign * (
            s * math.exp(-div_yield * dt) * normal(sign * d1)
            - strike * math.exp(-rate * dt) * normal(sign * (d1 - vol * math.sqrt(dt)))
        )
        v = np.maximum(last, sign * (s - strike))
        for _ in range(n - 1):
            s = s[1:] / u
            v = np.maximum(math.exp(-rate * dt) * (p * v[1:] + (1 - p) * v[:-1]), sign * (s - strike))
        return v[0]

    return 2 * one(steps) - one(steps // 2)


@settings(max_examples=300)
@given(S, T, VOL, RATE, YIELD, st.booleans())
def test_never_below_the_european_price_nor_the_intrinsic_value(s, t, vol, r, q, is_call):
    o = option(s, 100.0, t, vol, r, q, is_call)
    assume(not (r < 0 and q < 0))
    for value in (price(**o), precise_price(**o)):
        assert value.price >= bsm_price(**o) - 1e-13 * (s + 100.0)
        assert value.price >= max(s - 100.0 if is_call else 100.0 - s, 0.0)


@settings(max_examples=150)
@given(S, T, VOL, st.floats(0.0, 0.15), st.floats(0.0, 0.15), st.floats(1.0, 1.3), st.booleans())
def test_price_rises_with_vol_and_time_and_moves_with_spot(s, t, vol, r, q, factor, is_call):
    here = precise_price(**option(s, 100.0, t, vol, r, q, is_call)).price
    slack = 1e-6
    assert precise_price(**option(s, 100.0, t, vol * factor, r, q, is_call)).price >= here - slack
    assert precise_price(**option(s, 100.0, t * factor, vol, r, q, is_call)).price >= here - slack
    moved = precise_price(**option(s * factor, 100.0, t, vol, r, q, is_call)).price
    change = moved - here if is_call else here - moved
    assert -slack <= change <= s * (factor - 1.0) + slack


@settings(max_examples=150)
@given(S, T, VOL, RATE, YIELD)
def test_a_call_is_the_put_with_spot_and_strike_rate_and_yield_exchanged(s, t, vol, r, q):
    call = price(**option(s, 100.0, t, vol, r, q, True))
    put = price(**option(100.0, s, t, vol, q, r, False))
    assert (call.price, call.status) == (put.price, put.status)


@settings(max_examples=100)
@given(S, T, VOL, st.floats(0.0, 0.15), st.floats(0.0, 0.15), st.floats(1e-3, 1e3), st.booleans())
def test_price_scales_with_currency(s, t, vol, r, q, unit, is_call):
    one = price(**option(s, 100.0, t, vol, r, q, is_call)).price
    many = price(**option(s * unit, 100.0 * unit, t, vol, r, q, is_call)).price
    assert many == pytest.approx(one * unit, rel=1e-9, abs=1e-9 * unit)


@settings(max_examples=200)
@given(S, T, VOL, st.floats(0.0, 0.12), st.floats(0.0, 0.12), st.booleans())
def test_the_fast_price_is_near_the_precise_one(s, t, vol, r, q, is_call):
    o = option(s, 100.0, t, vol, r, q, is_call)
    assert price(**o).price == pytest.approx(precise_price(**o).price, abs=2e-5 * 100.0)


@settings(max_examples=300)
@given(
    st.floats(1e-3, 1e5),
    st.floats(0.0, 40.0),
    st.floats(0.0, 6.0),
    st.floats(-0.5, 3.0),
    st.floats(-0.5, 3.0),
    st.booleans(),
)
def test_finite_input_gives_a_price_within_its_bounds(s, t, vol, r, q, is_call):
    assume(not (r < 0 and q < 0))
    value = price(**option(s, 100.0, t, vol, r, q, is_call))
    most = s * math.exp(max(-q, 0.0) * t) if is_call else 100.0 * math.exp(max(-r, 0.0) * t)
    least = max(s - 100.0 if is_call else 100.0 - s, 0.0)
    assert least * (1 - 1e-12) <= value.price <= most * (1 + 1e-9)


@pytest.mark.parametrize(("rate", "premium", "digits"), [(0.05, 0.106952702747, 5e-12), (0.075, 0.3671111, 1e-7)])
def test_andersen_lake_offengenden_premium(rate, premium, digits):
    """Andersen, Lake, Offengenden (2016), table 2, and its second case: S = K = 100, q = 5 %, vol 25 %, one year."""
    o = option(100.0, 100.0, 1.0, 0.25, rate, 0.05, False)
    got = precise_price(**o).price - bsm_price(**o)
    assert got == pytest.approx(premium, abs=digits)


JU = [  # N. Ju, R. Zhong, "An approximate formula for pricing American options", J. Derivatives 7 (1999),
    # as QuantLib's tests list them:
    # strike, spot, q, r, t, vol, is_call, their approximation, which is within 1.2 % of the price
    (35.0, 40.0, 0.0, 0.0488, 0.3333, 0.2, False, 0.201),
    (40.0, 40.0, 0.0, 0.0488, 0.5833, 0.2, False, 1.984),
    (45.0, 40.0, 0.0, 0.0488, 0.3333, 0.3, False, 5.699),
    (45.0, 40.0, 0.0, 0.0488, 0.5833, 0.4, False, 7.367),
    (100.0, 80.0, 0.07, 0.03, 3.0, 0.2, True, 2.605),
    (100.0, 100.0, 0.07, 0.03, 3.0, 0.2, True, 9.065),
    (100.0, 120.0, 0.07, 0.03, 3.0, 0.4, True, 32.709),
    (100.0, 80.0, 0.07, 1e-05, 3.0, 0.3, True, 5.552),
    (100.0, 120.0, 0.03, 0.07, 3.0, 0.3, True, 37.177),
]


@pytest.mark.parametrize(("strike", "spot", "q", "r", "t", "vol", "is_call", "published"), JU)
def test_published_prices(strike, spot, q, r, t, vol, is_call, published):
    assert precise_price(**option(spot, strike, t, vol, r, q, is_call)).price == pytest.approx(
        published, rel=1.2e-2 if published < 6 else 3e-3
    )


@pytest.mark.parametrize(("spot", "rate", "div_yield", "vol"), [(90.0, 0.05, 0.0, 0.3), (130.0, 0.04, 0.07, 0.2)])
def test_a_very_long_put_is_the_perpetual_one(spot, rate, div_yield, vol):
    """McKean's closed form: (K − B)(S/B)^λ."""
    w = (rate - div_yield) / vol**2 - 0.5
    power = -w - math.sqrt(w * w + 2 * rate / vol**2)
    level = 100.0 * power / (power - 1)
    exact = (100.0 - level) * (spot / level) ** power
    for t in (1000.0, 5000.0):
        got = precise_price(**option(spot, 100.0, t, vol, rate, div_yield, False))
        assert got.price == pytest.approx(exact, abs=2e-8)


HARD = [
    (100.0, 100.0, 1.0, 0.25, 0.05, 0.05, False),
    (90.0, 100.0, 0.5, 0.15, 0.08, 0.02, False),
    (105.0, 100.0, 2.0, 0.30, 0.02, 0.06, True),
    (120.0, 100.0, 0.25, 0.40, 0.03, 0.0301, False),
    (100.0, 100.0, 3.0, 0.10, 0.10, 0.00, False),
    (100.0, 100.0, 1.0, 0.20, 0.05, -0.03, False),
    (100.0, 100.0, 1.0, 0.20, -0.02, 0.0, True),
    (100.0, 100.0, 1.0, 0.20, 0.03, -0.04, False),
]


@pytest.mark.parametrize("values", HARD)
def test_an_independent_tree_agrees(values):
    assert precise_price(**option(*values)).price == pytest.approx(smoothed_tree(*values, 2400), abs=4e-4)


def test_quantlib_high_precision_agrees():
    ql = pytest.importorskip("QuantLib", reason="the peer: pip install QuantLib")
    rng = np.random.default_rng(4)
    today = ql.Date(1, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    dc = ql.Actual365Fixed()
    for _ in range(25):
        spot, vol = 100 * math.exp(rng.normal(0, 0.15)), rng.uniform(0.15, 0.6)
        rate, q, days = rng.uniform(0.01, 0.08), rng.uniform(0.0, 0.08), int(rng.integers(20, 700))
        is_call = bool(rng.random() < 0.5)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(spot)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, q, dc)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, rate, dc)),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), vol, dc)),
        )
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, 100.0)
        peer = ql.VanillaOption(payoff, ql.AmericanExercise(today, today + days))
        peer.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
        got = precise_price(**option(spot, 100.0, days / 365, vol, rate, q, is_call)).price
        assert got == pytest.approx(peer.NPV(), abs=1e-6)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ((100.0, 100.0, 1.0, 0.2, 0.05, 0.0, False), american.HELD),
        ((50.0, 100.0, 1.0, 0.2, 0.05, 0.0, False), american.EXERCISE_NOW),
        ((100.0, 100.0, 1.0, 0.2, 0.05, 0.0, True), american.NEVER_EARLY),
        ((100.0, 100.0, 1.0, 0.2, 0.0, 0.03, False), american.NEVER_EARLY),
        ((100.0, 100.0, 1.0, 0.2, -0.02, 0.0, False), american.NEVER_EARLY),
        ((100.0, 100.0, 1.0, 0.2, -0.01, -0.03, False), american.BY_TREE),
        ((100.0, 100.0, 1.0, 0.2, -0.03, -0.01, True), american.BY_TREE),
        ((90.0, 100.0, 0.0, 0.2, 0.05, 0.0, False), american.EXERCISE_NOW),
    ],
)
def test_status(values, status):
    assert price(**option(*values)).status == status


def test_where_exercise_never_pays_the_price_is_european():
    for values in ((90.0, 100.0, 2.0, 0.3, 0.05, 0.0, True), (90.0, 100.0, 2.0, 0.3, -0.02, 0.01, False)):
        assert price(**option(*values)).price == pytest.approx(float(bsm_price(**option(*values))), rel=1e-14)


@pytest.mark.parametrize(
    ("values", "exact"),
    [
        ((90.0, 100.0, 1.0, 0.0, 0.05, 0.0, False), 10.0),
        ((120.0, 100.0, 1.0, 0.0, 0.05, 0.0, True), 120.0 - 100.0 * math.exp(-0.05)),
        ((0.0, 100.0, 1.0, 0.3, 0.05, 0.0, False), 100.0),
        ((0.0, 100.0, 1.0, 0.3, 0.05, 0.0, True), 0.0),
        ((100.0, 0.0, 1.0, 0.3, 0.05, 0.0, True), 100.0),
        ((100.0, 0.0, 1.0, 0.3, 0.05, 0.0, False), 0.0),
        ((80.0, 100.0, 0.0, 0.3, 0.05, 0.0, False), 20.0),
    ],
)
def test_edges(values, exact):
    for function in (price, precise_price):
        assert function(**option(*values)).price == pytest.approx(exact, rel=1e-14, abs=1e-14)


def test_without_volatility_the_best_instant_counts():
    """r = 2 %, q = 10 %: K e^(−rt) − S e^(−qt) is largest at t = ln(qS/rK)/(q − r)."""
    best = math.log(0.10 * 80.0 / (0.02 * 100.0)) / 0.08
    exact = 100.0 * math.exp(-0.02 * best) - 80.0 * math.exp(-0.10 * best)
    assert price(**option(80.0, 100.0, 30.0, 0.0, 0.02, 0.10, False)).price == pytest.approx(exact, rel=1e-14)
    assert precise_price(**option(80.0, 100.0, 30.0, 1e-5, 0.02, 0.10, False)).price == pytest.approx(exact, abs=1e-6)


def test_arrays_broadcast_and_a_ladder_equals_its_steps():
    strikes = np.array([80.0, 100.0, 120.0])
    ladder = price(**option(np.array([[95.0], [105.0]]), strikes, 0.5, 0.3, 0.05, 0.02, False))
    assert ladder.price.shape == ladder.status.shape == (2, 3)
    for i, spot in enumerate((95.0, 105.0)):
        for j, strike in enumerate(strikes):
            assert ladder.price[i, j] == price(**option(spot, strike, 0.5, 0.3, 0.05, 0.02, False)).price


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spot": -1.0}, r"spot must be finite and at least 0, got -1\.0"),
        ({"vol": [0.2, math.nan]}, r"vol must be .* got nan at position 1"),
        ({"rate": math.inf}, r"rate must be finite, got inf"),
        ({"is_call": 1}, r"is_call must be boolean"),
        ({"strike": np.ones(2), "vol": np.ones(3)}, r"strike \(2,\).*vol \(3,\)"),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        price(**{**option(100.0, 100.0, 1.0, 0.2, 0.05, 0.0, False), **change})


def test_kernel_reports_what_is_not_finite():
    scheme = american.FAST
    got = american.american_kernel(math.nan, 1.0, 1.0, 0.2, 0.0, 0.0, True, scheme, american.make_work(scheme))
    assert math.isnan(got[0])
    assert american.STATUS_NAMES[got[1]] == "NON_FINITE"

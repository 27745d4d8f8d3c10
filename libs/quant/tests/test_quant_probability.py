"""Probabilities of profit and of finishing, expected profit and CVaR: tables and lognormals against slow twins."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from contango_quant.pricing import black
from contango_quant.pricing.density import (
    Density,
    density,
    expected_call,
    expected_put,
    mean,
    probability_below,
    quantile,
)
from contango_quant.pricing.expected import ev_delta_binary, expected_profit, expected_profit_lognormal
from contango_quant.pricing.lognormal import finish_probability, lognormal_quantile
from contango_quant.pricing.payoff import Leg, extremes, profit_at, profits
from contango_quant.pricing.probability import (
    probability_within,
    probability_within_lognormal,
    profit_probability,
    profit_probability_lognormal,
)
from contango_quant.pricing.tail_loss import cvar, cvar_lognormal

LEG = st.builds(Leg, st.integers(-3, 3), st.integers(60, 140), st.booleans())
LEGS = st.lists(LEG, min_size=1, max_size=5)
PREMIUM = st.integers(-20, 20).map(lambda n: n + 0.5)
LAW = st.tuples(st.floats(70.0, 140.0), st.floats(0.02, 2.0), st.floats(0.05, 0.8))
CONDOR = [Leg(1, 90, False), Leg(-1, 95, False), Leg(-1, 105, True), Leg(1, 110, True)]


@st.composite
def tables(draw):
    steps = draw(st.lists(st.floats(0.5, 30.0), min_size=1, max_size=8))
    weights = draw(st.lists(st.floats(0.0, 1.0), min_size=len(steps), max_size=len(steps)))
    weights[draw(st.integers(0, len(steps) - 1))] = 1.0
    levels = np.append(0.0, np.cumsum(weights) / np.sum(weights))
    levels[-1] = 1.0
    price = draw(st.floats(0.0, 90.0)) + np.append(0.0, np.cumsum(steps))
    return density(price=price, cdf=np.minimum(levels, 1.0))


def sample(table: Density, n: int = 200_001) -> np.ndarray:
    """Prices at n even levels, by numpy's own inverse interpolation cell by cell."""
    u = (np.arange(n) + 0.5) / n
    out = np.empty(n)
    for i in range(table.price.size - 1):
        a, b = table.cdf[i], table.cdf[i + 1]
        inside = (u > a) & (u <= b)
        out[inside] = table.price[i] + (u[inside] - a) / max(b - a, 1e-300) * (table.price[i + 1] - table.price[i])
    return out


def moneyness_integral(function, legs, forward, t_years, vol):
    """∫ function(S) dP by quad in the normal variate, cut at the kinks."""
    s = vol * math.sqrt(t_years)
    kinks = sorted(math.log(leg.strike / forward) / s + s / 2 for leg in legs)
    cuts = [-12.0, *(k for k in kinks if -12 < k < 12 + s), 12.0 + s]

    def weighted(z):
        return function(forward * math.exp(s * z - s * s / 2)) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    return sum(integrate.quad(weighted, a, b, epsabs=1e-12, limit=300)[0] for a, b in itertools.pairwise(cuts))


@settings(deadline=None, max_examples=60)
@given(tables(), st.floats(0.0, 1.0), st.floats(-10.0, 400.0))
def test_quantile_is_the_inverse_of_the_distribution_function(table, level, price):
    q = float(quantile(table, level))
    assert float(probability_below(table, q)) == pytest.approx(level, abs=1e-12)
    below = float(probability_below(table, price))
    assert 0.0 <= below <= 1.0
    if table.price[0] <= price <= table.price[-1]:
        assert float(probability_below(table, quantile(table, below))) == pytest.approx(below, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(tables(), st.floats(0.0, 300.0))
def test_expected_options_are_integrals_and_keep_parity(table, strike):
    call = put = 0.0
    for i in range(table.price.size - 1):
        a, b = table.price[i], table.price[i + 1]
        rate = (table.cdf[i + 1] - table.cdf[i]) / (b - a)
        low, high = max(a, strike), min(b, strike)
        call += rate * ((b - strike) ** 2 - (low - strike) ** 2) / 2 if b > low else 0.0
        put += rate * ((strike - a) ** 2 - (strike - high) ** 2) / 2 if high > a else 0.0
    assert float(expected_call(table, strike)) == pytest.approx(call, abs=1e-10)
    assert float(expected_put(table, strike)) == pytest.approx(put, abs=1e-10)
    assert call - put == pytest.approx(mean(table) - strike, abs=1e-10)


@settings(deadline=None, max_examples=60)
@given(LEGS, PREMIUM, tables())
def test_profit_probability_of_a_table_is_the_share_of_even_samples(legs, premium, table):
    share = np.mean(profits(legs, premium, sample(table)) > 0.0)
    assert profit_probability(legs, premium, table) == pytest.approx(share, abs=2e-4)


@settings(deadline=None, max_examples=60)
@given(LEGS, PREMIUM, LAW)
def test_profit_probability_of_a_lognormal_is_the_share_of_even_samples(legs, premium, law):
    forward, t_years, vol = law
    s = vol * math.sqrt(t_years)
    prices = forward * np.exp(s * stats.norm.ppf((np.arange(100_001) + 0.5) / 100_001) - s * s / 2)
    share = np.mean(profits(legs, premium, prices) > 0.0)
    got = profit_probability_lognormal(legs, premium, forward=forward, t_years=t_years, vol=vol)
    assert got == pytest.approx(share, abs=2e-4)


@settings(deadline=None, max_examples=60)
@given(LEGS, PREMIUM, LAW)
def test_one_side_profits_when_the_other_loses(legs, premium, law):
    forward, t_years, vol = law
    mirror = [leg._replace(quantity=-leg.quantity) for leg in legs]
    law = {"forward": forward, "t_years": t_years, "vol": vol}
    one, two = profit_probability_lognormal(legs, premium, **law), profit_probability_lognormal(mirror, -premium, **law)
    assert one + two == pytest.approx(1.0, abs=1e-12)  # half-integer premium: no stretch at 0
    ev = expected_profit_lognormal(legs, premium, **law) + expected_profit_lognormal(mirror, -premium, **law)
    assert ev == pytest.approx(0.0, abs=1e-10)


def test_profit_probability_is_that_of_monte_carlo_and_of_quad():
    rng = np.random.default_rng(20260729)
    forward, t_years, vol = 101.0, 0.12, 0.22
    s = vol * math.sqrt(t_years)
    prices = forward * np.exp(s * rng.standard_normal(400_000) - s * s / 2)
    got = profit_probability_lognormal(CONDOR, 1.4, forward=forward, t_years=t_years, vol=vol)
    share = np.mean(profits(CONDOR, 1.4, prices) > 0.0)
    assert abs(got - share) < 4.0 * math.sqrt(got * (1.0 - got) / prices.size)
    law = stats.lognorm(s, scale=forward * math.exp(-s * s / 2))
    slow = integrate.quad(law.pdf, 93.6, 106.4, epsabs=1e-13)[0]
    assert got == pytest.approx(slow, abs=1e-12)


def test_small_probabilities_keep_their_digits():
    far = float(finish_probability(low=300.0, high=math.inf, forward=100.0, t_years=0.1, vol=0.3))
    s = 0.3 * math.sqrt(0.1)
    assert far == pytest.approx(float(stats.norm.sf(math.log(3.0) / s + s / 2)), rel=1e-12)
    piece = float(finish_probability(low=300.0, high=301.0, forward=100.0, t_years=0.1, vol=0.3))
    law = stats.lognorm(s, scale=100.0 * math.exp(-s * s / 2))
    assert piece == pytest.approx(integrate.quad(law.pdf, 300.0, 301.0, epsabs=0.0)[0], rel=1e-9)


def test_without_volatility_the_price_finishes_at_its_forward():
    assert finish_probability(low=[0, 99, 100], high=[100, 101, 101], forward=100, t_years=1, vol=0).tolist() == [
        0,
        1,
        0,
    ]
    assert profit_probability_lognormal(CONDOR, 1, forward=100.0, t_years=0.0, vol=0.2) == 1.0
    assert cvar_lognormal(CONDOR, 1, forward=108.0, t_years=0.0, vol=0.2) == 2.0


@settings(deadline=None, max_examples=40)
@given(LEGS, PREMIUM, LAW)
def test_expected_profit_of_a_lognormal_is_that_of_adaptive_quadrature(legs, premium, law):
    forward, t_years, vol = law
    slow = moneyness_integral(lambda price: profit_at(legs, premium, price), legs, forward, t_years, vol)
    got = expected_profit_lognormal(legs, premium, forward=forward, t_years=t_years, vol=vol, costs=0.3)
    assert got == pytest.approx(slow - 0.3, abs=1e-8)


@settings(deadline=None, max_examples=60)
@given(LEGS, PREMIUM, tables())
def test_expected_profit_of_a_table_is_the_mean_of_even_samples(legs, premium, table):
    got = expected_profit(legs, premium, table, costs=0.3)
    assert got == pytest.approx(np.mean(profits(legs, premium, sample(table))) - 0.3, abs=2e-3)


@settings(deadline=None, max_examples=60)
@given(LEGS, LAW, st.floats(-0.05, 0.1), tables())
def test_a_fairly_priced_structure_expects_nothing(legs, law, rate, table):
    spot, t_years, vol = law
    discount, forward = math.exp(-rate * t_years), spot * math.exp(rate * t_years)
    prices = black.bsm_price(
        spot=spot,
        strike=[leg.strike for leg in legs],
        t_years=t_years,
        vol=vol,
        rate=rate,
        div_yield=0.0,
        is_call=[leg.is_call for leg in legs],
    )
    premium = -sum(leg.quantity * price for leg, price in zip(legs, prices, strict=True))
    got = expected_profit_lognormal(legs, premium, forward=forward, t_years=t_years, vol=vol, discount=discount)
    assert got == pytest.approx(0.0, abs=1e-9)
    worth = [float((expected_call if leg.is_call else expected_put)(table, leg.strike)) for leg in legs]
    premium = -discount * sum(leg.quantity * price for leg, price in zip(legs, worth, strict=True))
    assert expected_profit(legs, premium, table, discount=discount) == pytest.approx(0.0, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.floats(85.0, 99.0), st.floats(1.0, 10.0), st.floats(0.05, 0.3), st.floats(0.1, 0.5))
def test_the_binary_estimate_condemns_every_fairly_priced_vertical(strike, width, t_years, vol):
    worth = black.price(
        forward=100.0, strike=[strike, strike - width], t_years=t_years, vol=vol, discount=1.0, is_call=False
    )
    credit = float(worth[0] - worth[1])
    d1 = (math.log(100.0 / strike) + vol * vol * t_years / 2) / (vol * math.sqrt(t_years))
    legs = [Leg(-1, strike, False), Leg(1, strike - width, False)]
    fair = expected_profit_lognormal(legs, credit, forward=100.0, t_years=t_years, vol=vol)
    assert fair == pytest.approx(0.0, abs=1e-10)
    beyond = float(stats.norm.cdf(-(d1 - vol * math.sqrt(t_years))))  # the chance to end in the money at all
    assert ev_delta_binary(credit=credit, width=width, delta=-beyond) < 0.0


@settings(deadline=None, max_examples=60)
@given(LEGS, PREMIUM, tables(), st.sampled_from([0.0, 0.5, 0.9, 0.99]))
def test_cvar_of_a_table_is_the_mean_of_the_worst_samples(legs, premium, table, level):
    n = 200_000
    ordered = np.sort(profits(legs, premium, sample(table, n)))
    worst = round(n * (1.0 - level))
    assert cvar(legs, premium, table, level=level) == pytest.approx(-np.mean(ordered[:worst]), abs=2e-2)
    if level == 0.0:
        assert cvar(legs, premium, table, level=0.0) == pytest.approx(-expected_profit(legs, premium, table), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(LEGS, PREMIUM, LAW, st.sampled_from([0.0, 0.5, 0.9, 0.99]))
def test_cvar_of_a_lognormal_is_least_over_the_threshold(legs, premium, law, level):
    """Rockafellar and Uryasev: CVaR is the minimum over y of E[(y − P)⁺]/q − y; quad and a scan of y."""
    forward, t_years, vol = law
    s = vol * math.sqrt(t_years)
    z = (np.arange(100_000) + 0.5) / 100_000
    prices = forward * np.exp(s * stats.norm.ppf(z) - s * s / 2)
    ordered = np.sort(profits(legs, premium, prices))
    worst = round(ordered.size * (1.0 - level))
    got = cvar_lognormal(legs, premium, forward=forward, t_years=t_years, vol=vol, level=level)
    scale = 1.0 + float(np.max(np.abs(ordered)))
    assert got == pytest.approx(-np.mean(ordered[:worst]), abs=2e-3 * scale)
    if level == 0.0:
        assert got == pytest.approx(
            -expected_profit_lognormal(legs, premium, forward=forward, t_years=t_years, vol=vol), abs=1e-8 * scale
        )


def test_cvar_of_one_sold_option_has_a_closed_form():
    """Short put: the worst 5 % are the prices below the 5 % quantile; mean of a truncated lognormal."""
    forward, s, q = 100.0, 0.1, 0.05
    end = lognormal_quantile(q, forward, s)
    mean_below = forward * stats.norm.cdf(stats.norm.ppf(q) - s) / q
    assert end < 100.0
    got = cvar_lognormal([Leg(-1, 100, False)], 4.0, forward=forward, t_years=0.25, vol=0.2, level=0.95)
    assert got == pytest.approx(100.0 - mean_below - 4.0, abs=1e-10)
    naked = cvar_lognormal([Leg(-1, 100, True)], 4.0, forward=forward, t_years=0.25, vol=0.2, level=0.95)
    mean_above = forward * stats.norm.cdf(s - stats.norm.ppf(1 - q)) / q
    assert naked == pytest.approx(mean_above - 100.0 - 4.0, abs=1e-10)


@pytest.mark.parametrize("legs", [[Leg(1, 90, True)], [Leg(-1, 110, True)], [Leg(-1, 90, False)], CONDOR])
def test_cvar_tends_to_the_expected_loss_and_to_the_worst_case(legs):
    law = {"forward": 100.0, "t_years": 0.25, "vol": 0.3}
    assert cvar_lognormal(legs, 0.5, **law, level=1e-9) == pytest.approx(
        -expected_profit_lognormal(legs, 0.5, **law), abs=1e-6
    )
    levels = [cvar_lognormal(legs, 0.5, **law, level=level) for level in (0.0, 0.3, 0.9, 0.999, 1.0 - 1e-12)]
    assert levels == sorted(levels)
    assert math.isfinite(cvar_lognormal(legs, 0.5, forward=100.0, t_years=1.0, vol=40.0))
    worst = extremes(legs, 0.5).max_loss
    assert worst is None or levels[-1] <= worst + 1e-9


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_cvar_of_a_capped_loss_is_the_cap_where_its_chance_reaches_so_far(level):
    table = density(price=[0, 50, 95, 105, 150, 200], cdf=[0, 0.3, 0.55, 0.75, 0.9, 1])
    spread = [Leg(-1, 95, False), Leg(1, 94, False)]
    assert cvar(spread, 0.25, table, level=level) == pytest.approx(0.75, abs=1e-12)


def test_published_formula_of_the_binary_estimate():
    # c·100·(1 − δ) − max loss·δ for credit 0.60 and width 5 at δ .20: 48 − 88 = −40 per lot.
    assert 100 * ev_delta_binary(credit=0.6, width=5.0, delta=0.2) == pytest.approx(-40.0)
    assert ev_delta_binary(credit=1.25, width=5.0, delta=-0.25) == 0.0


def test_hull_bull_spread():
    # Hull, Options, Futures, and Other Derivatives, 10th ed., ch. 12 (bull spread): calls at 30 for 3 and at 35
    # for 1; profit -2 up to 30, S - 32 between, 3 from 35. Profitable above 32.
    spread = [Leg(1, 30, True), Leg(-1, 35, True)]
    assert [profit_at(spread, -2, s) for s in (25, 30, 33, 35, 40)] == [-2, -2, 1, 3, 3]
    table = density(price=[20, 30, 40, 50], cdf=[0, 0.25, 0.75, 1])
    assert profit_probability(spread, -2, table) == pytest.approx(0.65)
    assert probability_within([(32.0, math.inf)], table) == pytest.approx(0.65)
    assert expected_profit(spread, -2, table) == pytest.approx(0.25 * -2 + 0.25 * 0.5 + 0.25 * 3 + 0.25 * 3)


def test_bad_input_is_named():
    table = density(price=[90, 100], cdf=[0, 1])
    with pytest.raises(ValueError, match=r"level must be within \[0, 1\], got 1.5 at position 1"):
        quantile(table, [0.5, 1.5])
    with pytest.raises(ValueError, match=r"price must be finite, got inf at position 1"):
        density(price=[1.0, math.inf], cdf=[0, 1])
    with pytest.raises(ValueError, match=r"level must be at least 0 and below 1, got 1.0"):
        cvar(CONDOR, 1, table, level=1.0)
    with pytest.raises(ValueError, match=r"forward must be finite and above 0, got -1.0"):
        probability_within_lognormal([], forward=-1.0, t_years=1.0, vol=0.2)
    with pytest.raises(ValueError, match=r"high must be finite and at least 0, got nan"):
        finish_probability(low=0, high=math.nan, forward=1.0, t_years=1.0, vol=0.2)
    with pytest.raises(ValueError, match=r"costs must be finite, got nan"):
        expected_profit(CONDOR, 1, table, costs=math.nan)
    with pytest.raises(ValueError, match=r"needs 0 <= credit <= width, got credit 6.0 and width 5.0"):
        ev_delta_binary(credit=6.0, width=5.0, delta=0.2)
    with pytest.raises(ValueError, match=r"delta must be within \[-1, 1\], got 25.0"):
        ev_delta_binary(credit=1.0, width=5.0, delta=25.0)
    assert profit_probability([], 0.0, table) == 0.0
    assert profit_probability([], 1.0, table) == 1.0

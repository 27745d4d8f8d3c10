"""Forward, discount and dividends from parity, on chains made from a known volatility."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.pricing import black
from contango_quant.surface import carry, forward


def chain(f, vol, t, rate, strikes, half_spread=0.0):
    d = math.exp(-rate * t)
    common = {"forward": f, "strike": strikes, "t_years": t, "vol": vol, "discount": d}
    call, put = black.price(**common, is_call=True), black.price(**common, is_call=False)
    quotes = {"call_bid": call - half_spread, "call_ask": call + half_spread}
    return {"strike": strikes, **quotes, "put_bid": put - half_spread, "put_ask": put + half_spread}


@settings(deadline=None)
@given(st.floats(80.0, 120.0), st.floats(0.1, 0.6), st.floats(-0.02, 0.1), st.floats(0.01, 0.2))
def test_forward_is_found_and_outliers_do_not_move_it(f, vol, rate, half_spread):
    strikes = np.arange(70.0, 131.0, 2.5)
    quotes = chain(f, vol, 0.25, rate, strikes, half_spread)
    d = math.exp(-rate * 0.25)
    fit = forward.forward_from_parity(**quotes, discount=d)
    assert fit.value == pytest.approx(f, rel=1e-9)
    assert 0.0 < fit.error < half_spread / d
    at = int(np.argmin(np.abs(strikes - f)))
    stale = {n: q.copy() for n, q in quotes.items()}
    for side in ("call_bid", "call_ask"):
        stale[side][at] += 3.0
    assert forward.forward_from_parity(**stale, discount=d).value == pytest.approx(f, rel=1e-9)


def test_forward_not_identifiable_says_why():
    quotes = chain(100.0, 0.2, 0.1, 0.0, np.array([95.0, 100.0, 105.0]), 0.01)
    quotes["put_bid"][1] = math.nan
    fit = forward.forward_from_parity(**quotes, discount=1.0)
    assert (fit.value, fit.error, fit.pairs) == (None, None, 2)
    assert fit.reason == "2 usable call-put pairs, 3 needed"
    with pytest.raises(ValueError, match="discount"):
        forward.forward_from_parity(**quotes, discount=0.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 9)), min_size=1, max_size=12))
def test_weighted_median_is_the_median_of_repeated_values(pairs):
    values, weights = np.array(pairs, dtype=float).T
    assert forward.weighted_median(values, weights) == np.median(np.repeat(values, weights.astype(int)))


def noisy(f, rate, t, seed, half_spread=0.05):
    """A chain whose mids are off by up to half the half-spread."""
    rng = np.random.default_rng(seed)
    quotes = chain(f, 0.25, t, rate, np.arange(70.0, 131.0, 2.5), half_spread)
    for name in ("call", "put"):
        shift = rng.uniform(-0.5, 0.5, quotes["strike"].size) * half_spread
        quotes[f"{name}_bid"], quotes[f"{name}_ask"] = quotes[f"{name}_bid"] + shift, quotes[f"{name}_ask"] + shift
    return quotes


@settings(deadline=None)
@given(st.floats(80.0, 120.0), st.floats(0.1, 0.6), st.floats(-0.02, 0.1), st.floats(0.05, 2.0))
def test_exact_quotes_give_forward_and_discount(f, vol, rate, t):
    quotes = chain(f, vol, t, rate, np.arange(70.0, 131.0, 2.5), 0.0)
    deep = {n: np.maximum(q, 1e-6) if n != "strike" else q for n, q in quotes.items()}
    fit = carry.carry_from_parity(**deep, t_years=t)
    assert fit.forward == pytest.approx(f, rel=1e-5)
    assert fit.rate == pytest.approx(rate, abs=2e-6 / t)
    assert fit.discount == pytest.approx(math.exp(-rate * t), rel=2e-6)


@settings(deadline=None, max_examples=40)
@given(st.floats(90.0, 110.0), st.floats(-0.02, 0.1), st.floats(0.2, 1.0), st.integers(0, 2**32 - 1))
def test_errors_cover_the_truth_and_stale_quotes_do_not_move_the_line(f, rate, t, seed):
    quotes = noisy(f, rate, t, seed)
    fit = carry.carry_from_parity(**quotes, t_years=t)
    assert abs(fit.forward - f) < 6.0 * fit.forward_error
    assert abs(fit.rate - rate) < 6.0 * fit.rate_error
    assert fit.rate_error == pytest.approx(fit.discount_error / fit.discount / t)
    stale = {n: q.copy() for n, q in quotes.items()}
    for i in (3, 11, 20):
        stale["put_bid"][i] += 4.0
        stale["put_ask"][i] += 4.0
    moved = carry.carry_from_parity(**stale, t_years=t)
    assert abs(moved.forward - f) < 0.1
    assert abs(moved.discount - fit.discount) < 4e-3


def test_box_is_the_discount_of_any_two_strikes():
    quotes = chain(100.0, 0.3, 0.5, 0.04, np.array([80.0, 90.0, 110.0, 120.0]))
    parity = 0.5 * (quotes["call_bid"] + quotes["call_ask"] - quotes["put_bid"] - quotes["put_ask"])
    assert carry.box_discount(quotes["strike"], parity, np.ones(4)) == pytest.approx(math.exp(-0.02), rel=1e-12)


def test_carry_not_identified_says_why():
    quotes = chain(100.0, 0.2, 0.1, 0.0, np.array([95.0, 100.0, 105.0]), 0.01)
    fit = carry.carry_from_parity(**quotes, t_years=0.1)
    assert (fit.forward, fit.discount, fit.rate, fit.pairs) == (None, None, None, 3)
    assert fit.reason == "3 usable call-put pairs, 4 needed"
    inverted = chain(100.0, 0.2, 0.1, 0.0, np.arange(80.0, 120.0, 5.0), 0.01)
    inverted["strike"] = inverted["strike"][::-1].copy()
    assert "line of parity" in carry.carry_from_parity(**inverted, t_years=0.1).reason
    with pytest.raises(ValueError, match="t_years"):
        carry.carry_from_parity(**quotes, t_years=0.0)
    with pytest.raises(ValueError, match="equally long"):
        carry.carry_from_parity(**{**quotes, "strike": quotes["strike"][:2]}, t_years=0.1)


@settings(deadline=None)
@given(st.floats(1.0, 1e4), st.floats(-0.05, 0.15), st.floats(-0.05, 0.15), st.floats(0.01, 5.0))
def test_dividends_are_what_the_forward_lacks(spot, rate, div_yield, t):
    paid = carry.implied_dividends(
        spot=spot, forward=spot * math.exp((rate - div_yield) * t), discount=math.exp(-rate * t), t_years=t
    )
    assert paid.div_yield == pytest.approx(div_yield, abs=1e-12 / t)
    assert paid.present_value == pytest.approx(spot * -math.expm1(-div_yield * t), abs=1e-12 * spot)


def test_dividends_refuse_what_is_not_above_zero():
    with pytest.raises(ValueError, match=r"forward must be finite and above 0, got -1.0"):
        carry.implied_dividends(spot=1.0, forward=-1.0, discount=1.0, t_years=1.0)

"""Model-free variance of chains made from a known volatility."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.pricing import black
from contango_quant.surface import vix


def chain(f, vol, t, rate, strikes, half_spread=0.0):
    d = math.exp(-rate * t)
    common = {"forward": f, "strike": strikes, "t_years": t, "vol": vol, "discount": d}
    call, put = black.price(**common, is_call=True), black.price(**common, is_call=False)
    quotes = {"call_bid": call - half_spread, "call_ask": call + half_spread}
    return {"strike": strikes, **quotes, "put_bid": put - half_spread, "put_ask": put + half_spread}


STRIKES = np.arange(20.0, 401.0, 1.0)


@settings(deadline=None)
@given(st.floats(80.0, 120.0), st.floats(0.1, 0.6), st.floats(0.02, 0.5), st.floats(-0.02, 0.1))
def test_flat_volatility_gives_its_own_variance(f, vol, t, rate):
    got = vix.term_variance(**chain(f, vol, t, rate, STRIKES), t_years=t, rate=rate)
    assert got.forward == pytest.approx(f, rel=1e-12)
    assert got.at_strike == math.floor(got.forward)
    # Beside the cut tails the only error is that of strikes 1.00 apart.
    assert math.sqrt(got.variance) == pytest.approx(vol, abs=5e-4 + 2e-5 / (vol * t))


def slow_variance(strike, call_bid, call_ask, put_bid, put_ask, t_years, rate):
    """The white paper's recipe, step by step with lists."""
    rows = list(zip(strike, call_bid, call_ask, put_bid, put_ask, strict=True))
    mids = {k: ((cb + ca) / 2, (pb + pa) / 2) for k, cb, ca, pb, pa in rows}
    _, k_star = min((abs(mids[k][0] - mids[k][1]), k) for k, cb, _, pb, _ in rows if cb > 0 and pb > 0)
    f = k_star + math.exp(rate * t_years) * (mids[k_star][0] - mids[k_star][1])
    k0 = max(k for k in mids if k <= f)

    def walk(side):
        chosen, zeros = [], 0
        for k, bid in side:
            if bid > 0:
                chosen.append(k)
                zeros = 0
            else:
                zeros += 1
                if zeros == 2:
                    break
        return chosen

    puts = walk([(r[0], r[3]) for r in reversed(rows) if r[0] < k0])
    calls = walk([(r[0], r[1]) for r in rows if r[0] > k0])
    ks = [*sorted(puts), k0, *calls]
    total = 0.0
    for i, k in enumerate(ks):
        if i == 0:
            dk = ks[1] - ks[0]
        elif i == len(ks) - 1:
            dk = ks[-1] - ks[-2]
        else:
            dk = (ks[i + 1] - ks[i - 1]) / 2
        value = mids[k][1] if k < k0 else mids[k][0] if k > k0 else sum(mids[k]) / 2
        total += dk / k**2 * math.exp(rate * t_years) * value
    return 2 / t_years * total - (f / k0 - 1) ** 2 / t_years


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.5))
def test_slow_twin_with_holes_in_the_quotes(seed, holes):
    rng = np.random.default_rng(seed)
    strikes = np.unique(np.round(np.concatenate([[99.0, 100.0, 101.0], rng.uniform(60, 160, 40)]), 1))
    quotes = chain(100.3, 0.3, 0.1, 0.03, strikes, half_spread=0.01)
    middle = np.abs(strikes - 100.0) <= 1.0
    for side in ("call_bid", "put_bid"):
        quotes[side] = np.where((rng.random(strikes.size) < holes) & ~middle, 0.0, np.maximum(quotes[side], 0.0))
    got = vix.term_variance(**quotes, t_years=0.1, rate=0.03)
    lists = {name: [float(x) for x in column] for name, column in quotes.items()}
    assert got.variance == pytest.approx(slow_variance(**lists, t_years=0.1, rate=0.03), rel=1e-12)


def test_no_variance_is_none():
    strikes = np.array([90.0, 100.0, 110.0])
    nothing = {n: np.zeros(3) for n in ("call_bid", "call_ask", "put_bid", "put_ask")}
    assert vix.term_variance(strike=strikes, **nothing, t_years=0.1, rate=0.0) is None
    quotes = chain(100.0, 0.2, 0.1, 0.0, strikes)
    missing = {n: np.where(strikes == 100.0, math.nan, q) for n, q in quotes.items() if n != "strike"}
    assert vix.term_variance(strike=strikes, **missing, t_years=0.1, rate=0.0) is None
    with pytest.raises(ValueError, match="ascending"):
        vix.term_variance(**{**quotes, "strike": strikes[::-1]}, t_years=0.1, rate=0.0)
    with pytest.raises(ValueError, match="t_years"):
        vix.term_variance(**quotes, t_years=0.0, rate=0.0)
    with pytest.raises(ValueError, match="equally long"):
        vix.term_variance(**{**quotes, "strike": strikes[:2]}, t_years=0.1, rate=0.0)


@settings(deadline=None)
@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.integers(1, 29), st.integers(31, 90))
def test_interpolation_passes_through_both_ends(near, far, days1, days2):
    t1, t2 = days1 / 365, days2 / 365
    assert vix.interpolate(near, t1, far, t2, t1) == pytest.approx(near)
    assert vix.interpolate(near, t1, far, t2, t2) == pytest.approx(far)
    middle = vix.interpolate(near, t1, far, t2, vix.TARGET_YEARS) * vix.TARGET_YEARS
    assert min(near * t1, far * t2) - 1e-12 <= middle <= max(near * t1, far * t2) + 1e-12


def test_index_needs_ordered_expiries_and_a_positive_variance():
    term = vix.TermVariance(0.04, 100.0, 100.0, 9)
    assert vix.index_30_days(term, 20 / 365, term, 40 / 365) == pytest.approx(20.0)
    assert vix.index_30_days(term._replace(variance=-1.0), 29 / 365, term, 400 / 365) is None
    with pytest.raises(ValueError, match="near < far"):
        vix.index_30_days(term, 0.2, term, 0.1)


def test_expiries_of_the_index_enclose_thirty_days_within_their_window():
    days = np.array([2.0, 23.0, 25.0, 30.0, 32.0, 44.0])
    assert vix.near_and_next(days / 365) == (3, 4)
    assert vix.near_and_next(days[[0, 1, 4]] / 365) is None
    assert vix.near_and_next(days[[2, 5]] / 365) is None
    assert vix.near_and_next(days[:3] / 365) is None
    with pytest.raises(ValueError, match="ascends"):
        vix.near_and_next([0.1, 0.1])

"""Smiles and surfaces fitted to chains whose smile is known, and what is asked of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from scipy.stats import norm

from contango_quant.pricing import black
from contango_quant.surface import curve, essvi, smile, surface
from contango_quant.surface.delta_strike import strike_at_delta, strike_on
from contango_quant.surface.risk_neutral import cdf_above, cdf_below, risk_neutral, risk_neutral_on
from contango_quant.surface.violations import violations


def flat_smile(vol=0.2, t=0.5, forward=100.0, discount=0.98):
    s = vol * math.sqrt(t)
    return curve.Smile(
        forward, discount, t, s * s, 0.0, 0.0, 0.0, 0.1, s, -2.0, 0.3, *[0.0] * 10, -1.0, 1.0, 0.0, 9.0, 0.0
    )


@st.composite
def essvi_smiles(draw):
    """A smile without arbitrage as fitted to an index or a stock."""
    theta, rho = draw(st.floats(5e-4, 0.3)), draw(st.floats(-0.85, 0.3))
    psi = draw(st.floats(0.2, 0.9)) * essvi.essvi_widest(theta, rho)
    t, forward = draw(st.floats(0.02, 2.0)), draw(st.floats(10.0, 5000.0))
    raw = essvi.essvi_to_raw(theta, rho, psi)
    s = math.sqrt(theta)
    return curve.Smile(forward, 0.97, t, *raw, s, -2.0, 0.3, *[0.0] * 10, -4 * s, 3 * s, 0.0, 99.0, 0.0)


def quotes_of(known, spread=0.01, count=60):
    """Quotes of both sides on strikes from −4 to 3 total volatilities; `spread` is the half-spread in vol."""
    strikes = known.forward * np.exp(known.scale * np.linspace(-4.0, 3.0, count))
    vol = smile.vols_of(known, strikes).vol
    columns = {
        "forward": known.forward,
        "strike": np.tile(strikes, 2),
        "t_years": known.t_years,
        "discount": known.discount,
    }
    is_call = np.repeat([True, False], count)
    ask, bid = (
        black.price(**columns, vol=np.maximum(np.tile(vol, 2) + side * spread, 1e-3), is_call=is_call)
        for side in (1, -1)
    )
    return {"strike": columns["strike"], "is_call": is_call, "bid": bid, "ask": ask}


def narrow(known):
    """Quotes with a half-spread of half a percent of the volatility."""
    return quotes_of(known, spread=0.005 * known.scale / math.sqrt(known.t_years))


def refit(known, **changes):
    return smile.fit_smile(
        **{**narrow(known), **changes}, t_years=known.t_years, forward=known.forward, discount=known.discount
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-0.01, 0.01), min_size=10, max_size=10), st.floats(-2.0, 1.0))
def test_correction_is_a_cubic_spline_and_its_derivatives_are_right(coefficients, u):
    row = np.array(flat_smile(t=1.0)._replace(**{f"c{i + 1}": x for i, x in enumerate(coefficients)}))
    k = row[curve.SCALE] * math.sinh(u)
    knots = row[curve.START] + row[curve.STEP] * np.arange(14)
    want = sum(
        c * float(np.nan_to_num(BSpline.basis_element(knots[j : j + 5], extrapolate=False)(u)))
        for j, c in enumerate(coefficients)
    )
    w, first, second = curve.curve(k, row)
    assert w == pytest.approx(0.04 + want, abs=1e-15)
    assert curve.variance_at(k, row) == pytest.approx(w, abs=1e-16)
    h = 1e-4
    up, down = curve.curve(k + h, row), curve.curve(k - h, row)
    assert first == pytest.approx((up[0] - down[0]) / (2 * h), abs=1e-4)
    assert second == pytest.approx((up[1] - down[1]) / (2 * h), abs=5e-3)


@settings(deadline=None, max_examples=40)
@given(essvi_smiles())
def test_exact_quotes_give_the_smile_back(known):
    got = refit(known)
    assert curve.STATUS_NAMES[int(got.status)] == "OK"
    strikes = known.forward * np.exp(known.scale * np.linspace(-3.5, 2.5, 50))
    np.testing.assert_allclose(smile.vols_of(got, strikes).vol, smile.vols_of(known, strikes).vol, rtol=2e-3)
    assert got.rms_vol < 2e-4
    assert curve.Smile(*[float(x) for x in got]) == got


@settings(deadline=None, max_examples=20)
@given(essvi_smiles(), st.integers(0, 2**32 - 1))
def test_noise_and_stray_quotes_leave_no_butterfly(known, seed):
    rng = np.random.default_rng(seed)
    quotes = quotes_of(known)  # half-spread 0.01
    shift = rng.uniform(-0.5, 0.5, quotes["bid"].size) * (quotes["ask"] - quotes["bid"])
    shift[rng.integers(0, shift.size, 6)] *= 6.0
    got = refit(known, bid=np.maximum(quotes["bid"] + shift, 0.0), ask=quotes["ask"] + shift)
    assert got.status == curve.OK
    low, high = min(math.log(0.5), got.k_low), max(math.log(1.5), got.k_high)
    fine = np.linspace(low, high, 1500)
    assert min(curve.butterfly(k, np.array(got)) for k in fine) >= 0.0
    within = np.abs(np.log(quotes["strike"] / known.forward)) < 2.5 * known.scale
    miss = smile.vols_of(got, quotes["strike"][within]).vol / smile.vols_of(known, quotes["strike"][within]).vol - 1
    assert np.median(np.abs(miss)) < 0.01 / math.sqrt(known.scale**2 / known.t_years)


def test_order_of_quotes_does_not_matter_and_unusable_ones_are_left_out():
    known = flat_smile()
    quotes = narrow(known)
    order = np.random.default_rng(1).permutation(quotes["bid"].size)
    shuffled = refit(known, **{n: c[order] for n, c in quotes.items()})
    strikes = np.arange(70.0, 131.0, 5.0)
    got, want = smile.vols_of(shuffled, strikes).vol, smile.vols_of(refit(known), strikes).vol
    np.testing.assert_allclose(got, want, rtol=1e-6)
    bad = quotes["bid"].copy()
    bad[:20], bad[70:80] = 0.0, math.nan
    got = refit(known, bid=bad)
    assert 0 < got.quotes < refit(known).quotes
    assert smile.vols_of(got, 100.0).vol == pytest.approx(0.2, rel=1e-3)


def test_what_cannot_be_fitted_has_a_status():
    known = flat_smile()
    few = refit(known, **{n: c[76:80] for n, c in quotes_of(known).items()})
    assert curve.STATUS_NAMES[int(few.status)] == "FEW_QUOTES"
    for change in ({"forward": math.nan}, {"discount": 0.0}, {"t_years": -1.0}):
        bad = smile.fit_smile(**{**quotes_of(known), "t_years": 0.5, "forward": 100.0, "discount": 1.0, **change})
        assert curve.STATUS_NAMES[int(bad.status)] == "BAD_INPUT"
        found = smile.vols_of(bad, [90.0, 100.0])
        assert np.isnan(found.vol).all()
        assert (found.status == smile.NO_SMILE).all()
        assert strike_at_delta(bad, delta=0.3, is_call=True) is None
        assert risk_neutral(bad) is None
    with pytest.raises(ValueError, match="is_call must be boolean"):
        refit(known, is_call=np.ones(120))
    with pytest.raises(ValueError, match="equally long"):
        refit(known, bid=np.ones(3))
    with pytest.raises(ValueError, match=r"strike must be finite and above 0, got 0.0"):
        smile.vols_of(known, 0.0)


def test_beyond_the_quotes_is_flagged():
    got = refit(flat_smile())
    edge = got.forward * math.exp(got.k_high)
    assert smile.vols_of(got, [100.0, edge * 1.01]).status.tolist() == [smile.INSIDE, smile.BEYOND_QUOTES]


def test_rich_and_cheap_are_in_vol_and_half_spreads():
    known = flat_smile()
    quotes = quotes_of(known, spread=0.002)
    dear = {**quotes, "bid": quotes["bid"].copy(), "ask": quotes["ask"].copy()}
    half = 0.5 * (quotes["ask"] - quotes["bid"])
    dear["bid"][90] += 2.0 * half[90]
    dear["ask"][90] += 2.0 * half[90]
    dear["bid"][3] = 0.0
    rich = smile.richness(known, **dear)
    assert rich.half_spreads[90] == pytest.approx(2.0, rel=0.05)
    assert rich.vol[90] == pytest.approx(0.004, rel=0.05)
    assert math.isnan(rich.half_spreads[3])
    assert math.isnan(rich.vol[3])
    others = np.delete(rich.half_spreads, [3, 90])
    assert np.abs(others).max() < 0.25


@settings(deadline=None, max_examples=60)
@given(essvi_smiles(), st.floats(0.01, 0.99), st.booleans())
def test_strike_at_delta_has_that_delta(known, share, is_call):
    delta = share if is_call else -share
    strike = strike_at_delta(known, delta=delta, is_call=is_call)
    vol = float(smile.vols_of(known, strike).vol)
    s = vol * math.sqrt(known.t_years)
    d1 = math.log(known.forward / strike) / s + s / 2
    assert (norm.cdf(d1) if is_call else norm.cdf(d1) - 1) == pytest.approx(delta, abs=1e-11)
    spot = 1.01 * known.forward * known.discount
    by_spot = strike_at_delta(known, delta=delta, is_call=is_call, spot=spot)
    if by_spot is not None:
        assert by_spot == pytest.approx(strike_at_delta(known, delta=delta * 1.01, is_call=is_call))
    else:
        assert share * 1.01 >= 1.0


def test_impossible_deltas_are_refused():
    with pytest.raises(ValueError, match=r"delta must be between -1.0 and 0.0, got 0.25"):
        strike_at_delta(flat_smile(), delta=0.25, is_call=False)
    with pytest.raises(ValueError, match="spot"):
        strike_at_delta(flat_smile(), delta=0.25, is_call=True, spot=0.0)
    assert strike_at_delta(flat_smile(), delta=0.999, is_call=True, spot=200.0) is None


@settings(deadline=None, max_examples=40)
@given(essvi_smiles(), st.floats(-2.0, 1.5))
def test_density_has_the_forward_as_mean_and_reprices_calls(known, moneyness):
    table = risk_neutral(known)
    assert (table.cdf[0], table.cdf[-1]) == (0.0, 1.0)
    assert (np.diff(table.cdf) >= 0.0).all()
    low, high, mass = table.price[:-1], table.price[1:], np.diff(table.cdf)
    assert np.sum(mass * 0.5 * (low + high)) == pytest.approx(known.forward, rel=2e-4)
    strike = known.forward * math.exp(moneyness * known.scale)
    cut = np.clip(strike, low, high)
    call = np.sum(mass * (high - cut) / (high - low) * (0.5 * (high + cut) - strike) * (high > strike))
    vol = float(smile.vols_of(known, strike).vol)
    want = black.black_price(known.forward, strike, known.t_years, vol, 1.0, True)
    assert call == pytest.approx(want, abs=2e-4 * known.forward)


@settings(deadline=None, max_examples=40)
@given(essvi_smiles(), st.floats(-3.0, 3.0))
def test_distribution_is_the_slope_of_the_put(known, moneyness):
    row, k, h = np.array(known), moneyness * known.scale, 1e-4 * known.scale

    def put(x):
        vol = math.sqrt(curve.variance_at(x, row) / known.t_years)
        return black.black_price(1.0, math.exp(x), known.t_years, vol, 1.0, False)

    slope = (put(k + h) - put(k - h)) / (math.exp(k + h) - math.exp(k - h))
    assert cdf_below(k, row, row, 0.0) == pytest.approx(slope, abs=1e-6)
    assert cdf_below(k, row, row, 0.0) + cdf_above(k, row, row, 0.0) == pytest.approx(1.0)


def test_flat_density_is_lognormal():
    table = risk_neutral(flat_smile(vol=0.2, t=1.0))
    want = norm.cdf(np.log(table.price[1:-1] / 100.0) / 0.2 + 0.1)
    np.testing.assert_allclose(table.cdf[1:-1], want, atol=1e-13)


TIMES = np.array([0.02, 0.08, 0.081, 0.25, 0.5, 1.0])


def chain_columns(seed=None, half=0.004):
    """A chain over TIMES from the power-law SSVI, with noise within half the spread, the first strikes narrow."""
    rng = np.random.default_rng(seed)
    columns = {n: [] for n in ("expiry", "strike", "is_call", "bid", "ask")}
    forwards = 100.0 * np.exp(0.02 * TIMES)
    for e, t in enumerate(TIMES):
        theta = 0.2**2 * t * (1 + 0.2 * math.sqrt(t))
        s = math.sqrt(theta)
        raw = essvi.essvi_to_raw(*essvi.ssvi_power_law(theta=theta, rho=-0.6, eta=1.1, gamma=0.45))
        known = curve.Smile(forwards[e], 0.99, t, *raw, s, -2.0, 0.3, *[0.0] * 10, -4 * s, 3 * s, 0.0, 99.0, 0.0)
        quotes = quotes_of(known, spread=half, count=40)
        noise = 0.0 if seed is None else rng.uniform(-0.25, 0.25, 80) * (quotes["ask"] - quotes["bid"])
        columns["expiry"].append(np.full(80, e))
        columns["strike"].append(quotes["strike"])
        columns["is_call"].append(quotes["is_call"])
        columns["bid"].append(quotes["bid"] + noise)
        columns["ask"].append(quotes["ask"] + noise)
    joined = {n: np.concatenate(c) for n, c in columns.items()}
    return {**joined, "t_years": TIMES, "forward": forwards, "discount": np.full(TIMES.size, 0.99)}


def test_exact_chain_gives_its_surface_back():
    columns = chain_columns()
    fitted = surface.fit_surface(**columns)
    assert len(fitted.rows) == TIMES.size
    assert fitted.left_out == ()
    assert violations(fitted)[:3] == (0, 0, 0)
    t = TIMES[columns["expiry"]]
    mid = black.price(
        forward=columns["forward"][columns["expiry"]], strike=columns["strike"], t_years=t,
        vol=surface.vol_on(fitted, strike=columns["strike"], t_years=t).vol, discount=0.99, is_call=columns["is_call"],
    )  # fmt: skip
    assert ((columns["bid"] <= mid) & (mid <= columns["ask"])).all()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_noisy_chain_has_no_arbitrage_and_stays_within_its_quotes(seed):
    columns = chain_columns(seed, half=0.01)
    fitted = surface.fit_surface(**columns)
    assert len(fitted.rows) == TIMES.size
    assert violations(fitted)[:3] == (0, 0, 0)
    for e in range(TIMES.size):
        rows = (columns["expiry"] == e) & (columns["is_call"] == (columns["strike"] >= columns["forward"][e]))
        quotes = {n: columns[n][rows] for n in ("strike", "is_call", "bid", "ask")}
        assert np.nanmedian(np.abs(smile.richness(surface.smile_of(fitted, e), **quotes).half_spreads)) < 1.0


@settings(deadline=None, max_examples=40)
@given(st.floats(0.6, 1.4), st.floats(0.02, 0.999), st.floats(1.001, 1.2))
def test_total_variance_does_not_fall_with_time_at_equal_moneyness(moneyness, t, later):
    fitted = surface.fit_surface(**chain_columns(7))
    times = np.array([t, min(t * later, 1.0)])
    strikes = moneyness * 100.0 * np.exp(np.interp(times, TIMES, 0.02 * TIMES))
    vol, status = surface.vol_on(fitted, strike=strikes, t_years=times)
    assert (status <= surface.BEYOND_QUOTES).all()
    assert vol[1] ** 2 * times[1] >= vol[0] ** 2 * times[0] * (1 - 1e-9)


def test_surface_at_an_expiry_is_its_smile_and_outside_nothing():
    fitted = surface.fit_surface(**chain_columns())
    strikes = np.array([80.0, 100.0, 120.0])
    for i, t in enumerate(TIMES):
        got = surface.vol_on(fitted, strike=strikes, t_years=t)
        want = smile.vols_of(surface.smile_of(fitted, i), strikes)
        np.testing.assert_allclose(got.vol, want.vol, rtol=1e-13)
        assert got.status.tolist() == want.status.tolist()
    outside = surface.vol_on(fitted, strike=100.0, t_years=[TIMES[0] * 0.99, TIMES[-1] * 1.01])
    assert np.isnan(outside.vol).all()
    assert (outside.status == surface.OUTSIDE_EXPIRIES).all()


def test_expiries_without_a_smile_are_left_out_with_their_reason():
    columns = chain_columns()
    columns["forward"] = np.where(TIMES == 0.25, math.nan, columns["forward"])
    columns["bid"] = np.where(columns["expiry"] == 1, 0.0, columns["bid"])
    fitted = surface.fit_surface(**columns)
    assert len(fitted.rows) == TIMES.size - 2
    reasons = [curve.STATUS_NAMES[int(s.status)] for s in fitted.left_out]
    assert reasons == ["FEW_QUOTES", "BAD_INPUT"]
    nothing = surface.fit_surface(**{**columns, "bid": np.zeros(columns["bid"].size)})
    assert surface.vol_on(nothing, strike=100.0, t_years=0.5).status == smile.NO_SMILE


def test_crossing_expiries_are_separated():
    """A later expiry quoted far below an earlier one cannot be followed; the surface stays free of arbitrage."""
    columns = chain_columns()
    t = np.where(TIMES == 0.5, 0.2501, TIMES)
    columns["t_years"] = t  # the quotes of half a year now are those of a quarter year, and cheaper ones follow
    e = columns["expiry"] == 3
    for side in ("bid", "ask"):
        columns[side] = np.where(e, columns[side] * 1.3, columns[side])
    fitted = surface.fit_surface(**columns)
    assert violations(fitted)[:3] == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t_years": TIMES[::-1]}, "t_years must ascend"),
        ({"discount": np.ones(2)}, "equally long"),
        ({"expiry": np.zeros(480)}, "whole number"),
        ({"expiry": np.full(480, 6)}, "stay from 0 to 5"),
        ({"bid": np.ones(3)}, "equally long"),
    ],
)
def test_columns_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        surface.fit_surface(**{**chain_columns(), **change})


def test_violations_are_found():
    good = surface.fit_surface(**chain_columns()).rows
    crossed = good.copy()
    crossed[3, curve.SVI] += 0.05
    assert violations(surface.Surface(crossed, ())).calendars > 500
    bent = good.copy()
    bent[2, curve.BUMPS + 4] += 0.02
    found = violations(surface.Surface(bent, ()))
    assert found.butterflies > 0
    assert found.butterflies_between > 0
    assert found.points == 1001 * (2 * TIMES.size - 1)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(5, 60), st.floats(1e-3, 3.0))
def test_nonsense_quotes_give_a_finite_smile_without_butterflies_or_a_status(seed, n, t):
    rng = np.random.default_rng(seed)
    strike = 100.0 * np.exp(rng.normal(0.0, 0.5, n))
    bid = np.exp(rng.normal(-1.0, 3.0, n)) * (rng.random(n) < 0.9)
    ask = bid * (1.0 + np.exp(rng.normal(-3.0, 2.0, n)))
    got = smile.fit_smile(
        strike=strike, is_call=rng.random(n) < 0.5, bid=bid, ask=ask, t_years=t, forward=100.0, discount=0.95
    )
    assert got.status in (curve.OK, curve.FEW_QUOTES)
    if got.status == curve.OK:
        assert np.isfinite(got).all()
        k = np.linspace(min(math.log(0.5), got.k_low), max(math.log(1.5), got.k_high), 400)
        assert (smile.vols_of(got, 100.0 * np.exp(k)).vol > 0.0).all()
        assert min(curve.butterfly(x, np.array(got)) for x in k) > -1e-6
        assert 0.0 < strike_at_delta(got, delta=-0.2, is_call=False) < strike_at_delta(got, delta=0.2, is_call=True)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_nonsense_chains_have_no_arbitrage_either(seed, expiries):
    rng = np.random.default_rng(seed)
    n = 30 * expiries
    t = np.cumsum(rng.uniform(0.002, 0.3, expiries))
    expiry = np.repeat(np.arange(expiries), 30)
    strike = 100.0 * np.exp(rng.normal(0.0, 0.2, n))
    vol = np.exp(rng.normal(-1.5, 0.4, n))
    mid = black.price(forward=100.0, strike=strike, t_years=t[expiry], vol=vol, discount=1.0, is_call=strike >= 100.0)
    fitted = surface.fit_surface(
        expiry=expiry, strike=strike, is_call=strike >= 100.0, bid=0.98 * mid, ask=1.02 * mid, t_years=t,
        forward=np.full(expiries, 100.0), discount=np.ones(expiries),
    )  # fmt: skip
    assert np.isfinite(fitted.rows).all()
    assert violations(fitted)[:3] == (0, 0, 0)
    assert {int(s.status) for s in fitted.left_out} <= {curve.FEW_QUOTES, curve.ARBITRAGE}


@settings(deadline=None, max_examples=40)
@given(st.floats(TIMES[0], TIMES[-1]), st.floats(0.05, 0.95), st.booleans())
def test_strikes_and_densities_between_expiries_are_those_of_the_surface_there(t, share, is_call):
    fitted = surface.fit_surface(**chain_columns(11))
    delta = share if is_call else -share
    strike = strike_on(fitted, delta=delta, is_call=is_call, t_years=t)
    forward = 100.0 * math.exp(0.02 * t)  # ln F is linear in time here
    s = float(surface.vol_on(fitted, strike=strike, t_years=t).vol) * math.sqrt(t)
    d1 = math.log(forward / strike) / s + s / 2
    assert (norm.cdf(d1) if is_call else norm.cdf(d1) - 1) == pytest.approx(delta, abs=1e-10)
    spot = 1.01 * forward * 0.99
    by_spot = strike_on(fitted, delta=0.9 * delta, is_call=is_call, t_years=t, spot=spot)
    assert by_spot == pytest.approx(strike_on(fitted, delta=0.9 * 1.01 * delta, is_call=is_call, t_years=t))
    table = risk_neutral_on(fitted, t_years=t)
    low, high, mass = table.price[:-1], table.price[1:], np.diff(table.cdf)
    assert np.sum(mass * 0.5 * (low + high)) == pytest.approx(forward, rel=2e-4)
    cut = np.clip(strike, low, high)
    call = np.sum(mass * (high - cut) / (high - low) * (0.5 * (high + cut) - strike) * (high > strike))
    vol = s / math.sqrt(t)
    assert call == pytest.approx(black.black_price(forward, strike, t, vol, 1.0, True), abs=3e-5 * forward)


def test_outside_the_expiries_there_is_no_strike_and_no_density():
    fitted = surface.fit_surface(**chain_columns())
    for t in (TIMES[0] * 0.9, TIMES[-1] * 1.1):
        assert strike_on(fitted, delta=0.3, is_call=True, t_years=t) is None
        assert risk_neutral_on(fitted, t_years=t) is None
    for i, t in enumerate(TIMES):
        one = surface.smile_of(fitted, i)
        assert strike_on(fitted, delta=0.3, is_call=True, t_years=t) == strike_at_delta(one, delta=0.3, is_call=True)
        np.testing.assert_array_equal(risk_neutral_on(fitted, t_years=t).cdf, risk_neutral(one).cdf)

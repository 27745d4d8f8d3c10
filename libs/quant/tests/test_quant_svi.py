"""SVI and SSVI: forms, arbitrage, and fits beside an independent optimiser."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from contango_quant.pricing import black
from contango_quant.surface import essvi, svi_fit, svi_objective
from contango_quant.surface.svi import (
    RawSvi,
    durrleman,
    raw_svi,
    svi_derivatives,
    svi_durrleman,
    svi_lowest,
    svi_steepest,
    svi_variance,
)
from contango_quant.surface.svi_forms import (
    JumpWings,
    NaturalSvi,
    jump_wings_from_raw,
    natural_from_raw,
    raw_from_jump_wings,
    raw_from_natural,
)

# Gatheral and Jacquier (2014), example 3.1 and section 5.1, after A. Vogt: a smile with butterfly arbitrage, its jump
# wings, and the smile without arbitrage that has the same v, ψ and p.
VOGT = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
VOGT_WINGS = JumpWings(v=0.01742625, psi=-0.1752111, p=0.6997381, c=1.316798, lowest=0.0116249, t_years=1.0)
FREE_C, FREE_LOWEST = 0.3493158, 0.01548182


@st.composite
def smiles(draw, widest=0.9):
    """Raw forms with a positive total variance, from short and calm to long and wild."""
    sigma, b = draw(st.floats(0.01, 2.0)), draw(st.floats(1e-4, 1.0))
    rho, m = draw(st.floats(-widest, widest)), draw(st.floats(-1.0, 1.0))
    lowest = draw(st.floats(1e-5, 0.5))
    return RawSvi(lowest - b * sigma * math.sqrt(1 - rho * rho), b, rho, m, sigma)


@settings(deadline=None)
@given(smiles(), st.floats(-3.0, 3.0))
def test_natural_form_is_the_same_smile(raw, k):
    natural = natural_from_raw(raw)
    delta, mu, rho, omega, zeta = natural
    inside = math.sqrt((zeta * (k - mu) + rho) ** 2 + 1 - rho**2)
    scale = abs(raw.a) + raw.b * (raw.sigma + abs(raw.m) + abs(k))
    assert delta + omega / 2 * (1 + zeta * rho * (k - mu) + inside) == pytest.approx(
        svi_variance(k, *raw), abs=1e-12 * scale / (1 - abs(rho))
    )
    np.testing.assert_allclose(raw_from_natural(natural), raw, rtol=1e-11, atol=1e-12)


@settings(deadline=None)
@given(smiles(), st.floats(0.01, 3.0))
def test_jump_wings_read_off_the_smile_and_back(raw, t):
    wings = jump_wings_from_raw(raw, t_years=t)
    w0 = svi_variance(0.0, *raw)
    h = 1e-5 * raw.sigma
    slope = (math.sqrt(svi_variance(h, *raw)) - math.sqrt(svi_variance(-h, *raw))) / (2 * h)
    assert wings.v * t == pytest.approx(w0)
    assert wings.psi == pytest.approx(slope, rel=1e-4, abs=1e-6 * (1 + raw.b / math.sqrt(w0)))
    far = 1e7
    assert wings.c * math.sqrt(w0) == pytest.approx(
        (svi_variance(2 * far, *raw) - svi_variance(far, *raw)) / far, rel=1e-4
    )
    assert wings.p * math.sqrt(w0) == pytest.approx(
        (svi_variance(-2 * far, *raw) - svi_variance(-far, *raw)) / far, rel=1e-4
    )
    # The way back divides by v − lowest: it must be more than rounding.
    assume(wings.v - wings.lowest > 1e-3 * wings.v)
    np.testing.assert_allclose(
        [svi_variance(k, *raw_from_jump_wings(wings)) for k in (-1.0, -0.2, 0.0, 0.3, 1.0)],
        [svi_variance(k, *raw) for k in (-1.0, -0.2, 0.0, 0.3, 1.0)],
        rtol=1e-8,
        atol=1e-9,
    )


def test_wings_of_the_published_example():
    np.testing.assert_allclose(jump_wings_from_raw(VOGT, t_years=1.0), VOGT_WINGS, rtol=2e-6)
    back = raw_from_jump_wings(VOGT_WINGS)
    np.testing.assert_allclose(back, VOGT, atol=1e-5)


def test_published_example_has_arbitrage_and_its_repair_has_none():
    k = np.linspace(-1.5, 1.5, 3001)
    vogt = np.array([svi_durrleman(x, *VOGT) for x in k])
    assert vogt.min() < -0.02
    assert 0.6 < k[vogt.argmin()] < 1.1  # figure 2 of the paper
    repaired = raw_from_jump_wings(VOGT_WINGS._replace(c=FREE_C, lowest=FREE_LOWEST))
    assert min(svi_durrleman(x, *repaired) for x in k) > 0.0
    assert pytest.approx(VOGT_WINGS.p + 2 * VOGT_WINGS.psi, abs=1e-6) == FREE_C
    lowest = VOGT_WINGS.v * 4 * VOGT_WINGS.p * FREE_C / (VOGT_WINGS.p + FREE_C) ** 2
    assert lowest == pytest.approx(FREE_LOWEST, abs=1e-7)


@settings(deadline=None)
@given(smiles(), st.floats(-1.5, 1.5))
def test_derivatives_are_those_of_finite_differences(raw, k):
    h = 1e-4 * raw.sigma
    up, at, down = (svi_variance(k + j * h, *raw) for j in (1, 0, -1))
    w, first, second = svi_derivatives(k, *raw)
    assert w == at
    assert first == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-7 * raw.b)
    noise = 1e-15 * (abs(raw.a) + raw.b * (raw.sigma + abs(k) + abs(raw.m))) / h**2
    assert second == pytest.approx((up - 2 * at + down) / h**2, rel=1e-4, abs=10 * noise + 1e-6 * raw.b / raw.sigma)


@settings(deadline=None)
@given(smiles(), st.floats(-0.6, 0.6))
def test_durrleman_is_the_density_of_the_price(raw, k):
    """g(k) φ(d2)/√w is K times the second derivative of the undiscounted call in its strike."""
    w = svi_variance(k, *raw)
    root = math.sqrt(w)
    assume(0.02 < root < 1.5 and abs(k) < 4 * root)
    h = min(2e-3 * root, 1e-2 * raw.sigma)
    strikes = np.exp(k + h * np.arange(-2, 3))

    def call(x):
        vol = math.sqrt(svi_variance(math.log(x), *raw))
        return black.black_price(1.0, x, 1.0, vol, 1.0, k > 0) + (0.0 if k > 0 else 1.0 - x)

    values = np.array([call(x) for x in strikes])
    fit = np.polynomial.polynomial.polyfit((strikes - strikes[2]) / (h * strikes[2]), values, 4)
    second = 2 * fit[2] / (h * strikes[2]) ** 2
    d2 = -k / root - 0.5 * root
    density = math.exp(-0.5 * d2 * d2) / math.sqrt(2 * math.pi) / root / strikes[2]
    got = svi_durrleman(k, *raw) * density
    assert got == pytest.approx(second, rel=2e-2, abs=1e-12 / h**2 + 1e-2 * density * (1 + raw.b / raw.sigma))


def test_flat_smile_has_g_of_one_and_no_variance_has_none():
    assert svi_durrleman(0.7, 0.04, 0.0, 0.0, 0.0, 0.1) == 1.0
    assert math.isnan(durrleman(0.0, 0.0, 0.1, 0.1))
    assert svi_lowest(0.01, 0.1, -0.6, 0.2) == pytest.approx(0.026)
    assert svi_steepest(0.5, -0.6) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": -0.1}, "b must be at least 0, got -0.1"),
        ({"rho": 1.0}, "rho must be between -1 and 1, got 1.0"),
        ({"sigma": 0.0}, "sigma must be above 0, got 0.0"),
        ({"a": -1.0}, "total variance must be at least 0"),
        ({"m": math.nan}, "m must be finite, got nan"),
    ],
)
def test_impossible_forms_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        raw_svi(**{**VOGT._asdict(), **change})


def test_wings_that_leave_sigma_open_are_refused():
    with pytest.raises(ValueError, match="lowest"):
        raw_from_jump_wings(VOGT_WINGS._replace(lowest=VOGT_WINGS.v))
    with pytest.raises(ValueError, match="psi"):
        raw_from_jump_wings(VOGT_WINGS._replace(psi=0.0))
    with pytest.raises(ValueError, match="psi"):
        raw_from_jump_wings(VOGT_WINGS._replace(psi=-1.0))
    with pytest.raises(ValueError, match="t_years"):
        jump_wings_from_raw(VOGT, t_years=0.0)
    with pytest.raises(ValueError, match="zeta"):
        raw_from_natural(NaturalSvi(0.0, 0.0, 0.0, 0.1, 0.0))


@st.composite
def quoted_smiles(draw):
    """A smile as an index has it, in units of its own total volatility, with its vertex among the quotes."""
    s = draw(st.floats(0.03, 0.4))
    p, c = s * draw(st.floats(0.3, 1.2)), s * draw(st.floats(0.1, 0.8))
    sigma, m = s * draw(st.floats(0.3, 1.5)), s * draw(st.floats(-0.3, 0.8))
    lowest = s * s * draw(st.floats(0.5, 0.95))
    raw = RawSvi(lowest - sigma * math.sqrt(p * c), 0.5 * (p + c), (c - p) / (c + p), m, sigma)
    return raw, np.linspace(-5 * s, 3 * s, 60)


@settings(deadline=None, max_examples=60)
@given(quoted_smiles())
def test_exact_data_give_their_smile_back(case):
    raw, k = case
    w = np.array([svi_variance(x, *raw) for x in k])
    fit = svi_fit.fit_svi(k=k, total_variance=w, weight=1e3 / w, free_of_arbitrage=False)
    assert fit.status == svi_fit.OK
    got = np.array([svi_variance(x, *fit.svi) for x in k])
    np.testing.assert_allclose(np.sqrt(got), np.sqrt(w), rtol=2e-5)


def slow_fit(k, w, weight, guess):
    """The same objective by scipy, in the raw parameters."""

    def residuals(x):
        z = k - x[3]
        return weight * (x[0] + x[1] * (x[2] * z + np.sqrt(z * z + x[4] ** 2)) - w)

    # Twice the sum of 2·c²·(√(1 + r²/c²) − 1)/2: soft_l1 with f_scale c.
    low, high = [-2.0, 1e-6, -0.9999, -2.0, 1e-4], [2.0, 2.0, 0.9999, 2.0, 5.0]
    got = least_squares(
        residuals, np.clip(guess, low, high), bounds=(low, high), loss="soft_l1", f_scale=svi_objective.BEND,
        x_scale=[0.01, 0.01, 0.1, 0.01, 0.01], xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=4000,
    )  # fmt: skip
    return 2.0 * got.cost


@settings(deadline=None, max_examples=15)
@given(quoted_smiles(), st.integers(0, 2**32 - 1))
def test_noisy_data_are_fitted_as_well_as_by_a_slow_optimiser(case, seed):
    raw, k = case
    rng = np.random.default_rng(seed)
    clean = np.array([svi_variance(x, *raw) for x in k])
    vol = np.sqrt(clean) * (1 + 0.005 * rng.standard_normal(k.size))
    vol[rng.integers(0, k.size)] *= 1.2  # a stray quote
    w, weight = vol**2, 1.0 / (2 * 0.005 * clean)
    _, objective, status = svi_fit.fit_kernel(k, w, weight, np.empty(0))
    assert status == svi_fit.OK
    assert objective <= 1.01 * slow_fit(k, w, weight, raw) + 1e-6


def test_data_with_arbitrage_are_fitted_without():
    k = np.linspace(-1.2, 1.2, 100)
    w = np.array([svi_variance(x, *VOGT) for x in k])
    fit = svi_fit.fit_svi(k=k, total_variance=w, weight=np.full(100, 1e3))
    assert fit.status == svi_fit.OK
    fine = np.linspace(-1.2, 1.2, 4001)
    assert min(svi_durrleman(x, *fit.svi) for x in fine) >= 0.0
    assert svi_steepest(fit.svi.b, fit.svi.rho) <= 2.0
    loose = svi_fit.fit_svi(k=k, total_variance=w, weight=np.full(100, 1e3), free_of_arbitrage=False)
    assert loose.rms < 1e-2 < fit.rms < 3.0


def test_too_few_points_have_a_status():
    fit = svi_fit.fit_svi(k=[0.0, 0.1, 0.2, 0.2, 0.1], total_variance=[0.1] * 5, weight=[1.0] * 5)
    assert (fit.svi, fit.rms, svi_fit.STATUS_NAMES[fit.status]) == (None, None, "FEW_POINTS")
    with pytest.raises(ValueError, match=r"total_variance must be finite and above 0, got 0.0 at position 1"):
        svi_fit.fit_svi(k=[0.0, 0.1], total_variance=[0.1, 0.0], weight=[1.0, 1.0])
    with pytest.raises(ValueError, match="equally long"):
        svi_fit.fit_svi(k=[0.0, 0.1], total_variance=[0.1], weight=[1.0])


@settings(deadline=None)
@given(st.floats(1e-4, 2.0), st.floats(-0.95, 0.95), st.floats(0.01, 1.0))
def test_essvi_is_svi_and_free_of_butterflies_up_to_its_widest(theta, rho, share):
    psi = share * essvi.essvi_widest(theta, rho)
    raw = essvi.essvi_raw(essvi.Essvi(theta, rho, psi))
    scale = theta / psi
    for k in np.concatenate([np.linspace(-2, 2, 41), scale * np.linspace(-30, 30, 41)]):
        w = essvi.essvi_variance(k, theta, rho, psi)
        assert w == pytest.approx(svi_variance(k, *raw), rel=1e-7, abs=1e-12 * (theta + abs(psi * k)))
        if w > 1e-6 * theta:
            assert svi_durrleman(k, *raw) >= -1e-9


@settings(deadline=None)
@given(
    *[st.floats(1e-3, 1.0), st.floats(-0.9, 0.9), st.floats(0.05, 1.0)] * 2,
    st.floats(-3.0, 3.0),
)
def test_projected_essvi_is_nowhere_below_the_one_before(theta1, rho1, share1, theta2, rho2, share2, k):
    before = theta1, rho1, share1 * essvi.essvi_widest(theta1, rho1)
    later = essvi.essvi_project(theta2, rho2, share2 * essvi.essvi_widest(theta2, rho2), *before)
    assert later[2] <= essvi.essvi_widest(later[0], later[1]) * (1 + 1e-12)
    assert essvi.essvi_variance(k, *later) >= essvi.essvi_variance(k, *before) * (1 - 1e-12)


def test_a_smile_that_meets_the_conditions_is_not_moved():
    before, later = (0.04, -0.7, 0.2), (0.05, -0.68, 0.22)
    assert essvi.essvi_is_above(*later, *before)
    assert essvi.essvi_project(*later, *before) == later
    assert not essvi.essvi_is_above(0.03, -0.7, 0.2, *before)


@settings(deadline=None)
@given(st.floats(-0.9, 0.9), st.floats(0.05, 1.0), st.floats(0.05, 0.5), st.floats(1e-3, 1.0), st.floats(1.0, 3.0))
def test_power_law_surface_has_no_calendar_arbitrage(rho, share, gamma, theta, growth):
    eta = share * 2.0 / (1.0 + abs(rho))
    near = essvi.ssvi_power_law(theta=theta, rho=rho, eta=eta, gamma=gamma)
    far = essvi.ssvi_power_law(theta=growth * theta, rho=rho, eta=eta, gamma=gamma)
    essvi.essvi_raw(far)
    for k in np.linspace(-3, 3, 61):
        assert essvi.essvi_variance(k, *far) >= essvi.essvi_variance(k, *near) * (1 - 1e-12)


@settings(deadline=None, max_examples=40)
@given(st.floats(1e-3, 0.5), st.floats(-0.85, 0.5), st.floats(0.2, 0.95))
def test_exact_data_give_their_essvi_back(theta, rho, share):
    psi = share * essvi.essvi_widest(theta, rho)
    k = math.sqrt(theta) * np.linspace(-4, 3, 60)
    w = np.array([essvi.essvi_variance(x, theta, rho, psi) for x in k])
    got = essvi.fit_essvi(k, w, 100.0 / w, float(np.interp(0.0, k, w)))
    np.testing.assert_allclose([essvi.essvi_variance(x, *got) for x in k], w, rtol=1e-3)


def test_conditions_are_checked_by_name():
    with pytest.raises(ValueError, match=r"gamma must be above 0 and at most 0.5, got 0.6"):
        essvi.ssvi_power_law(theta=0.04, rho=0.0, eta=1.0, gamma=0.6)
    with pytest.raises(ValueError, match=r"eta must be above 0 and at most 2.0, got 2.1"):
        essvi.ssvi_power_law(theta=0.04, rho=0.0, eta=2.1, gamma=0.5)
    with pytest.raises(ValueError, match="theta"):
        essvi.essvi_raw(essvi.Essvi(0.0, 0.0, 0.1))


@settings(deadline=None, max_examples=40)
@given(quoted_smiles(), st.sampled_from([0.0, 1e3]))
def test_normal_equations_are_the_gradient_of_the_objective(case, force):
    raw, k = case
    w = np.array([svi_variance(x, *raw) for x in k]) * (1 + 0.02 * np.cos(30 * k))
    weight, nodes = 20.0 / w, np.linspace(-1.5, 1.0, 40)
    p, c, low = raw.b * (1 - raw.rho), raw.b * (1 + raw.rho), svi_lowest(raw.a, raw.b, raw.rho, raw.sigma)
    # A vertex lower and sharper than the data's, so that the penalty has something to act on.
    x = np.array([math.log(2 * p), math.log(2 * c), math.log(0.3 * low), raw.m, math.log(0.5 * raw.sigma)])
    normal, slope = np.zeros((5, 5)), np.zeros(5)
    svi_objective.svi_equations(x, k, w, weight, nodes, force, normal, slope)
    for i in range(5):
        h = np.zeros(5)
        h[i] = 1e-6 * max(1e-2, raw.sigma if i == 3 else 1.0)
        up, down = (svi_objective.svi_cost(x + sign * h, k, w, weight, nodes, force) for sign in (1, -1))
        scale = abs(up) * 1e-9 / h[i]
        assert 2.0 * slope[i] == pytest.approx(
            (up - down) / (2 * h[i]), rel=2e-4, abs=scale + 1e-6 * np.abs(slope).max()
        )

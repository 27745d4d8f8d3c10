"""Term structure of at-the-money-forward volatility, its regime, and event variance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.surface import curve, event, term
from contango_quant.surface.surface import Surface


@st.composite
def lines(draw):
    """Rising total variance at two to eight ascending times."""
    n = draw(st.integers(2, 8))
    t = np.cumsum([draw(st.floats(0.005, 0.5)) for _ in range(n)])
    w = np.cumsum([draw(st.floats(1e-4, 0.05)) for _ in range(n)])
    return term.term(t_years=t, vol=np.sqrt(w / t), error=np.full(n, 1e-3))


@settings(deadline=None)
@given(lines(), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_total_variance_passes_through_the_points_and_does_not_fall(line, one, two):
    for t, vol, error in zip(*line, strict=True):
        found = term.vol_at(line, t_years=float(t))
        assert found.vol == pytest.approx(vol)
        assert found.error == pytest.approx(error)
    first, last = line.t_years[[0, -1]]
    early, late = sorted(first + x * (last - first) for x in (one, two))
    near, far = (term.vol_at(line, t_years=min(float(x), float(last))) for x in (early, late))
    assert near.vol**2 * early <= far.vol**2 * late * (1 + 1e-12)
    by_hand = math.sqrt(np.interp(late, line.t_years, line.vol**2 * line.t_years) / late)
    assert far.vol == pytest.approx(by_hand)


@settings(deadline=None)
@given(lines(), st.floats(0.01, 0.99))
def test_error_is_that_of_moving_the_points(line, part):
    t = float(line.t_years[0] + part * (line.t_years[-1] - line.t_years[0]))
    found = term.vol_at(line, t_years=t)
    moved = []
    for i in range(line.vol.size):
        vol = line.vol.copy()
        vol[i] += 1e-6
        moved.append(term.vol_at(line._replace(vol=vol), t_years=t).vol)
    slopes = [m is not None and (m - found.vol) / 1e-6 for m in moved]
    assert found.error == pytest.approx(1e-3 * math.hypot(*slopes), rel=1e-3, abs=1e-9)


def test_outside_the_expiries_is_none_with_a_reason():
    line = term.term(t_years=[20 / 365, 80 / 365], vol=[0.2, 0.22])
    short, middle, long = term.constant_maturities(line, (10.0, 60.0, 90.0))
    assert (short.vol, short.error, long.vol) == (None, None, None)
    assert short.reason == "10 days lie outside the expiries, 20 to 80 days"
    assert middle.reason is None
    assert term.detect_regime(middle, long).reason == long.reason
    assert term.detect_regime(middle, long).regime is None
    assert term.spline_vol(line, t_years=0.5).reason.endswith("20 to 80 days")
    empty = term.term_of(Surface(np.empty((0, curve.COLUMNS)), ()))
    assert term.vol_at(empty, t_years=0.1).reason == "no expiry has a volatility"
    assert term.spline_vol(empty, t_years=0.1).reason == "0 expiries, 2 needed"


def test_one_expiry_answers_for_itself_only():
    line = term.term(t_years=[0.1], vol=[0.2])
    assert term.vol_at(line, t_years=0.1).vol == pytest.approx(0.2)
    assert term.vol_at(line, t_years=0.11).vol is None


def test_falling_total_variance_is_no_volatility():
    line = term.term(t_years=[0.1, 0.2], vol=[0.4, 0.2])
    assert term.vol_at(line, t_years=0.15).reason == "total variance falls from 0.016 to 0.008 around it"


@settings(deadline=None)
@given(st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_regime_is_a_matter_of_the_ratio(near, far):
    ends = (term.MaturityVol(t, v, 0.002, None) for t, v in ((30 / 365, near), (90 / 365, far)))
    found = term.detect_regime(*ends)
    assert found.ratio == near / far
    wanted = "contango" if near / far < 0.95 else "backwardation" if near / far > 1.05 else "flat"
    assert found.regime == wanted
    assert found.slope == pytest.approx((far - near) / (60 / 365))
    bumped = math.hypot((near + 0.002) / far - found.ratio, near / (far + 0.002) - found.ratio)
    assert found.error == pytest.approx(bumped, rel=0.05)


def test_thresholds_belong_to_flat():
    for ratio, regime in ((0.95, "flat"), (0.9499, "contango"), (1.05, "flat"), (1.0501, "backwardation")):
        ends = term.MaturityVol(0.1, ratio, 0.0, None), term.MaturityVol(0.3, 1.0, 0.0, None)
        assert term.detect_regime(*ends).regime == regime
    with pytest.raises(ValueError, match="near must be before far"):
        term.detect_regime(*ends[::-1])


def test_spline_without_smoothing_passes_through_and_with_it_does_not():
    line = term.term(t_years=[0.05, 0.1, 0.2, 0.3, 0.5], vol=[0.2, 0.23, 0.21, 0.22, 0.25])
    for t, vol in zip(line.t_years, line.vol, strict=True):
        assert term.spline_vol(line, t_years=float(t), smoothing=0.0).vol == pytest.approx(vol)
    assert abs(term.spline_vol(line, t_years=0.1).vol - 0.23) > 0.005


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"t_years": [0.1, 0.1], "vol": [0.2, 0.2]}, "ascend"),
        ({"t_years": [0.1, 0.2], "vol": [0.2]}, "equally long"),
        ({"t_years": [0.1, 0.2], "vol": [0.2, 0.0]}, "vol must be finite and above 0, got 0.0 at position 1"),
        ({"t_years": [0.1], "vol": [0.2], "error": -1.0}, "error must be"),
    ],
)
def test_bad_columns_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        term.term(**columns)


@settings(deadline=None)
@given(st.floats(0.1, 1.0), st.floats(0.01, 0.2), st.floats(3 / 365, 0.1), st.floats(1 / 365, 0.2))
def test_a_planted_event_is_found(base, move, near_years, gap):
    far_years = near_years + gap
    total = [base**2 * (t - 1 / 252) + move**2 for t in (near_years, far_years)]
    near, far = (math.sqrt(w / t) for w, t in zip(total, (near_years, far_years), strict=True))
    for found in (
        event.event_variance(near_vol=near, near_years=near_years, base_vol=base),
        event.event_between(near_vol=near, near_years=near_years, far_vol=far, far_years=far_years),
    ):
        assert found.base_vol == pytest.approx(base, rel=1e-9)
        assert found.std == pytest.approx(move, rel=1e-6)
        assert found.expected_move == pytest.approx(math.sqrt(2 / math.pi) * move, rel=1e-6)


def test_mean_absolute_move_is_that_of_a_normal_sample():
    sample = np.abs(np.random.default_rng(3).standard_normal(1_000_000))
    assert pytest.approx(sample.mean(), abs=2e-3) == event.MEAN_ABSOLUTE


def test_no_event_variance_says_why():
    found = event.event_variance(near_vol=0.2, near_years=0.1, base_vol=0.3)
    assert (found.variance, found.std, found.expected_move) == (None, None, None)
    assert found.reason.startswith("ordinary days account for")
    found = event.event_between(near_vol=0.9, near_years=0.05, far_vol=0.3, far_years=0.1)
    assert found.base_vol is None
    assert found.reason.startswith("variance between the expiries is -")
    with pytest.raises(ValueError, match="near_years must be finite and at least 1/252"):
        event.event_variance(near_vol=0.2, near_years=0.001, base_vol=0.3)
    with pytest.raises(ValueError, match="near before far"):
        event.event_between(near_vol=0.2, near_years=0.2, far_vol=0.2, far_years=0.1)
    with pytest.raises(ValueError, match="base_vol"):
        event.event_variance(near_vol=0.2, near_years=0.2, base_vol=0.0)

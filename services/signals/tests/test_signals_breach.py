"""Breach odds from variance quantiles, against simulation and known numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_signals.breach import Mixture, above, below, level_weights, mixture

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
HORIZONS = (1, 5, 21)


def flat(vol: float) -> list[list[float]]:
    return [[vol * vol] * len(LEVELS) for _ in HORIZONS]


def test_one_variance_is_one_lognormal() -> None:
    m = mixture(HORIZONS, LEVELS, flat(0.2), 21.0, 252.0)
    assert isinstance(m, Mixture)
    s = 0.2 * math.sqrt(21 / 252)
    expected = 0.5 * math.erfc((math.log(100 / 95) - 0.5 * s * s) / s / math.sqrt(2))
    assert below(m, 100.0, 95.0) == pytest.approx(expected, rel=1e-12)
    assert m.median_variance_annual == pytest.approx(0.04)


def test_against_simulation() -> None:
    quantiles = [[0.01, 0.02, 0.03, 0.05, 0.12] for _ in HORIZONS]
    m = mixture(HORIZONS, LEVELS, quantiles, 21.0, 252.0)
    assert isinstance(m, Mixture)
    rng = np.random.default_rng(7)
    n = 400_000
    v = np.array(m.total_variances)[rng.choice(len(LEVELS), size=n, p=m.weights)]
    end = 100.0 * np.exp(rng.standard_normal(n) * np.sqrt(v) - 0.5 * v)
    assert below(m, 100.0, 93.0) == pytest.approx((end < 93.0).mean(), abs=2e-3)
    assert above(m, 100.0, 106.0) == pytest.approx((end > 106.0).mean(), abs=2e-3)
    assert end.mean() == pytest.approx(100.0, abs=0.05)  # no view on direction


@given(st.floats(0.2, 31.0), st.floats(80.0, 120.0))
def test_odds_are_odds(sessions: float, strike: float) -> None:
    m = mixture(HORIZONS, LEVELS, [[0.01, 0.02, 0.03, 0.05, 0.12]] * 3, sessions, 252.0)
    assert isinstance(m, Mixture)
    assert below(m, 100.0, strike) + above(m, 100.0, strike) == pytest.approx(1.0)
    assert below(m, 100.0, strike) <= below(m, 100.0, strike + 1.0)


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=9, unique=True))
def test_weights_add_to_one(levels: list[float]) -> None:
    weights = level_weights(sorted(levels))
    assert sum(weights) == pytest.approx(1.0)
    assert min(weights) > 0.0


def test_total_variance_is_linear_between_horizons() -> None:
    rows = [[0.04] * 5, [0.04] * 5, [0.02] * 5]
    m = mixture(HORIZONS, LEVELS, rows, 13.0, 252.0)
    assert isinstance(m, Mixture)
    assert m.total_variances[0] == pytest.approx((0.04 * 5 + 0.02 * 21) / 2 / 252)


@pytest.mark.parametrize(("sessions", "part"), [(0.0, "nothing is left"), (31.6, "31.6 sessions away")])
def test_no_odds_have_a_reason(sessions: float, part: str) -> None:
    reason = mixture(HORIZONS, LEVELS, flat(0.2), sessions, 252.0)
    assert isinstance(reason, str)
    assert part in reason


def test_an_empty_forecast_has_a_reason() -> None:
    assert mixture((), (), (), 10.0, 252.0) == "the forecast is empty"

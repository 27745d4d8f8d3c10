"""What the forecasts are worth on data whose truth is known."""

import numpy as np
import pytest

from contango_inference import model
from contango_inference.params import InferenceParams
from contango_inference.series import Series, session_variance, take

PARAMS = InferenceParams(min_days=500)


def har_data(days: int, seed: int):
    """Daily variances by a log HAR and returns drawn with them, half again as large (ranges see too little)."""
    rng = np.random.default_rng(seed)
    log_v = np.full(days + 22, np.log(1e-4))
    for t in range(22, days + 22):
        day, week, month = log_v[t - 1], log_v[t - 5 : t].mean(), log_v[t - 22 : t].mean()
        log_v[t] = 0.02 * np.log(1e-4) + 0.35 * day + 0.35 * week + 0.28 * month + 0.4 * rng.standard_normal()
    v = np.exp(log_v[22:])
    return v, 1.5 * v * rng.standard_normal(days) ** 2


def garch_data(days: int, seed: int):
    """Sessions of a GARCH(1,1) with 78 steps a day: (Parkinson variances, squared returns)."""
    rng = np.random.default_rng(seed)
    variance, log_close, bars = 1e-4, 0.0, np.empty((days, 4))
    for t in range(days):
        path = log_close + np.concatenate([[0.0], np.cumsum(rng.standard_normal(78) * np.sqrt(variance / 78))])
        bars[t] = 1000.0 * np.exp([path[0], path.max(), path.min(), path[-1]])
        variance = 2e-6 + 0.08 * (path[-1] - log_close) ** 2 + 0.90 * variance
        log_close = path[-1]
    series = Series()
    for t in range(days):
        take(series, t + 1, tuple(float(x) for x in bars[t]), "parkinson", 1e-6)
    return series.variances(), series.squared_returns()


@pytest.mark.parametrize("make", [har_data, garch_data])
def test_coverage_of_the_quantiles(make):
    """5 % … 95 % holds what follows in 90 % of cases: ± 5 points at one session, ± 10 at 21 (overlapping)."""
    inside = {1: [], 21: []}
    for seed in range(4):
        v, r2 = make(2_600, seed)
        fitted = model.fit(v[:2_000], r2[:2_000], PARAMS)
        factor = fitted.factor
        for t in range(2_000, 2_570):
            table = model.forecast(fitted, v[:t])
            for row, horizon in ((0, 1), (3, 21)):
                came = v[t : t + horizon].mean() * factor
                inside[horizon].append(table[row][0] <= came <= table[row][-1])
    assert abs(np.mean(inside[1]) - 0.90) < 0.05
    assert abs(np.mean(inside[21]) - 0.90) < 0.10


def test_forecasts_stand_on_the_scale_of_returns():
    v, r2 = har_data(4_000, 1)
    assert model.fit(v, r2, PARAMS).factor == pytest.approx(252 * 1.5, rel=0.1)


def test_a_rolling_window_forgets():
    v, r2 = har_data(2_000, 2)
    rolling = InferenceParams(window_days=600)
    a = model.fit(v, r2, rolling)
    b = model.fit(np.concatenate([v[:1_000] * 9.0, v[1_000:]]), r2, rolling)
    assert a.sha == b.sha
    assert model.fit(v, r2, PARAMS).sha != model.fit(np.concatenate([v[:1_000] * 9.0, v[1_000:]]), r2, PARAMS).sha


def test_nothing_moving_gives_no_model():
    assert model.fit(np.full(900, 1e-8), np.zeros(900), PARAMS) is None
    assert model.fit(np.full(50, 1e-4), np.full(50, 1e-4), PARAMS) is None


def test_the_overnight_return_is_added_only_where_there_is_one():
    bars = [(100.0, 101.0, 99.0, 100.5), (100.5, 102.0, 100.0, 101.0), (103.0, 104.0, 102.0, 103.5)]
    series = Series()
    for i, bar in enumerate(bars):
        take(series, i + 1, bar, "parkinson", 1e-6)
    park = [np.log(h / l) ** 2 / (4 * np.log(2)) for _, h, l, _ in bars]
    assert series.variances() == pytest.approx([park[1], park[2] + np.log(103.0 / 101.0) ** 2], rel=1e-12)
    assert series.squared_returns() == pytest.approx([np.log(101 / 100.5) ** 2, np.log(103.5 / 101) ** 2], rel=1e-12)


def test_estimators_by_hand():
    bar = (100.0, 102.0, 99.0, 101.0)
    hl, co = np.log(102 / 99) ** 2, np.log(101 / 100) ** 2
    assert session_variance(bar, "parkinson") == pytest.approx(hl / (4 * np.log(2)))
    assert session_variance(bar, "garman_klass") == pytest.approx(0.5 * hl - (2 * np.log(2) - 1) * co)
    rs = np.log(102 / 101) * np.log(102 / 100) + np.log(99 / 101) * np.log(99 / 100)
    assert session_variance(bar, "rogers_satchell") == pytest.approx(rs)

"""The mixture's features against numpy, what stays unknown, the filtered posterior and when the detector is silent."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_signals.regimes.s0 import FEATURES, LABELS, S0Params, by_label, feature_row, filtered, report
from contango_signals.state import Mixture

P = S0Params()


def columns(n: int, seed: int = 1) -> list[list[float]]:
    """Closes, highs, lows, volumes, index."""
    rng = np.random.default_rng(seed)
    close = 2000.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(n)))
    up, down = 1.0 + 0.01 * rng.random((2, n)) * np.array([[1.0], [-1.0]])
    volume, index = 1e6 * rng.uniform(0.5, 1.5, n), rng.uniform(10.0, 40.0, n)
    return [x.tolist() for x in (close, close * up, close * down, volume, index)]


@given(st.integers(51, 90), st.integers(0, 1000))
def test_features_against_numpy(n: int, seed: int) -> None:
    close, high, low, volume, index = (np.array(x) for x in columns(n, seed))
    returns = np.diff(np.log(close))[-20:]
    realised = returns.std(ddof=1) * math.sqrt(252)
    sma_20, sma_50 = close[-20:].mean(), close[-50:].mean()
    want = {
        "realised_vol": realised,
        "momentum": math.log(close[-1] / close[-21]),
        "trend": (sma_20 - sma_50) / sma_50,
        "iv": index[-1] / 100.0,
        "iv_rv_spread": index[-1] / 100.0 - realised,
        "volume_ratio": volume[-1] / volume[-20:].mean(),
        "range_pct": (high[-1] - low[-1]) / close[-1],
    }
    row = feature_row(*columns(n, seed))
    assert tuple(row) == FEATURES
    for name, x in want.items():
        assert row[name] == pytest.approx(x, rel=1e-9, abs=1e-12), name


@given(st.integers(51, 90), st.integers(0, 40))
def test_what_is_older_than_the_longest_window_does_not_count(n: int, cut: int) -> None:
    whole = columns(n)
    cut = min(cut, n - 51)
    assert feature_row(*(column[cut:] for column in whole)) == feature_row(*whole)


@pytest.mark.parametrize(
    ("n", "unknown"),
    [
        (0, set(FEATURES)),
        (1, {"realised_vol", "momentum", "trend", "iv_rv_spread", "volume_ratio"}),
        (20, {"realised_vol", "momentum", "trend", "iv_rv_spread"}),
        (21, {"trend"}),
        (49, {"trend"}),
        (50, set()),
    ],
)
def test_a_short_history_leaves_features_unknown(n: int, unknown: set[str]) -> None:
    assert {name for name, x in feature_row(*columns(n)).items() if x is None} == unknown


def test_an_index_that_is_not_known_is_not_made_up() -> None:
    """Nor is one of an earlier day taken for today's."""
    close, high, low, volume, index = columns(60)
    row = feature_row(close, high, low, volume, [*index[:-1], None])
    assert (row["iv"], row["iv_rv_spread"]) == (None, None)
    assert row["realised_vol"] is not None


def test_volumes_count_only_when_all_are_known() -> None:
    close, high, low, volume, index = columns(60)
    assert feature_row(close, high, low, [*volume[:45], None, *volume[46:]], index)["volume_ratio"] is None
    assert feature_row(close, high, low, [0.0] * 60, index)["volume_ratio"] is None


MIXTURE = Mixture(
    sha="",
    features=["realised_vol", "momentum"],
    centre=[0.1, 0.0],
    scale=[0.05, 0.02],
    weights=[0.7, 0.3],
    means=[[-1.0, 0.5], [2.0, -1.0]],
    precisions=[[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.0], [0.0, 0.25]]],
    log_dets=[0.0, math.log(0.125)],
    transition=[[0.95, 0.05], [0.10, 0.90]],
    labels=["bull_low_vol", "bear_high_vol"],
)
rows = st.tuples(st.floats(0.0, 0.6), st.floats(-0.2, 0.2))


def density(k: int, x: tuple[float, float]) -> float:
    """Of a row under one component, by the product of two normal densities."""
    z = [(a - c) / s for a, c, s in zip(x, MIXTURE.centre, MIXTURE.scale, strict=True)]
    made = 1.0
    for i in range(2):
        precision = MIXTURE.precisions[k][i][i]
        off = z[i] - MIXTURE.means[k][i]
        made *= math.sqrt(precision / (2.0 * math.pi)) * math.exp(-0.5 * precision * off**2)
    return made


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=8))
def test_the_posterior_is_bayes_rule_row_by_row(path: list[tuple[float, float]]) -> None:
    from dataclasses import replace

    mixture, prior = MIXTURE, list(MIXTURE.weights)
    for i, x in enumerate(path):
        if i:
            prior = [sum(prior[j] * MIXTURE.transition[j][k] for j in (0, 1)) for k in (0, 1)]
        joint = [prior[k] * density(k, x) for k in (0, 1)]
        prior = [j / sum(joint) for j in joint]
        mixture = replace(mixture, posterior=filtered(mixture, x))
        assert mixture.posterior == pytest.approx(prior, rel=1e-9, abs=1e-12)


def test_components_of_one_name_are_added() -> None:
    found = by_label([0.3, 0.4, 0.3], ["bear_high_vol", "bull_low_vol", "bear_high_vol"])
    assert found == pytest.approx({"bear_high_vol": 0.6, "bull_low_vol": 0.4})
    assert report(found, S0Params(abstain_below=0.5)) == ("bear_high_vol", None)


@given(st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4), st.floats(0.0, 1.0))
def test_a_name_or_a_reason_and_never_both(parts: list[float], least: float) -> None:
    posterior = {name: x / sum(parts) for name, x in zip(LABELS, parts, strict=True)}
    label, reason = report(posterior, S0Params(abstain_below=least))
    assert (label is None) == (reason is not None) == (max(posterior.values()) < least)
    if label is not None:
        assert posterior[label] == max(posterior.values())


def test_silence_says_what_was_probable_and_what_is_needed() -> None:
    assert report({"bull_low_vol": 0.59, "bear_high_vol": 0.41}, P) == (
        None,
        "the most probable, bull_low_vol, has 59 %; 60 % is needed",
    )
    assert report({"bull_low_vol": 0.6, "bear_high_vol": 0.4}, P) == ("bull_low_vol", None)

"""The weekly fit: no training row shares its future with what is asked, equal data give equal bytes, a coin is none."""

import os
import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from contango_inference import trees
from contango_inference.direction.features import FEATURES, HOUR_NS
from contango_inference.direction.fit import Fitted, base_rate, fit
from contango_inference.direction.params import DirectionParams

SMALL: dict[str, Any] = {"min_rows": 100, "trees": 5, "depth": 3, "min_leaf": 5, "folds": 3}
KINDS = ("forest", "boosting")
TWICE = """
import numpy as np
from contango_inference.direction.fit import fit
from contango_inference.direction.params import DirectionParams
rng = np.random.default_rng(3)
x, hours = rng.normal(size=(300, 20)), np.arange(300, dtype=np.int64)
y = (x[:, 2] + rng.normal(size=300) > 0.0).astype(np.float64)
for model in ("forest", "boosting"):
    p = DirectionParams(model=model, min_rows=100, trees=5, depth=3, min_leaf=5)
    print(fit(x, y, hours * 3_600_000_000_000, 14_400_000_000_000, p))
"""


def world(rows: int, seed: int, slope: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels whose log odds are ``slope`` times the fourth feature, instants one hour apart."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, len(FEATURES)))
    y = (rng.random(rows) < 1.0 / (1.0 + np.exp(-slope * x[:, 3]))).astype(np.float64)
    return x, y, np.arange(rows, dtype=np.int64) * HOUR_NS


def fitted(rows: int, seed: int, slope: float = 0.0, **keys: Any) -> Fitted:
    found = fit(*world(rows, seed, slope), 4 * HOUR_NS, DirectionParams(**keys))
    assert isinstance(found, Fitted), found
    return found


def skill(found: Fitted) -> float:
    assert found.brier is not None
    assert found.baseline_brier is not None
    return 1.0 - found.brier / found.baseline_brier


@pytest.mark.parametrize("horizon_hours", [1, 4, 24])
def test_what_a_fold_is_fitted_on_was_known_before_it_begins(
    horizon_hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spies on the library and on the trees: the first feature is the row's hour, so that each says what it got."""
    x, y, ts_ns = world(400, 1)
    x[:, 0] = np.arange(400)
    seen: list[tuple[str, float, float, int]] = []
    grow, ask = RandomForestClassifier.fit, trees.predict

    def spied_grow(self: Any, rows: np.ndarray, labels: np.ndarray) -> Any:
        seen.append(("fit", rows[:, 0].min(), rows[:, 0].max(), len(rows)))
        return grow(self, rows, labels)

    def spied_ask(columns: trees.Columns, rows: np.ndarray) -> Any:
        seen.append(("ask", rows[:, 0].min(), rows[:, 0].max(), len(rows)))
        return ask(columns, rows)

    monkeypatch.setattr(RandomForestClassifier, "fit", spied_grow)
    monkeypatch.setattr(trees, "predict", spied_ask)
    fit(x, y, ts_ns, horizon_hours * HOUR_NS, DirectionParams(**SMALL))
    assert [kind for kind, *_ in seen] == ["fit", "ask"] * 3 + ["fit"]
    asked = [part for part in seen if part[0] == "ask"]
    for (_, low, high, rows), (_, first, _, _) in zip(seen[0:6:2], asked, strict=True):
        assert high + horizon_hours == first  # its label came to be known in the very hour of the first question
        assert (low, rows) == (0.0, high + 1)  # and all that was known by then is used
    for (_, _, last, _), (_, first, _, _) in pairwise(asked):
        assert last + 1 == first
    assert seen[-1][1:] == (0.0, 399.0, 400)  # the model that will speak has seen every label


@pytest.mark.parametrize("model", KINDS)
def test_a_planted_signal_is_learnt_and_named(model: str) -> None:
    found = fitted(1500, 1, slope=1.0, model=model)
    assert skill(found) > 0.05
    assert found.accuracy is not None
    assert found.accuracy > 0.6
    assert max(found.importance, key=lambda name: found.importance[name]) == FEATURES[3]
    assert sum(found.importance.values()) == pytest.approx(1.0)
    low, high = found.calibration[0][1], found.calibration[-1][1]
    assert low < 0.4 < 0.6 < high


@pytest.mark.parametrize("model", KINDS)
def test_a_coin_is_not_learnt(model: str) -> None:
    """Ten coins: no skill beyond luck in any, none on average, and words that stay near the base rate."""
    fits = [fitted(1000, seed, model=model, trees=20) for seed in range(10)]
    skills = [skill(found) for found in fits]
    assert max(skills) < 0.02
    assert np.mean(skills) < 0.002
    heard = [[prob for _, prob in found.calibration] for found in fits]
    assert np.mean([max(probs) - min(probs) for probs in heard]) < 0.3


def test_worse_than_nothing_is_answered_with_the_base_rate() -> None:
    """A rule that turns around from stretch to stretch: what was learnt is wrong, and the map to probabilities flat."""
    x, _, ts_ns = world(1000, 2)
    turn = np.where(np.arange(1000) * 5 // 1000 % 2 == 0, 1.0, -1.0)
    y = (turn * x[:, 3] > 0.0).astype(np.float64)
    found = fit(x, y, ts_ns, 4 * HOUR_NS, DirectionParams(min_rows=100, trees=20))
    assert isinstance(found, Fitted)
    probs = {prob for _, prob in found.calibration}
    assert max(probs) - min(probs) < 1e-12
    assert min(probs) == pytest.approx(base_rate(y[200:]), abs=1e-12)


@given(
    st.integers(0, 50),
    st.floats(0.0, 3.0),
    st.sampled_from(KINDS),
    st.lists(st.floats(-1e30, 1e30), min_size=20, max_size=20),
)
def test_property_11_any_features_get_a_probability(seed: int, slope: float, model: str, row: list[float]) -> None:
    """Between the first and the last knot for every row whatever, and rising with the score."""
    found = fitted(150, seed, slope, **SMALL, model=model)
    assert trees.wrong(found.columns, len(FEATURES)) is None
    knots, probs = np.array(found.calibration).T
    score = trees.predict(found.columns, [row])[0]
    assert knots[0] - 1e-12 <= score <= knots[-1] + 1e-12
    assert (np.diff(knots) >= 0.0).all()
    assert (np.diff(probs) >= 0.0).all()
    assert 0.0 < probs[0] <= np.interp(score, knots, probs) <= probs[-1] < 1.0


@pytest.mark.parametrize("model", KINDS)
def test_equal_data_give_equal_bytes(model: str) -> None:
    one, two = (fitted(300, 3, 1.0, **SMALL, model=model) for _ in range(2))
    assert one.sha == two.sha == trees.sha(two.columns)
    assert (one.calibration, one.brier, one.importance) == (two.calibration, two.brier, two.importance)
    assert fitted(300, 4, 1.0, **SMALL, model=model).sha != one.sha


def test_the_order_of_hashes_plays_no_part() -> None:
    """Two processes with hash seeds of their own print the same fit, every digit."""
    said = [
        subprocess.run(
            [sys.executable, "-c", TWICE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0].count("Fitted(") == 2
    assert said[0] == said[1]


def test_who_only_asks_loads_no_scikit_learn() -> None:
    code = "import sys, contango_inference.oracle; print('sklearn' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_what_cannot_be_fitted_says_why() -> None:
    x, y, ts_ns = world(150, 1)
    p = DirectionParams(**SMALL)
    assert fit(x[:99], y[:99], ts_ns[:99], 4 * HOUR_NS, p) == "99 labelled rows, 100 are needed"
    for same in (0.0, 1.0):
        assert fit(x, np.full(150, same), ts_ns, 4 * HOUR_NS, p) == "every labelled row went the same way"


def test_without_folds_that_could_be_fitted_there_are_no_scores() -> None:
    """Every row of before has an unknown label when a stretch begins: the trees stand, scored by nobody."""
    found = fit(*world(150, 1), 1000 * HOUR_NS, DirectionParams(**SMALL))
    assert isinstance(found, Fitted)
    assert (found.brier, found.baseline_brier, found.accuracy) == (None, None, None)
    assert len({prob for _, prob in found.calibration}) == 1


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=200))
def test_the_base_rate_lies_between_the_share_of_rises_and_one_half(labels: list[float]) -> None:
    y = np.array(labels)
    low, high = sorted((y.mean(), 0.5))
    assert low <= base_rate(y) <= high
    assert 0.0 < base_rate(y) < 1.0

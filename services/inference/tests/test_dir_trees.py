"""Trees as columns: the ensemble's own answers, and every damage found before a walk could go astray."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from contango_common.domain.blocks import decode_block, encode_block
from contango_inference import trees
from contango_inference.direction.fit import from_boosting, from_forest


def world(seed: int, rows: int = 200, features: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Rows in single precision, as trees compare them, with labels that depend on the first feature."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype(np.float32).astype(np.float64)
    return x, (x[:, 0] + rng.normal(size=rows) > 0.0).astype(np.float64)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 12), depth=st.integers(1, 8))
def test_a_forest_answers_as_scikit_learn(seed: int, count: int, depth: int) -> None:
    x, y = world(seed)
    forest = RandomForestClassifier(n_estimators=count, max_depth=depth, random_state=seed).fit(x, y)
    columns = from_forest(forest)
    assert trees.wrong(columns, x.shape[1]) is None
    ask = world(seed + 1)[0]
    assert np.abs(trees.predict(columns, ask) - forest.predict_proba(ask)[:, 1]).max() <= 1e-12


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 12))
def test_boosting_answers_its_decision_less_its_start(seed: int, count: int) -> None:
    x, y = world(seed)
    boosted = GradientBoostingClassifier(n_estimators=count, random_state=seed).fit(x, y)
    columns = from_boosting(boosted)
    assert trees.wrong(columns, x.shape[1]) is None
    ask = world(seed + 1)[0]
    start = np.log(y.mean() / (1.0 - y.mean()))
    assert np.abs(trees.predict(columns, ask) - (boosted.decision_function(ask) - start)).max() <= 1e-10


def grown() -> dict[str, np.ndarray]:
    x, y = world(1)
    return from_forest(RandomForestClassifier(n_estimators=3, max_depth=4, random_state=1).fit(x, y))


def test_a_block_brings_the_same_trees_back() -> None:
    columns, ask = grown(), world(2)[0]
    back = decode_block(encode_block(columns))
    assert trees.sha(back) == trees.sha(columns)
    assert (trees.predict(back, ask) == trees.predict(columns, ask)).all()


@pytest.mark.parametrize(
    ("name", "row", "value", "says"),
    [
        ("left", 0, 0, "does not come after it"),
        ("right", 0, 10_000, "does not come after it"),
        ("feature", 0, 5, "not there"),
        ("feature", 0, -2, "not there"),
        ("threshold", 0, np.nan, "not finite"),
        ("value", -1, np.inf, "not finite"),
        ("tree", 0, 1, "numbered from 0"),
        ("tree", -1, 9, "numbered from 0"),
    ],
)
def test_damage_is_found(name: str, row: int, value: float, says: str) -> None:
    columns = grown()
    columns[name] = columns[name].copy()
    columns[name][row] = value
    assert says in (trees.wrong(columns, 5) or "")
    assert trees.sha(columns) != trees.sha(grown())


def test_a_child_in_another_tree_and_missing_columns_are_found() -> None:
    columns = grown()
    second = int(np.flatnonzero(columns["tree"] == 1)[0])
    columns["left"] = columns["left"].copy()
    columns["left"][0] = second
    assert "its own tree" in (trees.wrong(columns, 5) or "")
    assert "are not" in (trees.wrong({"tree": columns["tree"]}, 5) or "")
    assert "different lengths" in (trees.wrong({**grown(), "left": np.zeros(1, dtype="<i4")}, 5) or "")

"""The forest and what is built on it: its distribution, walk-forward, storing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from contango_inference.earnings import fit, forest, linear, naive
from contango_inference.earnings.build import build
from contango_inference.earnings.dataset import Dataset, dataset, folds
from contango_inference.earnings.events import DAY_NS, close_ns
from contango_inference.earnings.model import predict, restore, row_of, to_arrays, to_head
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.training import train
from contango_inference.earnings.walk import LEVELS, walk
from support.earn_world import world

SMALL = EarningsParams(trees=12, least_training=60, fold_years=1, boosting_rounds=10)


def noise(n: int, features: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows with holes, and sizes that grow with the first feature."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, features))
    sizes = np.abs(rng.standard_normal(n)) * np.exp(0.8 * rows[:, 0]) * 0.05
    rows[rng.random((n, features)) < 0.1] = np.nan
    return rows, sizes


@pytest.fixture(scope="module")
def data() -> Dataset:
    return dataset(build(*world(symbols=10, sessions=1300)))


# -- the forest ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.integers(1, 15))
@settings(max_examples=15)
def test_weights_sum_to_one_and_quantiles_do_not_cross(seed: int, least: int):
    rows, sizes = noise(150, 3, seed)
    grown = fit.fit_forest(rows, sizes, SMALL.model_copy(update={"least_in_leaf": least, "seed": seed}))
    weights = forest.distribution(grown, rows)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    levels = np.linspace(0.01, 0.99, 33)
    made = forest.quantiles(grown, weights, levels)
    assert (np.diff(made, axis=1) >= 0.0).all()
    assert (made[:, :1] >= sizes.min()).all()
    assert (made[:, -1:] <= sizes.max()).all()


def test_leaves_are_those_of_scikit_learn():
    rows, sizes = noise(300, 4)
    medians = linear.medians_of(rows)
    filled = forest.fill(rows, medians)
    grown = RandomForestRegressor(n_estimators=7, min_samples_leaf=5, random_state=1).fit(filled, sizes)
    flat = fit.with_members([tree.tree_ for tree in grown.estimators_], rows, sizes, medians)
    np.testing.assert_array_equal(forest.leaves(flat, rows) - flat.roots, grown.apply(filled))


def test_the_distribution_is_that_of_its_definition():
    """A slow twin: for every tree, all training rows that share the asked row's leaf, in equal parts."""
    rows, sizes = noise(120, 3)
    grown = fit.fit_forest(rows, sizes, SMALL)
    asked = noise(10, 3, seed=5)[0]
    mine, theirs = forest.leaves(grown, asked), forest.leaves(grown, rows)
    weights = forest.distribution(grown, asked)
    order = np.argsort(sizes, kind="stable")
    for i in range(10):
        slow = np.zeros(120)
        for t in range(SMALL.trees):
            same = theirs[:, t] == mine[i, t]
            slow += same / same.sum() / SMALL.trees
        np.testing.assert_allclose(weights[i], slow[order], atol=1e-15)
        reached = np.cumsum(slow[order])
        wanted = [next(y for y, f in zip(sizes[order], reached, strict=True) if f >= a - 1e-12) for a in LEVELS]
        assert forest.quantiles(grown, weights[i : i + 1], LEVELS)[0].tolist() == wanted
        assert forest.means(grown, weights)[i] == pytest.approx(slow @ sizes)


def test_quantiles_hold_what_they_promise_on_data_whose_truth_is_known():
    """|N| scaled by a feature: 80 % intervals hold 75 to 85 % of new outcomes, and medians follow the truth."""
    rows, sizes = noise(3000, 2, seed=1)
    asked, came = noise(3000, 2, seed=2)
    grown = fit.fit_forest(rows, sizes, EarningsParams(trees=60))
    weights = forest.distribution(grown, asked)
    made = forest.quantiles(grown, weights, LEVELS)
    inside = np.mean((came >= made[:, 0]) & (came <= made[:, -1]))
    assert 0.75 < inside < 0.85
    seen = np.isfinite(asked[:, 0])
    truth = 0.6745 * np.exp(0.8 * asked[seen, 0]) * 0.05
    assert np.corrcoef(np.log(made[seen, 2]), np.log(truth))[0, 1] > 0.9


def test_the_same_data_give_the_same_forest():
    rows, sizes = noise(200, 3)
    one, other = (fit.fit_forest(rows, sizes, SMALL) for _ in range(2))
    np.testing.assert_array_equal(one.threshold, other.threshold)
    np.testing.assert_array_equal(one.members, other.members)


def test_linear_and_naive_baselines_by_hand():
    x = np.linspace(-1.0, 1.0, 500)[:, None]
    fitted = linear.fit_magnitude(x, 0.05 * np.exp(x[:, 0]), ridge=1e-9)
    made = linear.magnitude_quantiles(fitted, np.array([[0.0], [1.0]]), [0.5])
    assert made[:, 0] == pytest.approx([0.05, 0.05 * np.e], rel=1e-6)
    names, zero = (naive.FEATURE,), np.zeros(3, dtype=np.int64)
    past = Dataset(
        names, np.array([[0.02], [0.02], [0.02]]), np.array([0.01, -0.02, 0.03]), zero, zero, zero, ("A",) * 3
    )
    asked = past.take(np.array([0, 1]))
    asked = replace(asked, values=np.array([[0.04], [np.nan]]))
    assert naive.quantiles(past, asked, [0.5]) == pytest.approx(np.array([[0.04], [0.02]]))


# -- walk-forward --------------------------------------------------------------------------------------------------


def test_no_fold_trains_on_what_it_tests_or_on_what_was_not_known(data):
    found = list(folds(data, fold_years=1, least_training=60, embargo_days=5))
    assert len(found) >= 3
    for fold in found:
        assert (data.label_ns[fold.train] <= fold.start_ns - 5 * DAY_NS).all()
        assert data.label_ns[fold.train].max() < data.cutoff_ns[fold.test].min() + 5 * DAY_NS
        assert not set(fold.train) & set(fold.test)
    tested = np.concatenate([fold.test for fold in found])
    assert len(tested) == len(set(tested.tolist()))


def test_no_forecast_before_a_corrupted_future_changes(data):
    """Every label and feature after a date is replaced: forecasts of events before it stay bit for bit."""
    at = close_ns(20130701)
    later = data.cutoff_ns > at
    corrupt = replace(
        data,
        move=np.where(data.label_ns > at, 0.9, data.move),
        values=np.where(later[:, None], 123.0, data.values),
    )
    one, other = walk(data, SMALL), walk(corrupt, SMALL)
    np.testing.assert_array_equal(one.rows, other.rows)
    early = data.cutoff_ns[one.rows] <= at
    assert 20 < early.sum() < len(early)
    for name in one.quantiles:
        np.testing.assert_array_equal(one.quantiles[name][early], other.quantiles[name][early], err_msg=name)
        assert (one.quantiles[name][~early] != other.quantiles[name][~early]).any()
    for name in one.up:
        np.testing.assert_array_equal(one.up[name][early], other.up[name][early], err_msg=name)


def test_a_longer_history_later_moves_no_earlier_forecast(data):
    at = close_ns(20130701)
    short = data.take(np.flatnonzero(data.label_ns <= at))
    one, other = walk(data, SMALL), walk(short, SMALL)
    assert len(other.rows) > 20
    same = np.isin(one.rows, other.rows)
    np.testing.assert_array_equal(one.quantiles["forest"][same], other.quantiles["forest"])


def test_quantiles_of_every_model_are_in_order(data):
    made = walk(data, SMALL)
    for name, quantiles in made.quantiles.items():
        assert (np.diff(quantiles, axis=1) >= 0.0).all(), name
        assert (quantiles >= 0.0).all(), name


def test_too_little_history_says_so(data):
    with pytest.raises(ValueError, match="lower least_training"):
        walk(data, SMALL.model_copy(update={"least_training": 100_000}))


# -- storing -------------------------------------------------------------------------------------------------------


def test_the_restored_model_predicts_bit_for_bit(data):
    model = train(data, SMALL, shows_direction=True)
    again = restore(to_arrays(model), to_head(model))
    assert predict(again, data.values) == predict(model, data.values)
    assert again.names == model.names


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("forest.left", lambda a: np.zeros_like(a), "child does not come after"),
        ("forest.right", lambda a: a + 10**6, "child does not come after"),
        ("forest.feature", lambda a: a + 10_000, "feature that is not there"),
        ("forest.members", lambda a: a + 10**6, "member is no outcome"),
        ("forest.size", lambda a: np.zeros_like(a), "no members"),
        ("forest.threshold", lambda a: a * np.nan, "not finite"),
        ("forest.outcomes", lambda a: a[::-1], "not ascending"),
        ("forest.medians", lambda a: a[:-1], "entries for"),
        ("direction.coefficients", lambda a: a[:-1], "entries for"),
    ],
)
def test_arrays_that_are_no_model_are_refused(data, name, change, says):
    """Even when a hash was made to fit: a kernel must never run past its arrays or for ever."""
    model = train(data, SMALL, shows_direction=False)
    arrays = to_arrays(model)
    arrays[name] = np.ascontiguousarray(change(arrays[name]))
    with pytest.raises(ValueError, match=says):
        restore(arrays, to_head(model))


def test_a_foreign_head_and_a_missing_array_are_refused(data):
    model = train(data, SMALL, shows_direction=False)
    with pytest.raises(ValueError, match="this program reads"):
        restore(to_arrays(model), to_head(model) | {"model": "else"})
    arrays = to_arrays(model)
    del arrays["forest.roots"]
    with pytest.raises(ValueError, match=r"forest.roots is missing"):
        restore(arrays, to_head(model))


def test_a_row_by_names(data):
    model = train(data, SMALL, shows_direction=False)
    row, missing = row_of(model, {"vix": 20.0})
    assert row[0, model.names.index("vix")] == 20.0
    assert 0.9 < missing < 1.0
    full = dict(zip(model.names, np.nan_to_num(data.values[-1]).tolist(), strict=True))
    assert row_of(model, full)[1] == 0.0
    with pytest.raises(ValueError, match="no feature nonsense"):
        row_of(model, {"nonsense": 1.0})


def test_without_evidence_the_direction_is_the_base_rate(data):
    model = train(data, SMALL, shows_direction=False)
    ups = {p.prob_up for p in predict(model, data.values[:50])}
    assert len(ups) == 1
    assert ups.pop() == pytest.approx(np.mean(data.move > 0.0))
    assert len({p.prob_up for p in predict(train(data, SMALL, shows_direction=True), data.values[:50])}) > 40

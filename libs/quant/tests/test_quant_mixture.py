"""Mixtures evaluated: scikit-learn's posterior as witness, the causal filter against all paths, equivariances."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from contango_quant.stats.mixture import Mixture, by_label, filtered, log_likelihoods, match, mixture

COVARIANCES = ("full", "tied", "diag", "spherical")
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, k: int, f: int) -> Mixture:
    """A random mixture with full covariances and a random transition."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(k, f, f))
    precisions = roots @ roots.transpose(0, 2, 1) + 0.2 * np.eye(f)
    return mixture(
        centre=rng.normal(size=f),
        scale=rng.uniform(0.5, 2.0, size=f),
        weights=rng.dirichlet(np.ones(k)),
        means=2.0 * rng.normal(size=(k, f)),
        precisions=precisions,
        log_dets=np.linalg.slogdet(precisions)[1],
        transition=rng.dirichlet(np.ones(k), size=k),
    )


def played(m: Mixture, rows: np.ndarray) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    for row in rows:
        found.append(filtered(m, row, found[-1] if found else None))
    return found


def by_paths(m: Mixture, rows: np.ndarray) -> np.ndarray:
    """P(last component | rows): the likelihood of every path of components, added up by where it ends."""
    density = np.exp([log_likelihoods(m, row) for row in rows])
    total = np.zeros(len(m.weights))
    for path in itertools.product(range(len(m.weights)), repeat=len(rows)):
        p = m.weights[path[0]] * density[0, path[0]]
        for t in range(1, len(rows)):
            p *= m.transition[path[t - 1], path[t]] * density[t, path[t]]
        total[path[-1]] += p
    return np.asarray(total / total.sum())


def dense(kind: str, covariances: np.ndarray) -> np.ndarray:
    """Three covariance matrices, whatever the shape in which the witness holds them."""
    if kind == "full":
        return covariances
    if kind == "tied":
        return np.repeat(covariances[None], 3, axis=0)
    return np.array([np.diag(v) if kind == "diag" else v * np.eye(3) for v in covariances])


def fitted(kind: str, seed: int, memory: bool = False) -> tuple[Mixture, GaussianMixture, np.ndarray, np.ndarray]:
    """scikit-learn's fit of three clouds in three dimensions, the same as a mixture, the raw rows, the scaled ones."""
    rng = np.random.default_rng(seed)
    clouds = [rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3)) + 4.0 * rng.normal(size=3) for _ in range(3)]
    x = np.concatenate(clouds) * [0.01, 1.0, 30.0] + [0.2, 5.0, -100.0]
    centre, scale = np.median(x, axis=0), x.std(axis=0)
    z = (x - centre) / scale
    model = GaussianMixture(n_components=3, covariance_type=kind, random_state=seed % 1000, reg_covar=1e-4).fit(z)
    precisions = np.linalg.inv(dense(kind, model.covariances_))
    weights = model.weights_ / model.weights_.sum()
    m = mixture(
        centre=centre,
        scale=scale,
        weights=weights,
        means=model.means_,
        precisions=precisions,
        log_dets=np.linalg.slogdet(precisions)[1],
        transition=rng.dirichlet(np.ones(3), size=3) if memory else np.tile(weights, (3, 1)),
    )
    return m, model, x, z


@pytest.mark.parametrize("kind", COVARIANCES)
@given(SEEDS)
@settings(max_examples=6)
def test_without_memory_it_is_the_posterior_of_the_mixture(kind: str, seed: int) -> None:
    m, model, x, z = fitted(kind, seed)
    assert np.array([filtered(m, row) for row in x]) == pytest.approx(model.predict_proba(z), abs=1e-9)
    assert np.array(played(m, x)) == pytest.approx(model.predict_proba(z), abs=1e-9)


@pytest.mark.parametrize("kind", COVARIANCES)
def test_densities_add_up_to_those_of_the_witness(kind: str) -> None:
    m, model, x, z = fitted(kind, 7)
    logs = np.array([log_likelihoods(m, row) + np.log(m.weights) for row in x])
    assert np.logaddexp.reduce(logs, axis=1) == pytest.approx(model.score_samples(z), abs=1e-8)


@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
def test_densities_are_normal(seed: int, k: int, f: int) -> None:
    m = drawn(seed, k, f)
    x = np.random.default_rng(seed + 1).normal(size=f)
    witness = [
        multivariate_normal(mean, np.linalg.inv(precision)).logpdf((x - m.centre) / m.scale)
        for mean, precision in zip(m.means, m.precisions, strict=True)
    ]
    assert log_likelihoods(m, x).tolist() == pytest.approx(witness, rel=1e-6, abs=1e-6)


@given(SEEDS, st.integers(1, 3), st.integers(1, 2), st.integers(1, 6))
def test_the_filter_is_the_sum_over_all_paths(seed: int, k: int, f: int, n: int) -> None:
    m = drawn(seed, k, f)
    rows = m.centre + m.scale * np.random.default_rng(seed + 1).normal(size=(n, f))
    assert played(m, rows)[-1] == pytest.approx(by_paths(m, rows), abs=1e-9)


@pytest.mark.parametrize("kind", COVARIANCES)
def test_the_filter_of_a_fit_is_the_sum_over_all_paths(kind: str) -> None:
    m, _, x, _ = fitted(kind, 11, memory=True)
    rows = x[[0, 61, 121, 3, 62]]
    assert played(m, rows)[-1] == pytest.approx(by_paths(m, rows), abs=1e-9)


@given(SEEDS, st.integers(1, 4), st.integers(1, 8))
def test_a_posterior_is_a_distribution_and_later_rows_do_not_move_it(seed: int, k: int, n: int) -> None:
    m = drawn(seed, k, 2)
    rows = np.random.default_rng(seed + 1).normal(scale=5.0, size=(n, 2))
    found = played(m, rows)
    for t, p in enumerate(found):
        assert p.sum() == pytest.approx(1.0)
        assert ((p >= 0.0) & (p <= 1.0)).all()
        assert (played(m, rows[: t + 1])[-1] == p).all()


@given(SEEDS, st.permutations(range(4)))
def test_the_order_of_the_components_is_only_a_name(seed: int, order: list[int]) -> None:
    m = drawn(seed, 4, 2)
    other = m._replace(
        weights=m.weights[order],
        means=m.means[order],
        precisions=m.precisions[order],
        log_dets=m.log_dets[order],
        transition=m.transition[order][:, order],
    )
    rows = np.random.default_rng(seed + 1).normal(scale=2.0, size=(4, 2))
    assert played(other, rows)[-1] == pytest.approx(played(m, rows)[-1][order], abs=1e-9)


@given(SEEDS, st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_the_unit_of_a_feature_does_not_matter(seed: int, unit: float, shift: float) -> None:
    """Scaling and shifting a feature together with its frozen centre and scale says the same."""
    m = drawn(seed, 3, 2)
    rows = m.centre + m.scale * np.random.default_rng(seed + 1).normal(size=(3, 2))
    other = m._replace(centre=unit * (m.centre + shift), scale=unit * m.scale)
    assert played(other, unit * (rows + shift))[-1] == pytest.approx(played(m, rows)[-1], abs=1e-6)


@given(SEEDS)
def test_rows_far_from_everything_still_have_a_posterior(seed: int) -> None:
    """Densities underflow to 0 there, their logarithms do not."""
    m = drawn(seed, 3, 2)
    p = filtered(m, m.centre + m.scale * [300.0, -300.0])
    assert np.isfinite(p).all()
    assert p.sum() == pytest.approx(1.0)


def test_a_component_that_cannot_be_is_never_found() -> None:
    m = drawn(1, 3, 2)._replace(weights=np.array([0.5, 0.5, 0.0]))
    m = m._replace(transition=np.tile(m.weights, (3, 1)))
    assert [p[2] for p in played(m, np.tile(m.means[2] * m.scale + m.centre, (3, 1)))] == [0.0, 0.0, 0.0]


def test_two_states_by_hand() -> None:
    """Unit normals at −1 and 1: the likelihood ratio of x is e^(2x); a chain that stays with 0.9.

    x = ½: 1/(1 + e⁻¹) for the upper. Then 0.9·p + 0.1·(1 − p) before the second row, and again e^(2x).
    """
    m = mixture(
        centre=[0.0],
        scale=[1.0],
        weights=[0.5, 0.5],
        means=[[-1.0], [1.0]],
        precisions=[[[1.0]], [[1.0]]],
        log_dets=[0.0, 0.0],
        transition=[[0.9, 0.1], [0.1, 0.9]],
    )
    first = 1.0 / (1.0 + math.exp(-1.0))
    prior = 0.9 * first + 0.1 * (1.0 - first)
    second = prior / (prior + (1.0 - prior) * math.exp(2.0 * 0.25))
    found = played(m, np.array([[0.5], [-0.25]]))
    assert found[0].tolist() == pytest.approx([1.0 - first, first])
    assert found[1].tolist() == pytest.approx([1.0 - second, second])


GOOD: dict[str, Any] = {
    "centre": [0.0],
    "scale": [1.0],
    "weights": [0.5, 0.5],
    "means": [[-1.0], [1.0]],
    "precisions": [[[1.0]], [[1.0]]],
    "log_dets": [0.0, 0.0],
    "transition": [[0.5, 0.5], [0.5, 0.5]],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights", [0.5, 0.4]),
        ("weights", [0.5, math.nan]),
        ("weights", [1.0]),
        ("scale", [0.0]),
        ("scale", [1.0, 1.0]),
        ("means", [0.0, 1.0]),
        ("transition", [[0.5, 0.4], [0.5, 0.5]]),
        ("precisions", [[1.0], [1.0]]),
        ("log_dets", [0.0]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name: str, value: list[float]) -> None:
    mixture(**GOOD)
    with pytest.raises(ValueError):
        mixture(**{**GOOD, name: value})


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.sampled_from("abc")), max_size=6))
def test_names_keep_the_whole_probability(pairs: list[tuple[float, str]]) -> None:
    posterior, labels = [p for p, _ in pairs], [label for _, label in pairs]
    found = by_label(posterior, labels)
    assert list(found) == list(dict.fromkeys(labels))
    assert math.fsum(found.values()) == pytest.approx(math.fsum(posterior))
    for label, p in found.items():
        assert p == pytest.approx(math.fsum(q for q, other in pairs if other == label))


def test_as_many_names_as_components() -> None:
    with pytest.raises(ValueError):
        by_label([0.5, 0.5], ["calm"])


@given(SEEDS, st.integers(1, 5), st.integers(1, 5))
def test_the_match_has_the_least_distance_of_all(seed: int, old: int, new: int) -> None:
    rng = np.random.default_rng(seed)
    previous, means = rng.normal(size=(old, 2)), rng.normal(size=(new, 2))
    found = match(previous, means)
    taken = [column for column in found if column >= 0]
    assert len(taken) == len(set(taken)) == min(old, new)

    def cost(pairs: list[tuple[int, int]]) -> float:
        return math.fsum(float(((previous[i] - means[j]) ** 2).sum()) for i, j in pairs)

    few = min(old, new)
    best = min(
        cost(list(zip(rows, columns, strict=True)))
        for rows in itertools.combinations(range(old), few)
        for columns in itertools.permutations(range(new), few)
    )
    assert cost([(i, j) for i, j in enumerate(found) if j >= 0]) == pytest.approx(best)


@given(st.permutations(range(4)))
def test_a_match_undoes_a_change_of_order(order: list[int]) -> None:
    means = np.array([[0.0, 0.0], [5.0, 1.0], [-3.0, 2.0], [1.0, 9.0]])
    assert [means[order][j].tolist() for j in match(means, means[order])] == means.tolist()

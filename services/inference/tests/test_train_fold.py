"""One fold end to end: nothing sees its future, a planted leak is found, equal seeds give equal bytes."""

import dataclasses

import numpy as np
import pytest
import torch

from contango_common.domain.errors import UserError
from contango_inference.mamba.net import Network
from contango_inference.mamba.shape import Shape
from contango_inference.models.answer import answer_of, log_ratios_of
from contango_inference.models.weights import weights_bytes
from contango_inference.models.window import window_of
from contango_inference.params import InferenceParams
from contango_inference.train import baselines
from contango_inference.train.evaluate import judged_direction, judged_variance
from contango_inference.train.fitting import _raw, fitted, forecasts, rows_of
from contango_inference.train.loop import log_ratios
from contango_inference.train.rows import Sessions, data_of, normalised_by, windows_at
from contango_inference.train.settings import Choice, Learning, TrainSettings, Walking
from contango_inference.train.splits import folds_of
from contango_inference.train.verdict import verdicts_of
from contango_inference.train.walk import walked

S = TrainSettings(
    features=(Choice(name="r"), Choice(name="vol", log=True)),
    anchor="vol",
    context=4,
    inference=InferenceParams(horizons_sessions=(1, 5), levels=(0.1, 0.5, 0.9), min_days=120),
    shape=Shape(layers=1, d_model=8, d_state=4, headdim=4, chunk=4),
    learning=Learning(epochs=4, patience=2, batch=64),
    walking=Walking(first_sessions=260, test_sessions=120, embargo_sessions=2, validation_share=0.25),
    seeds=(3,),
)
DAY_NS = 86_400_000_000_000


def sessions(n, seed=0):
    """A random walk whose volatility wanders: returns, and the last ten sessions' volatility, as features."""
    rng = np.random.default_rng(seed)
    sigma = 0.01 * np.exp(0.5 * np.sin(np.arange(n) / 30.0 + seed) + 0.1 * rng.normal(size=n))
    r = sigma * rng.normal(size=n)
    close = 100.0 * np.exp(np.cumsum(r))
    open_ = np.concatenate([[100.0], close[:-1]])
    reach = np.exp(0.5 * sigma * np.abs(rng.normal(size=n)) + 1e-4)
    bars = np.column_stack([open_, np.maximum(open_, close) * reach, np.minimum(open_, close) / reach, close])
    vol = np.full(n, np.nan)
    vol[10:] = [np.sqrt(252 * np.mean(r[t - 9 : t + 1] ** 2)) for t in range(10, n)]
    ts_ns = (np.arange(n) + 1) * DAY_NS
    dates = np.datetime_as_string((ts_ns - 1).astype("datetime64[ns]"), unit="D")
    numbers = np.array([int(date.replace("-", "")) for date in dates])
    return Sessions(numbers, ts_ns, bars, {"r": r, "vol": vol})


def spliced(before, after, cut):
    """``before`` up to and with session ``cut``, then ``after``, the prices going on from there."""
    step = before.bars[cut, 3] / after.bars[cut, 3]
    return Sessions(
        before.dates,
        before.ts_ns,
        np.concatenate([before.bars[: cut + 1], after.bars[cut + 1 :] * step]),
        {k: np.concatenate([before.values[k][: cut + 1], after.values[k][cut + 1 :]]) for k in before.values},
    )


def models_of(data, folds):
    return {(3, fold.number): fitted(data, fold, S, 3) for fold in folds}


@pytest.fixture(scope="module")
def world():
    data = data_of(sessions(640), S)
    folds = folds_of(data.first, 640, S.longest, S.walking)
    return data, folds, models_of(data, folds)


def test_other_data_after_a_session_changes_no_forecast_until_then(world):
    """The whole of it: features, targets, normalisation, training, calibration, both baselines and the base rate."""
    data, folds, models = world
    cut = folds[1].test.start + 40
    other = data_of(spliced(data.sessions, sessions(640, seed=9), cut), S)
    one, two = walked(data, folds, models, S), walked(other, folds, models_of(other, folds), S)
    for name in ("persistence", "har", "shares", "shares_by_volatility", "anchor"):
        a, b = getattr(one, name)[one.rows <= cut], getattr(two, name)[two.rows <= cut]
        np.testing.assert_array_equal(a, b)
        assert len(a) > 150
    for a, b in ((one.network[0].ratios, two.network[0].ratios), (one.network[0].prob, two.network[0].prob)):
        np.testing.assert_array_equal(a[one.rows <= cut], b[two.rows <= cut])
        assert not np.array_equal(a[one.rows > cut][:20], b[two.rows > cut][:20])


def test_a_planted_leak_is_found(world):
    """A feature that knows tomorrow earns at once; without it a random walk's direction earns nothing."""
    data, folds, models = world
    honest = judged_direction(walked(data, folds, models, S), S)
    assert not honest.skills["base_rate"].earns
    leaking = dataclasses.replace(data.sessions, values={**data.sessions.values})
    leaking.values["r"] = np.append(data.sessions.values["r"][1:], 0.0)
    s = S.model_copy(update={"learning": Learning(epochs=25, patience=8, batch=32, rate=5e-3, direction_weight=1.0)})
    leaked = data_of(leaking, s)
    found = judged_direction(walked(leaked, folds, {(3, f.number): fitted(leaked, f, s, 3) for f in folds}, s), s)
    assert found.skills["base_rate"].skill > 0.3
    assert found.skills["base_rate"].earns
    assert verdicts_of({"direction": found})[0].weight > 0.0


def test_normalisation_looks_at_training_rows_alone(world):
    data, folds, models = world
    last = data.windows[rows_of(data, folds[0].train), -1, :]
    features = models[3, 0].features
    assert [f.mean for f in features] == pytest.approx(last.mean(axis=0).tolist())
    assert [f.scale for f in features] == pytest.approx(last.std(axis=0).tolist())
    z = (last - last.mean(axis=0)) / last.std(axis=0)
    assert features[0].edges[4] == pytest.approx(float(np.median(z[:, 0])))


def test_equal_seeds_give_equal_bytes_and_others_do_not(world):
    data, folds, models = world
    again, other = fitted(data, folds[0], S, 3), fitted(data, folds[0], S, 4)
    assert weights_bytes(again.weights) == weights_bytes(models[3, 0].weights)
    assert again.calibration == models[3, 0].calibration
    assert weights_bytes(other.weights) != weights_bytes(again.weights)


def test_training_leaves_torch_as_it_was(world):
    data, folds, _ = world
    torch.manual_seed(77)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    fitted(data, folds[0], S, 3)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_learning_lowers_the_loss(world):
    _, _, models = world
    curve = models[3, 1].curve
    assert min(judged for _, judged in curve) <= curve[0][1]
    assert curve[models[3, 1].best][1] == min(judged for _, judged in curve)


def test_windows_are_those_that_a_session_is_given(world):
    data, _, models = world
    model = models[3, 0]
    contract = S.contract(model.features)
    rows = np.array([200, 333, 500])
    windows = windows_at(data, rows, model.features, S.clip)
    for i, row in enumerate(rows.tolist()):
        told = [{k: float(v[t]) for k, v in data.sessions.values.items()} for t in range(row - 3, row + 1)]
        window = window_of(told, contract)
        np.testing.assert_allclose(windows[i], window.values, atol=1e-6)
        assert window.anchor_annual == data.anchor[row]


def test_forecasts_are_those_that_the_oracle_would_answer(world):
    data, _, models = world
    model, rows = models[3, 1], np.array([300, 410, 520])
    found = forecasts(model, data, rows, S)
    raw = _raw(data, rows, model.features, model.weights, S)
    for i, row in enumerate(rows.tolist()):
        answer = answer_of(raw[i], float(data.anchor[row]), S.contract(model.features), model.calibration)
        assert answer.prob == pytest.approx(found.prob[i])
        np.testing.assert_allclose(answer.variance, np.exp(found.ratios[i]) * data.anchor[row] ** 2, rtol=1e-9)


def test_the_loop_reads_quantiles_as_the_answer_does():
    raw = np.random.default_rng(1).normal(size=(5, 3 + 2 * 3)).astype(np.float32)
    ours = log_ratios(torch.from_numpy(raw), 2, 3).numpy()
    np.testing.assert_allclose(ours, log_ratios_of(raw, S.contract(())), rtol=1e-5, atol=1e-6)


def test_weights_fit_the_manifests_sizes(world):
    _, _, models = world
    wanted = S.shape.tensors(2, S.contract(()).outputs)
    assert {name: w.shape for name, w in models[3, 0].weights.items()} == wanted
    assert set(Network(S.shape, 2, S.contract(()).outputs).state_dict()) == set(wanted)


def test_the_network_begins_at_the_pasts_own_quantiles(world):
    """Before any step its answers are about the quantiles of the training rows, whatever the window."""
    data, folds, _ = world
    lazy = S.model_copy(update={"learning": Learning(epochs=1, rate=1e-12, decay=0.0)})
    model = fitted(data, folds[1], lazy, 3)
    rows = rows_of(data, folds[1].train)
    raw = _raw(data, rows, model.features, model.weights, lazy)
    said = log_ratios_of(raw, lazy.contract(model.features)).mean(axis=0)
    came = np.quantile(data.targets.ratios[rows], lazy.inference.levels, axis=0).T
    np.testing.assert_allclose(said, came, atol=0.3)


def test_the_baselines_are_defined_wherever_a_test_is(world):
    data, folds, _ = world
    rows = np.concatenate([rows_of(data, fold.test) for fold in folds])
    for found in (baselines.persistence(data, rows, S.inference), baselines.har(data, rows, S.inference)):
        assert np.isfinite(found).all()
        assert (np.diff(found, axis=2) >= 0.0).all()
    by_volatility = baselines.shares_by_volatility(data, rows, S.inference)
    np.testing.assert_allclose(baselines.shares(data, rows).sum(axis=1), 1.0)
    np.testing.assert_allclose(by_volatility.sum(axis=1), 1.0)
    assert len(np.unique(by_volatility[:20], axis=0)) > 1


def test_a_constant_or_unknown_or_infinite_feature_is_one_clear_line():
    told = sessions(640)
    flat = dataclasses.replace(told, values={**told.values, "r": np.zeros(640)})
    data = data_of(flat, S)
    with pytest.raises(UserError, match="feature r never moves"):
        normalised_by(data, np.arange(100, 200), S)
    with pytest.raises(UserError, match="feature 'r' is in no feature row; there are: vol"):
        data_of(dataclasses.replace(told, values={"vol": told.values["vol"]}), S)
    broken = told.values["r"].copy()
    broken[50] = np.inf
    with pytest.raises(UserError, match="feature r is not finite on 19700220"):
        data_of(dataclasses.replace(told, values={**told.values, "r": broken}), S)
    with pytest.raises(UserError, match="feature r has no value"):
        data_of(dataclasses.replace(told, values={**told.values, "r": np.full(640, np.nan)}), S)


def test_too_little_history_is_one_clear_line():
    with pytest.raises(UserError, match="300 sessions, 380 are needed"):
        data_of(sessions(300), S)


def test_what_does_not_beat_the_better_baseline_earns_nothing(world):
    """The network's place taken by the HAR model itself: equal losses earn no weight, worse ones none either."""
    data, folds, models = world
    walk = walked(data, folds, models, S)
    same = dataclasses.replace(walk, network=(dataclasses.replace(walk.network[0], ratios=walk.har),))
    worse = dataclasses.replace(walk, network=(dataclasses.replace(walk.network[0], ratios=walk.har + 3.0),))
    for each in (same, worse):
        judged = judged_variance(each, S)
        verdict = verdicts_of({"variance": judged})[0]
        assert verdict.weight == 0.0
        assert verdict.baseline == judged.better

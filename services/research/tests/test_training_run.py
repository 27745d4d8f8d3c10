"""A whole training on a small world: one folder or none, the same bytes after a kill, and one line for bad input."""

import json
import re

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import contango_research.training.run as run_module
from contango_common.domain.errors import UserError
from contango_inference.mamba.shape import Shape
from contango_inference.models.loaded import loaded
from contango_inference.params import InferenceParams
from contango_inference.registry.store import Registry
from contango_inference.train.rows import Sessions
from contango_inference.train.settings import Choice, Learning, TrainSettings, Walking
from contango_research.cli.train import train
from contango_research.training.checkpoints import Checkpoints, key_of
from contango_research.training.config import load_config
from contango_research.training.dataset import Source
from contango_research.training.lineage import midnight_ns
from contango_research.training.run import train_to

S = TrainSettings(
    features=(Choice(name="r"), Choice(name="vol", log=True)),
    anchor="vol",
    context=4,
    inference=InferenceParams(horizons_sessions=(1, 5), levels=(0.1, 0.5, 0.9), min_days=120),
    shape=Shape(layers=1, d_model=8, d_state=4, headdim=4, chunk=4),
    learning=Learning(epochs=2, patience=1, batch=64),
    walking=Walking(first_sessions=260, test_sessions=120, embargo_sessions=2, validation_share=0.25),
    seeds=(1, 2),
)
DAY_NS = 86_400_000_000_000
DAYS = 14_000  # a May of 2008


def sessions(n=500, seed=0):
    """A random walk with two features of its own."""
    rng = np.random.default_rng(seed)
    r = 0.01 * rng.normal(size=n)
    close = 100.0 * np.exp(np.cumsum(r))
    open_ = np.concatenate([[100.0], close[:-1]])
    bars = np.column_stack([open_, np.maximum(open_, close) * 1.004, np.minimum(open_, close) / 1.004, close])
    vol = np.full(n, np.nan)
    vol[10:] = [np.sqrt(252 * np.mean(r[t - 9 : t + 1] ** 2)) for t in range(10, n)]
    days = np.arange(DAYS, DAYS + n)
    dates = np.array([int(str(np.datetime64(int(day), "D")).replace("-", "")) for day in days])
    return Sessions(dates, (days + 1) * DAY_NS, bars, {"r": r, "vol": vol})


SOURCE = Source("WALK", sessions(), ("a random walk",))


def go(out, **changes):
    arguments = {"name": "walk", "source": SOURCE, "s": S, "earns_from": None, "resume": False, **changes}
    return train_to(out, arguments.pop("name"), arguments.pop("source"), arguments.pop("s"), **arguments)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("models")
    path, manifest, found = go(out)
    return out, path, manifest, found


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_training_is_one_whole_folder(trained):
    out, path, manifest, _ = trained
    assert sorted(contents(path)) == ["manifest.json", "metrics.json", "report.html", "weights.safetensors"]
    assert path == out / "walk" / manifest.version[:16]
    assert [p.name for p in out.iterdir()] == ["walk"]  # no folds and no half folder are left
    model = Registry(out).load("walk")
    assert model.manifest == manifest
    assert loaded((path / "manifest.json").read_bytes(), (path / "weights.safetensors").read_bytes(), "there")


def test_the_manifest_says_when_it_may_earn_and_what_it_learned(trained):
    _, _, manifest, found = trained
    dates = SOURCE.sessions.dates
    assert manifest.lineage.trained_until == dates[-1]
    assert manifest.lineage.earns_from_ns == midnight_ns(20090913)  # the day after the last session
    assert manifest.lineage.earns_from_ns >= SOURCE.sessions.ts_ns[-1]
    assert [v.target for v in manifest.verdicts] == ["direction", "variance"]
    assert manifest.lineage.rows == found.shipped.rows
    assert manifest.weight("variance", "WALK", manifest.lineage.earns_from_ns - 1) == 0.0


def test_a_training_killed_after_any_fold_ends_with_the_same_bytes(tmp_path, trained, monkeypatch):
    _, path, _, found = trained
    jobs = len(S.seeds) * len(found.folds) + 1
    real = run_module.fitted
    for alive in range(jobs):
        done = []

        def dies(*arguments, _done=done, _alive=alive):
            if len(_done) == _alive:
                raise KeyboardInterrupt
            _done.append(1)
            return real(*arguments)

        out = tmp_path / f"{alive}"
        monkeypatch.setattr(run_module, "fitted", dies)
        with pytest.raises(KeyboardInterrupt):
            go(out)
        assert not (out / "walk").exists()
        monkeypatch.setattr(run_module, "fitted", real)
        again, _, _ = go(out, resume=True)
        assert contents(again) == contents(path)


def test_folds_that_are_there_are_not_trained_again(tmp_path, trained, monkeypatch):
    _, path, _, found = trained
    keep = Checkpoints(tmp_path / ".walk.folds", key_of(SOURCE.sessions, S))
    keep.open(resume=False)
    for (seed, number), model in found.models.items():
        keep.keep(f"seed{seed}-fold{number:02d}", model)
    monkeypatch.setattr(run_module, "fitted", None)
    again, _, _ = go(tmp_path, resume=True)
    assert contents(again) == contents(path)


def test_a_torn_fold_is_trained_again(tmp_path, trained):
    _, _, _, found = trained
    keep = Checkpoints(tmp_path, "key")
    keep.open(resume=False)
    model = found.models[1, 0]
    keep.keep("fold", model)
    kept = keep.find("fold")
    assert kept is not None
    assert (kept.features, kept.calibration, kept.curve, kept.rows) == (
        model.features,
        model.calibration,
        model.curve,
        model.rows,
    )
    whole = (tmp_path / "fold.safetensors").read_bytes()
    (tmp_path / "fold.safetensors").write_bytes(whole[:-4])
    assert keep.find("fold") is None
    (tmp_path / "fold.json").write_bytes(b"{")
    assert keep.find("fold") is None


def test_resuming_with_other_data_or_settings_is_refused(tmp_path, trained):
    keep = Checkpoints(tmp_path / ".walk.folds", "another")
    keep.open(resume=False)
    with pytest.raises(UserError, match="of other data or settings: train without --resume"):
        go(tmp_path, resume=True)
    other = S.model_copy(update={"clip": 7.0})
    assert key_of(SOURCE.sessions, S) != key_of(SOURCE.sessions, other)
    assert key_of(SOURCE.sessions, S) != key_of(sessions(seed=1), S)


def test_the_report_stands_alone_and_says_the_verdict_first(trained):
    _, path, manifest, _ = trained
    page = (path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="(?!#)', page)  # nothing is fetched
    assert "nan" not in re.sub(r"<[^>]*>", " ", page).lower().split()
    first = page.index('<section id="verdict">')
    assert all(
        first < page.index(f'<section id="{name}">') for name in ("skill", "horizons", "calibration", "learning")
    )
    assert f"{manifest.name} {manifest.version[:16]}" in page


def test_metrics_are_json_with_every_fold(trained):
    _, path, _, found = trained
    metrics = json.loads((path / "metrics.json").read_bytes())
    assert len(metrics["folds"]) == len(found.models)
    assert set(metrics["variance"]["skills"]) == {"har", "persistence", "pool"}
    assert [row["horizon"] for row in metrics["variance"]["by_horizon"]] == [1, 5]
    below = metrics["variance"]["by_horizon"][0]["below"]["network"]
    assert below == sorted(below)


def test_a_date_inside_the_training_may_not_earn(tmp_path):
    with pytest.raises(UserError, match="--earns-from 2009-09-12: the model learns until 2009-09-12"):
        go(tmp_path, earns_from=20090912)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contxt: 8\n", "contxt"),
        ("walking: {first_sessions: 1}\n", "walking.first_sessions = 1"),
        ("anchor: [\n", "not valid YAML"),
        ("- 1\n", "holds a list"),
        ("features: [{name: a}, {name: a}]\n", "named twice"),
        ("learning: {rate: .nan}\n", "learning.rate"),
    ],
)
def test_a_bad_setting_is_one_clear_line(tmp_path, text, said):
    path = tmp_path / "train.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=re.escape(said)) as error:
        load_config(path)
    assert "\n" not in str(error.value)


def test_settings_come_from_the_file(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("context: 4\nshape: {}\nsignals: {bank: {rsi: 9}}\n")
    found = load_config(path)
    assert (found.context, found.shape, found.signals.bank.rsi) == (4, Shape(), 9)
    assert found.settings() == TrainSettings(context=4, shape=Shape())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "either --catalog or --log"),
        (["--catalog", "a", "--log", "b"], "either --catalog or --log"),
        (["--catalog", "nowhere"], "no catalog at nowhere"),
        (["--log", "nowhere"], r"has no log.jsonl.gz"),
        (["--catalog", "a", "--name", "Index Daily"], "--name 'Index Daily'"),
        (["--catalog", "a", "--from", "2015-02-30"], "--from '2015-02-30' is no date"),
        (["--catalog", "a", "--from", "2015-02-03", "--until", "2014-01-01"], "--from 2015-02-03 is after --until"),
    ],
)
def test_bad_arguments_are_one_line_and_nothing_is_written(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(train)
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, UserError)
    assert said in str(done.exception)
    assert not list(tmp_path.iterdir())

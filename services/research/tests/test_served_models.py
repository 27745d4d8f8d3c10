"""Which models are asked: registry and backend from the settings, and `contango models` on the terminal."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from contango_common.domain.errors import UserError
from contango_common.edge.metrics import Metrics
from contango_common.edge.settings import Settings
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.backends.torch import TorchBackend
from contango_inference.backends.triton import TritonBackend
from contango_inference.models.loaded import Loaded
from contango_inference.registry.store import Registry, shipped
from contango_inference.triton.made import made_windows
from contango_research.cli.app import app
from contango_research.metered import Metered
from contango_research.served import backend_of, models_of, shipped_models, why_not_served
from support.toy_model import made


def test_the_shipped_model_is_whole_small_and_says_what_it_has_earned() -> None:
    model = shipped_models().find("index_daily")
    assert isinstance(model, Loaded)
    m = model.manifest
    assert {verdict.target for verdict in m.verdicts} == {"variance", "direction"}
    assert all(verdict.reason for verdict in m.verdicts)
    assert m.lineage.trained_until <= 20151231
    assert m.lineage.earns_from_ns >= 1_451_865_600_000_000_000  # 2016-01-04
    assert m.contract.symbols == ("SPX",)
    assert sum(path.stat().st_size for path in shipped().rglob("*") if path.is_file()) < 300_000
    window = made_windows(model, 1, 1)[0]
    assert not isinstance(shipped_models().ask(model, window), str)


@pytest.mark.parametrize(
    ("name", "kind"), [("numpy", NumpyBackend), ("torch", TorchBackend), ("triton", TritonBackend)]
)
def test_the_backend_is_the_one_that_the_settings_name(name: str, kind: type) -> None:
    backend = backend_of(Settings(inference_backend=name))
    try:
        assert isinstance(backend, kind)
        assert name == backend.NAME
    finally:
        backend.close()


def test_a_model_that_is_not_there_is_a_reason_without_a_path(tmp_path: Path) -> None:
    models = models_of(Settings(models_dir=tmp_path))
    assert models.find("nobody") == "model nobody is not in the registry, or not whole"
    assert str(tmp_path) not in str(models.find("index_daily@zzzz"))
    assert "no model is called 'nobody'" in (why_not_served(Settings(models_dir=tmp_path), "nobody", "a" * 64) or "")


def test_one_that_comes_later_is_found(tmp_path: Path) -> None:
    models = models_of(Settings(models_dir=tmp_path))
    assert isinstance(models.find("toy"), str)
    Registry(tmp_path).add(*made(1))
    assert not isinstance(models.find("toy"), str)


def test_answers_and_absences_are_counted() -> None:
    metrics, model = Metrics(), shipped_models().find("index_daily")
    assert isinstance(model, Loaded)
    backend = Metered(NumpyBackend(), metrics)
    windows = made_windows(model, 1, 2)
    backend.run(model, windows)
    backend.run(model, windows[:, :-1])
    assert metrics.value("contango_inference_seconds_count", backend="numpy") == 2.0
    assert metrics.value("contango_inference_absences_total", backend="numpy") == 1.0
    assert metrics.value("contango_inference_queue", backend="numpy") == 0.0


def test_models_on_the_terminal(tmp_path: Path) -> None:
    first, second = made(1), made(2)
    registry = Registry(tmp_path)
    registry.add(*first)
    registry.add(*second)
    run = CliRunner()

    def said(*words: str) -> str:
        result = run.invoke(app, ["models", *words, "--models", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result.output

    assert "variance_skill: 0.03" in said("promote", f"toy@{first[0].version}", "--reason", "first")
    said("promote", f"toy@{second[0].version[:8]}", "--reason", "better")
    assert first[0].version[:16] in said("rollback", "toy", "--reason", "drift")
    assert '"name": "toy"' in said("show", "toy")
    assert registry.champion("toy") == first[0].version
    result = run.invoke(app, ["models", "promote", "toy@zz", "--reason", "x", "--models", str(tmp_path)])
    assert isinstance(result.exception, UserError)

"""The benchmark of training gives its one figure."""

from contango_research.bench import training
from contango_research.bench.setting import Setting


def test_the_figure_is_a_median_of_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "ROWS", 128)
    said = []
    setting = Setting(tmp_path, tmp_path, 3, None, said.append, lambda done, total: None)
    (found,) = training.measure(setting)
    assert found.name == "train_windows_per_s"
    assert len(found.samples) == 3
    assert min(found.samples) <= found.value <= max(found.samples)
    assert said == ["training: 2 passes over 128 windows of 8 rows"]

"""Benchmarks' table, names, JSON and memory readings: shape and correctness, never time."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contango_common.domain.errors import UserError
from contango_common.runtime.log import Message
from contango_research.bench import backtest, lockstep, run
from contango_research.bench.bus_rates import BusRates
from contango_research.bench.lockstep import LockStepRun
from contango_research.bench.memory import parse_peak, peak_mb
from contango_research.bench.registry import BENCHMARKS, Benchmark, chosen, wanted
from contango_research.bench.result import Result, middle, spread
from contango_research.bench.screen import results_table
from contango_research.bench.setting import Setting

KEYS = ["name", "value", "unit", "beside", "beside_value", "ratio", "bound_by"]
PROMISED = [
    "engine_bars_per_s",
    "backtest_demo_s",
    "backtest_frames_per_s",
    "lockstep_frames_per_s",
    "lockstep_messages_per_frame",
    "seconds_per_10k_bars",
    "recorder_rows_per_s",
    "rss_mb.signals",
]
positive = st.floats(1e-6, 1e12)


@given(positive, positive)
def test_the_json_has_the_promised_keys_and_its_ratio(value: float, beside: float) -> None:
    row = Result("x", value, "s", "peer", beside).as_json()
    assert list(row) == KEYS
    assert row["ratio"] == pytest.approx(value / beside, rel=1e-4)
    alone = Result("x", value, "s").as_json()
    assert [alone[key] for key in KEYS[3:]] == [None] * 4


@given(st.lists(positive, min_size=1, max_size=9))
def test_the_median_lies_inside_the_spread(samples: list[float]) -> None:
    assert min(samples) <= middle(samples) <= max(samples)
    assert bool(spread(tuple(samples))) == (len(samples) > 1)


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_figure_is_given_by_one_benchmark(name: str) -> None:
    assert len(chosen([name])) == 1


def test_no_name_means_all_and_an_unknown_one_lists_the_known() -> None:
    assert chosen([]) == list(BENCHMARKS)
    with pytest.raises(UserError, match=r"'wings'.*engine_bars_per_s.*rss_mb"):
        chosen(["engine_bars_per_s", "wings"])


def test_a_figure_is_wanted_by_its_name_or_by_its_family() -> None:
    assert wanted("rss_mb.risk", "rss_mb")
    assert not wanted("backtest_rss_mb", "rss_mb")
    assert not wanted("engine_bars_per_s", "engine_bars")


def test_figures_are_named_once() -> None:
    figures = [figure for benchmark in BENCHMARKS for figure in benchmark.figures]
    assert len(figures) == len(set(figures))


def fake(monkeypatch: pytest.MonkeyPatch, results: list[Result]) -> list[Setting]:
    """One benchmark that measures nothing; returns the settings it was given."""
    seen: list[Setting] = []

    def measure(self: Benchmark, setting: Setting) -> list[Result]:
        seen.append(setting)
        assert list(setting.work.iterdir()) == []
        return results

    monkeypatch.setattr(Benchmark, "measure", measure)
    return seen


def test_the_file_holds_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(run.PEER_PYTHON, raising=False)
    rows = [Result("engine_bars_per_s", 2.0, "bars/s"), Result("seconds_per_10k_bars", 3.0, "s")]
    seen = fake(monkeypatch, rows)
    run.run_benchmarks(["seconds_per_10k_bars"], tmp_path / "b.json", tmp_path / "none", 2)
    written = json.loads((tmp_path / "b.json").read_text())
    assert [(row["name"], row["value"]) for row in written] == [("seconds_per_10k_bars", 3.0)]
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]
    assert [(setting.runs, setting.peer_python) for setting in seen] == [(2, None)]
    assert not seen[0].work.exists()


def test_bad_input_is_refused_before_anything_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = fake(monkeypatch, [])
    monkeypatch.setenv(run.PEER_PYTHON, str(tmp_path / "nobody"))
    with pytest.raises(UserError, match="nobody is no interpreter"):
        run.run_benchmarks(["engine_bars_per_s"], None, tmp_path, 1)
    monkeypatch.delenv(run.PEER_PYTHON)
    with pytest.raises(UserError, match="--json"):
        run.run_benchmarks(["engine_bars_per_s"], tmp_path / "no" / "b.json", tmp_path, 1)
    assert seen == []


def test_the_table_shows_median_spread_and_remarks() -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    rows = [Result("x_per_s", 1500.0, "x/s", "peer", 500.0, "the clock", (1400.0, 1600.0), "a remark")]
    console.print(results_table(rows))
    text = console.export_text()
    for part in ("1,500", "1,400 … 1,600", "peer: 500", "3.00×", "bound by the clock; a remark"):
        assert part in text


def test_peaks_of_this_process_and_of_one_that_is_gone() -> None:
    assert (peak_mb() or 0) > 5
    assert peak_mb(2**22 + 1) is None
    assert parse_peak("Name:\tx\n") is None


def test_backtest_figures_are_medians() -> None:
    answers = [{"seconds": s, "frames": 100, "events": 300, "rss_mb": 10.0 * s} for s in (1.0, 4.0, 2.0)]
    rows = {result.name: result.value for result in backtest.results(answers)}
    assert rows == {
        "backtest_demo_s": 2.0,
        "backtest_frames_per_s": 50.0,
        "backtest_events_per_s": 150.0,
        "backtest_rss_mb": 20.0,
    }


def test_lockstep_figures_stand_beside_the_bus() -> None:
    runs = [
        LockStepRun(100, 250, 1.0, BusRates(900.0, 400.0), {"risk": 5.0, "nats-server": 2.0}),
        LockStepRun(100, 250, 2.0, BusRates(1100.0, 600.0), {"risk": 7.0}),
    ]
    rows = {result.name: result for result in lockstep.results(runs)}
    assert rows["lockstep_frames_per_s"].value == 75.0
    assert rows["lockstep_frames_per_s"].ratio == 75.0 / 500.0
    assert rows["lockstep_messages_per_frame"].value == 2.5
    assert (rows["rss_mb.risk"].value, rows["rss_mb.nats-server"].value) == (6.0, 2.0)


def test_frames_are_the_messages_of_market_data() -> None:
    subjects = ["log.md", "log.risk", "log.md", "log.reference"]
    assert lockstep.frames_of([Message(i + 1, s, b"") for i, s in enumerate(subjects)]) == 2

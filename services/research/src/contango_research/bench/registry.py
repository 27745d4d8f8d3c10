"""All benchmarks: one line each. Adding one is one file and one line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from contango_common.domain.errors import UserError
from contango_research.bench.result import Result
from contango_research.bench.setting import Setting

Measure = Callable[[Setting], list[Result]]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """``module`` has ``measure(setting)``; a figure that ends in ``.*`` stands for one row a service."""

    module: str
    needs_catalog: bool
    figures: tuple[str, ...]

    def measure(self, setting: Setting) -> list[Result]:
        found = import_module(f"contango_research.bench.{self.module}")
        return cast(Measure, found.measure)(setting)


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark(
        "engine_bars",
        False,
        ("engine_bars_per_s", "engine_bars_per_s_log_off", "engine_bars_per_cpu_s", "seconds_per_10k_bars"),
    ),
    Benchmark(
        "backtest", True, ("backtest_demo_s", "backtest_frames_per_s", "backtest_events_per_s", "backtest_rss_mb")
    ),
    Benchmark("recorder_rows", True, ("recorder_rows_per_s",)),
    Benchmark("quant_pricing", False, ("iv_per_s", "greeks_rows_per_s")),
    Benchmark("quant_american", False, ("american_per_s",)),
    Benchmark("quant_surface", False, ("surface_fit_ms", "smile_fit_ms")),
    Benchmark("bank", False, ("bank_us_per_bar", "bank_batch_s", "bank_vs_talib", "signals_rss_mb")),
    Benchmark("inference", False, ("forecast_ms.*", "forecast_per_s.*", "triton_overhead_ms")),
    Benchmark("direction", False, ("direction_ms",)),
    Benchmark("training", False, ("train_windows_per_s",)),
    Benchmark("lockstep", True, ("lockstep_frames_per_s", "lockstep_messages_per_frame", "rss_mb.*")),
)


def chosen(names: Sequence[str]) -> list[Benchmark]:
    """The benchmarks that yield ``names`` (none: all of them), in the table's order. UserError for an unknown name."""
    for name in names:
        if not any(gives(benchmark, name) for benchmark in BENCHMARKS):
            known = [figure for benchmark in BENCHMARKS for figure in benchmark.figures]
            raise UserError(f"no benchmark is called {name!r}: choose from {', '.join(known)}")
    return [b for b in BENCHMARKS if not names or any(gives(b, name) for name in names)]


def gives(benchmark: Benchmark, name: str) -> bool:
    """Whether ``name`` is one of its figures; ``rss_mb`` alone asks for every service."""
    return any(wanted(figure, name) for figure in benchmark.figures)


def wanted(figure: str, name: str) -> bool:
    """Whether asking for ``name`` asks for ``figure``; either may stand for all services.

    >>> [wanted("rss_mb.risk", name) for name in ("rss_mb", "rss_mb.*", "rss_mb.risk", "rss_mb.signals")]
    [True, True, True, False]
    """
    stem = name.removesuffix(".*")
    return figure in (name, f"{stem}.*") or figure.startswith(f"{stem}.") or _covers(figure, name)


def _covers(figure: str, name: str) -> bool:
    return figure.endswith(".*") and name.startswith(figure[:-1])

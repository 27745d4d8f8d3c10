"""The five-year demo backtest in one process: seconds, frames and events a second, peak memory."""

from typing import Any

from contango_research.bench.child import ask
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

_BOUND = "Python in one thread; see the profile in benchmarks/README.md"


def measure(setting: Setting) -> list[Result]:
    """Every repetition in a fresh process with a block store of its own."""
    answers = []
    for done in range(setting.runs):
        setting.tell(done, setting.runs)
        answers.append(ask("child_backtest", setting.catalog, setting.work / f"blocks{done}"))
    setting.tell(setting.runs, setting.runs)
    return results(answers)


def results(answers: list[dict[str, Any]]) -> list[Result]:
    seconds = tuple(float(a["seconds"]) for a in answers)
    found = [
        _row("backtest_demo_s", "s", seconds),
        _row("backtest_frames_per_s", "frames/s", tuple(a["frames"] / s for a, s in zip(answers, seconds))),
        _row("backtest_events_per_s", "events/s", tuple(a["events"] / s for a, s in zip(answers, seconds))),
    ]
    peaks = tuple(float(a["rss_mb"]) for a in answers if a["rss_mb"] is not None)
    return [*found, _row("backtest_rss_mb", "MB", peaks)] if peaks else found


def _row(name: str, unit: str, samples: tuple[float, ...]) -> Result:
    bound = _BOUND if name.endswith("_s") else None
    return Result(name, middle(samples), unit, bound_by=bound, samples=samples)

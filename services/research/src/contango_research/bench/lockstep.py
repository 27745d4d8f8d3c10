"""Lock-step replay: a year of the demo through every service as a process, over NATS, into PostgreSQL.

Beside it stand the bare rates of the same bus, measured before each repetition.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from contango_common.runtime.log import Message
from contango_market_data.catalog.dates import to_date
from contango_market_data.catalog.store import Catalog
from contango_research.backtest import Period
from contango_research.bench.bus_rates import BusRates, bus_rates
from contango_research.bench.memory import peak_mb
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting
from contango_research.book import Book
from contango_research.fleet import Fleet
from contango_research.replay import run_replay
from contango_signals.params import SignalsParams

SESSIONS = 252
_BOUND = "turns: messages between processes that wait for each other, on shared cores"
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class LockStepRun:
    """``peaks_mb``: largest resident set by service."""

    frames: int
    messages: int
    seconds: float
    bus: BusRates
    peaks_mb: dict[str, float] = field(default_factory=dict)

    @property
    def frames_per_s(self) -> float:
        return self.frames / self.seconds


def measure(setting: Setting, sessions: int = SESSIONS) -> list[Result]:
    catalog, book = Catalog.open(setting.catalog), bench_book()
    book_file = setting.work / "book.yaml"
    book_file.write_text(yaml.safe_dump(book.params()), encoding="utf-8")
    period = first_sessions(catalog, book, sessions)
    runs = []
    for number in range(setting.runs):
        folder = setting.work / f"run{number}"
        tell = _progress(setting, number, period)
        runs.append(_run(catalog, book, book_file, period, folder, tell))
    setting.tell(setting.runs * _PERCENT, setting.runs * _PERCENT)
    return results(runs)


def bench_book() -> Book:
    """The demo's book, with an IV rank that is known after twenty sessions: otherwise a year would see no trade."""
    return Book(name="lockstep", signals=SignalsParams(iv_rank_min_sessions=20))


def first_sessions(catalog: Catalog, book: Book, count: int) -> Period:
    """The catalog's first sessions, without a warm-up of their own."""
    dates = catalog.sessions_of_chains(book.market_data.underlying or "")[:count]
    return Period(dates[0], dates[0], dates[-1])


def _run(
    catalog: Catalog, book: Book, book_file: Path, period: Period, folder: Path, tell: Callable[[int], None]
) -> LockStepRun:
    rates = bus_rates(folder / "bus")
    peaks: dict[str, float] = {}
    done = run_replay(
        catalog, book, book_file, period, folder, progress=tell, meddle=lambda running: note_peaks(running, peaks)
    )
    return LockStepRun(frames_of(done.messages), len(done.messages), done.drive_s, rates, peaks)


def note_peaks(running: Fleet, peaks: dict[str, float]) -> None:
    """Look at every process that runs now. The kernel keeps the peak, so the last look before an end says it all."""
    pids = {name: status.pid for name, status in running.supervisor.status().items()}
    for name, pid in {**pids, "nats-server": running.nats.pid}.items():
        peak = None if pid is None else peak_mb(pid)
        if peak is not None:
            peaks[name] = max(peak, peaks.get(name, 0.0))


def frames_of(messages: list[Message]) -> int:
    return sum(message.subject == "log.md" for message in messages)


def _progress(setting: Setting, number: int, period: Period) -> Callable[[int], None]:
    """Per cent of all repetitions, told by the event time of the last frame."""
    first, last = (to_date(date).toordinal() for date in (period.start, period.end))

    def tell(ts_ns: int) -> None:
        days = ts_ns // 86_400_000_000_000 + 719_163 - first
        part = min(1.0, max(0.0, days / max(1, last - first)))
        setting.tell(round((number + part) * _PERCENT), setting.runs * _PERCENT)

    return tell


def results(runs: list[LockStepRun]) -> list[Result]:
    rates = tuple(run.frames_per_s for run in runs)
    depths = tuple(run.messages / run.frames for run in runs)
    asked = middle(run.bus.requests_per_s for run in runs)
    published = middle(run.bus.publishes_per_s for run in runs)
    note = f"{runs[0].frames:,} frames; request/reply {asked:,.0f}/s, publish-and-wait {published:,.0f}/s"
    found = [
        Result(
            "lockstep_frames_per_s", middle(rates), "frames/s", "publish-and-wait/s", published, _BOUND, rates, note
        ),
        Result("lockstep_messages_per_frame", middle(depths), "messages/frame", samples=depths),
    ]
    for service in sorted({name for run in runs for name in run.peaks_mb}):
        peaks = tuple(run.peaks_mb[service] for run in runs if service in run.peaks_mb)
        found.append(Result(f"rss_mb.{service}", middle(peaks), "MB", samples=peaks))
    return found

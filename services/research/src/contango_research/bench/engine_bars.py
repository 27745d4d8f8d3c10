"""Bars a second of the in-process engine on an EMA cross, beside nautilus_trader on the same bars.

The peer runs twice: as it is configured by default, with a log of what it does, and with that log switched off, which
makes it faster. Ours puts every fact on its log in every run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from contango_common.domain.errors import ContangoError
from contango_research.bench.ema_bars import synthetic_bars
from contango_research.bench.ema_engine import EmaRun, run_ema
from contango_research.bench.peer import HOW_TO_INSTALL, PeerRun, find_peer, run_peer
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

BARS = 200_000
_WARM_UP_BARS = 2_000  # compiled kernels are loaded before anything is measured
_BOUND = "Python in one thread: five folds, events made and validated, encoded, put on the log"


@dataclass(slots=True)
class Runs:
    """Repetitions; ``logging`` and ``silent`` are the peer's, empty where it is not installed."""

    ours: list[EmaRun] = field(default_factory=list)
    logging: list[PeerRun] = field(default_factory=list)
    silent: list[PeerRun] = field(default_factory=list)


def measure(setting: Setting, bars_count: int = BARS) -> list[Result]:
    """Ours and the peer's in turn, so that all meet the same load. ContangoError when their books differ."""
    bars = synthetic_bars(bars_count)
    python = find_peer(setting.peer_python)
    setting.say("beside: nautilus_trader" if python is not None else HOW_TO_INSTALL)
    run_ema(synthetic_bars(_WARM_UP_BARS))
    runs = Runs()
    for done in range(setting.runs):
        setting.tell(done, setting.runs)
        runs.ours.append(run_ema(bars))
        if python is not None:
            runs.logging.append(run_peer(python, bars, setting.work, logging=True))
            runs.silent.append(run_peer(python, bars, setting.work, logging=False))
            for theirs in (runs.logging[-1], runs.silent[-1]):
                check_same(runs.ours[-1], theirs)
    setting.tell(setting.runs, setting.runs)
    return results(runs)


def check_same(ours: EmaRun, theirs: PeerRun) -> None:
    """A speed beside another one means nothing unless both did the same."""
    if (ours.trades, ours.equity_cents) != (theirs.trades, theirs.equity_cents):
        raise ContangoError(
            f"the engine made {ours.trades} trades and {ours.equity_cents / 100:.2f} USD, "
            f"the peer {theirs.trades} and {theirs.equity_cents / 100:.2f} USD on the same bars"
        )


def results(runs: Runs) -> list[Result]:
    """Per wall second, per CPU second (which says the same on a busy machine), and the time of 10,000 bars."""
    last = runs.ours[-1]
    book = f"{last.bars:,} bars, {last.trades:,} trades, final equity {last.equity_cents / 100:,.2f} USD"
    same = ", the same in the peer" if runs.logging else ""
    rates = tuple(run.bars_per_s for run in runs.ours)
    cpu_rates = tuple(run.bars_per_cpu_s for run in runs.ours)
    times = tuple(10_000 / rate for rate in rates)
    usual, silent = "default configuration", "log switched off"
    return [
        Result(
            "engine_bars_per_s",
            middle(rates),
            "bars/s",
            *_beside(runs.logging, usual, lambda run: run.bars_per_s),
            bound_by=_BOUND,
            samples=rates,
            note=book + same,
        ),
        Result(
            "engine_bars_per_s_log_off",
            middle(rates),
            "bars/s",
            *_beside(runs.silent, silent, lambda run: run.bars_per_s),
            samples=rates,
            note="the peer's own log is switched off here; ours is not",
        ),
        Result(
            "engine_bars_per_cpu_s",
            middle(cpu_rates),
            "bars/s",
            *_beside(runs.silent, silent, lambda run: run.bars_per_cpu_s),
            samples=cpu_rates,
        ),
        Result(
            "seconds_per_10k_bars",
            middle(times),
            "s",
            *_beside(runs.logging, usual, lambda run: 10_000 / run.bars_per_s),
            samples=times,
        ),
    ]


def _beside(theirs: list[PeerRun], how: str, figure: Callable[[PeerRun], float]) -> tuple[str | None, float | None]:
    """Name and figure of the peer; None twice where it is not installed."""
    if not theirs:
        return None, None
    return f"nautilus_trader {theirs[0].version}, {how}", middle(figure(run) for run in theirs)

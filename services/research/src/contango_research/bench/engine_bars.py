"""Bars a second of the in-process engine on an EMA cross, beside nautilus_trader on the same bars.

The peer runs with its log switched off, which makes it faster; once more with the log as it is by default for the
remark. Ours writes its log of facts in every run.
"""

from contango_common.domain.errors import ContangoError
from contango_research.bench.ema_bars import synthetic_bars
from contango_research.bench.ema_engine import EmaRun, run_ema
from contango_research.bench.peer import HOW_TO_INSTALL, PeerRun, find_peer, run_peer
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

BARS = 200_000
_WARM_UP_BARS = 2_000  # compiled kernels are loaded before anything is measured
_BOUND = "Python in one thread: five folds, events made and validated, encoded, put on the log"


def measure(setting: Setting, bars_count: int = BARS) -> list[Result]:
    """Ours and the peer's in turn, so that both meet the same load. ContangoError when their books differ."""
    bars = synthetic_bars(bars_count)
    python = find_peer(setting.peer_python)
    setting.say("beside: nautilus_trader" if python is not None else HOW_TO_INSTALL)
    run_ema(synthetic_bars(_WARM_UP_BARS))
    ours: list[EmaRun] = []
    theirs: list[PeerRun] = []
    for done in range(setting.runs):
        setting.tell(done, setting.runs)
        ours.append(run_ema(bars))
        if python is not None:
            theirs.append(run_peer(python, bars, setting.work))
            check_same(ours[-1], theirs[-1])
    setting.tell(setting.runs, setting.runs)
    logging = run_peer(python, bars, setting.work, logging=True) if python is not None else None
    return results(ours, theirs, logging)


def check_same(ours: EmaRun, theirs: PeerRun) -> None:
    """A speed beside another one means nothing unless both did the same."""
    if (ours.trades, ours.equity_cents) != (theirs.trades, theirs.equity_cents):
        raise ContangoError(
            f"the engine made {ours.trades} trades and {ours.equity_cents / 100:.2f} USD, "
            f"the peer {theirs.trades} and {theirs.equity_cents / 100:.2f} USD on the same bars"
        )


def results(ours: list[EmaRun], theirs: list[PeerRun], logging: PeerRun | None) -> list[Result]:
    """Per wall second, per CPU second (which says the same on a busy machine), and the time of 10,000 bars."""
    last = ours[-1]
    book = f"{last.bars:,} bars, {last.trades:,} trades, final equity {last.equity_cents / 100:,.2f} USD"
    note = f"{book}{', the same in the peer' if theirs else ''}"
    if logging is not None:
        note += f"; the peer with its default logging: {logging.bars_per_s:,.0f} bars/s"
    rates = tuple(run.bars_per_s for run in ours)
    peer_rates = [run.bars_per_s for run in theirs]
    cpu_rates = tuple(run.bars_per_cpu_s for run in ours)
    times = tuple(10_000 / rate for rate in rates)
    return [
        _row("engine_bars_per_s", "bars/s", rates, theirs, peer_rates, _BOUND, note),
        _row("engine_bars_per_cpu_s", "bars/s", cpu_rates, theirs, [run.bars_per_cpu_s for run in theirs]),
        _row("seconds_per_10k_bars", "s", times, theirs, [10_000 / rate for rate in peer_rates]),
    ]


def _row(
    name: str,
    unit: str,
    samples: tuple[float, ...],
    theirs: list[PeerRun],
    peer_samples: list[float],
    bound_by: str | None = None,
    note: str | None = None,
) -> Result:
    beside = f"nautilus_trader {theirs[0].version}" if theirs else None
    beside_value = middle(peer_samples) if theirs else None
    return Result(name, middle(samples), unit, beside, beside_value, bound_by, samples, note)

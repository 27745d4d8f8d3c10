"""Speed of the indicator bank: one bar through a symbol's timeframes, a million bars in batch, and beside TA-Lib.

Bars are a random walk with volume, made once. TA-Lib computes the indicators that both have, in its own vectorised C;
the bank computes those and two dozen more in the same pass, one bar at a time.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from contango_common.edge.clock import monotonic_s
from contango_quant.stream import bank
from contango_research.bench.child import ask
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

BARS, STEPS, FRAMES = 1_000_000, 20_000, 4
SEED = 20_240_105
_STEP_BOUND = "one call from Python a timeframe: 38 outputs of 24 kernels each"
_BATCH_BOUND = "one thread; the percentile of the ATR looks at 720 values a bar"
# What both have: name in TA-Lib, its arguments.
_SHARED: tuple[tuple[str, tuple[str, ...], dict[str, int]], ...] = (
    ("EMA", ("close",), {"timeperiod": 10}),
    ("EMA", ("close",), {"timeperiod": 20}),
    ("SMA", ("close",), {"timeperiod": 20}),
    ("SMA", ("close",), {"timeperiod": 200}),
    ("RSI", ("close",), {"timeperiod": 14}),
    ("MACD", ("close",), {}),
    ("BBANDS", ("close",), {"timeperiod": 20}),
    ("ATR", ("high", "low", "close"), {"timeperiod": 14}),
    ("ADX", ("high", "low", "close"), {"timeperiod": 14}),
    ("PLUS_DI", ("high", "low", "close"), {"timeperiod": 14}),
    ("MINUS_DI", ("high", "low", "close"), {"timeperiod": 14}),
    ("STOCH", ("high", "low", "close"), {"fastk_period": 14}),
    ("STOCHRSI", ("close",), {}),
    ("SAR", ("high", "low"), {}),
    ("OBV", ("close", "volume"), {}),
)


def measure(setting: Setting) -> list[Result]:
    """Each figure is the middle of the runs after one that compiles."""
    bars = walk(BARS)
    setting.say(f"bank: {len(bank.OUTPUTS)} outputs, {BARS:,} bars, compiled first")
    out = np.empty((BARS, len(bank.OUTPUTS)))
    _batch({name: column[:100] for name, column in bars.items()}, out[:100])
    runs = max(setting.runs, 3)
    steps = tuple(_steps_us(bars) for _ in range(runs))
    batches = tuple(_timed_s(lambda: _batch(bars, out)) for _ in range(runs))
    return [
        Result("bank_us_per_bar", middle(steps), "µs", bound_by=_STEP_BOUND, samples=steps),
        Result("bank_batch_s", middle(batches), "s", bound_by=_BATCH_BOUND, samples=batches),
        _beside_talib(bars, middle(batches), runs),
        _memory(),
    ]


def walk(rows: int) -> dict[str, Any]:
    """Columns of made bars; equal at every call."""
    rng = np.random.default_rng(SEED)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, rows)))
    open_ = np.concatenate([[100.0], close[:-1]])
    return {
        "open": open_,
        "high": np.maximum(open_, close) * (1.0 + rng.uniform(0.0, 0.001, rows)),
        "low": np.minimum(open_, close) * (1.0 - rng.uniform(0.0, 0.001, rows)),
        "close": close,
        "volume": rng.exponential(1000.0, rows),
        "session": (np.arange(rows) // 78).astype(np.float64),
    }


def _batch(bars: dict[str, Any], out: Any) -> None:
    bank.batch(bank.init(bank.Params()), *bars.values(), out)


def _steps_us(bars: dict[str, Any]) -> float:
    """Microseconds of one bar through all timeframes of a symbol, as a fold steps them: from Python, one by one."""
    states = [bank.init(bank.Params()) for _ in range(FRAMES)]
    out = np.empty(len(bank.OUTPUTS))
    rows = list(zip(*(column[:STEPS].tolist() for column in bars.values()), strict=True))
    began = monotonic_s()
    for row in rows:
        for state in states:
            bank.step(state, *row, out)
    return (monotonic_s() - began) / STEPS * 1e6


def _beside_talib(bars: dict[str, Any], ours_s: float, runs: int) -> Result:
    try:
        import talib
    except ImportError:
        note = "TA-Lib is not installed here: pip install TA-Lib (a test requirement)"
        return Result("bank_vs_talib", ours_s, "s", bound_by=_BATCH_BOUND, note=note)

    def theirs() -> None:
        for name, inputs, arguments in _SHARED:
            getattr(talib, name)(*(bars[i] for i in inputs), **arguments)

    samples = tuple(_timed_s(theirs) for _ in range(runs))
    note = f"TA-Lib: {len(_SHARED)} calls; the bank: {len(bank.OUTPUTS)} outputs, and a state at every bar"
    return Result(
        "bank_vs_talib",
        ours_s,
        "s",
        beside=f"TA-Lib {talib.__version__}",
        beside_value=middle(samples),
        bound_by=_BATCH_BOUND,
        note=note,
    )


def _memory() -> Result:
    """Peak memory of signals alone, in a process of its own: five symbols, four timeframes, seven-day profiles."""
    found = ask("child_signals")
    peak = float(found["rss_mb"]) if found["rss_mb"] is not None else math.nan
    note = "a fresh process that folds 5 symbols of 5-minute bars for 20 days; numba and numpy are most of it"
    return Result("signals_rss_mb", peak, "MB", bound_by="numpy, numba and the compiled kernels", note=note)


def _timed_s(work: Callable[[], None]) -> float:
    began = monotonic_s()
    work()
    return monotonic_s() - began

"""One symbol's indicators on every timeframe: shorter bars become longer ones, each closed bar steps one bank.

Timeframes below the book's bars are not there ("missing"); longer ones are built from closed bars only, aligned to the
session, so that a bar is seen when it has closed and never while it forms. A bar whose bucket lacked some of its parts
(an outage) is taken as it is and counted in ``incomplete``: nothing is filled forward.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from contango_common.domain.arrays import Array
from contango_common.domain.blocks import Block
from contango_common.domain.declare import Section, param
from contango_common.domain.sessions import Sessions
from contango_common.domain.timeframe import Bar, Forming, push
from contango_quant.stream import bank as kernels

SECOND_NS = 1_000_000_000
LENGTH_S = {"5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400}
INTRADAY = ("5m", "15m", "1h", "4h")
DAILY = "1d"
RANK_DAYS = 30
OUTPUTS = kernels.OUTPUTS
INDEX = {name: i for i, name in enumerate(OUTPUTS)}
Floats = npt.NDArray[np.float64]


class BankParams(Section):
    """Windows of the indicators, in bars of each timeframe."""

    ema_fast: int = param(10, "fast exponential average", unit="bars", ge=1, le=10_000)
    ema_slow: int = param(20, "slow exponential average", unit="bars", ge=2, le=10_000)
    sma: int = param(20, "simple average", unit="bars", ge=1, le=10_000)
    sma_long: int = param(200, "long simple average", unit="bars", ge=1, le=10_000)
    rsi: int = param(14, "changes in the relative strength index", unit="bars", ge=1, le=10_000)
    macd_fast: int = param(12, "fast average of the MACD", unit="bars", ge=1, le=10_000)
    macd_slow: int = param(26, "slow average of the MACD", unit="bars", ge=2, le=10_000)
    macd_signal: int = param(9, "signal line of the MACD", unit="bars", ge=1, le=10_000)
    bollinger: int = param(20, "bars in the Bollinger bands", unit="bars", ge=2, le=10_000)
    bollinger_width: float = param(2.0, "half-width of the Bollinger bands", unit="standard deviations", gt=0, le=10)
    atr: int = param(14, "true ranges in the average true range", unit="bars", ge=1, le=10_000)
    atr_rank_window: int = param(
        720, "bars that rank the average true range; of hours at most 30 days', of days a year's", unit="bars", ge=2
    )
    adx: int = param(14, "each smoothing of the directional index", unit="bars", ge=1, le=10_000)
    stochastic: int = param(14, "look-back of the stochastic", unit="bars", ge=1, le=10_000)
    cmf: int = param(20, "Chaikin money flow", unit="bars", ge=1, le=10_000)
    rvol: int = param(20, "volumes that relative volume is against", unit="bars", ge=1, le=10_000)
    vol_window: int = param(20, "returns in the realised volatility", unit="bars", ge=2, le=10_000)
    session_s: int = param(23_400, "trading seconds of a session", unit="seconds", ge=60, le=86_400)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for fast, slow in (("ema_fast", "ema_slow"), ("macd_fast", "macd_slow")):
            if getattr(self, fast) >= getattr(self, slow):
                raise ValueError(f"{fast} < {slow} must hold")
        return self


@dataclass(slots=True)
class Frame:
    """One timeframe: its kernels' record, the values after the last closed bar, and the bar that is forming."""

    record: Array
    values: Array
    bar_ns: int = 0
    bars: int = 0
    incomplete: int = 0
    forming: Forming | None = None


@dataclass(slots=True)
class SymbolBank:
    """The timeframes that there are, shortest first; ``close`` and ``volume`` are of the last closed base bar."""

    frames: dict[str, Frame] = field(default_factory=dict)
    bar_ns: int = 0
    close: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
    closed: list[str] = field(default_factory=list)


def timeframes(base_s: int) -> list[str]:
    """Names of the intraday timeframes that bars of ``base_s`` can give, and the day.

    >>> timeframes(900)
    ['15m', '1h', '4h', '1d']
    """
    return [name for name in INTRADAY if LENGTH_S[name] >= base_s and LENGTH_S[name] % base_s == 0] + [DAILY]


def rank_window(p: BankParams, timeframe: str, sessions_per_year: int) -> int:
    """Bars that rank the average true range: at most those of 30 days where they are hours (720 in a market without
    sessions), at most a year's where they are days.

    >>> rank_window(BankParams(), "1h", 252), rank_window(BankParams(session_s=86_400), "1h", 365)
    (147, 720)
    """
    if timeframe == DAILY:
        return min(p.atr_rank_window, sessions_per_year)
    if timeframe != "1h":
        return p.atr_rank_window
    hours = round(RANK_DAYS * sessions_per_year / 365.25) * -(-p.session_s // 3600)
    return min(p.atr_rank_window, max(2, hours))


def kernel_params(p: BankParams, timeframe: str, sessions_per_year: int) -> kernels.Params:
    """The bank of one timeframe; a year holds its sessions' bars."""
    length_s = LENGTH_S[timeframe]
    per_session = 1.0 if timeframe == DAILY else max(1.0, p.session_s / length_s)
    return kernels.Params(
        ema_fast=p.ema_fast,
        ema_slow=p.ema_slow,
        sma=p.sma,
        sma_long=p.sma_long,
        rsi=p.rsi,
        macd_fast=p.macd_fast,
        macd_slow=p.macd_slow,
        macd_signal=p.macd_signal,
        bollinger=p.bollinger,
        bollinger_width=p.bollinger_width,
        atr=p.atr,
        atr_rank_window=rank_window(p, timeframe, sessions_per_year),
        adx=p.adx,
        stochastic=p.stochastic,
        cmf=p.cmf,
        rvol=p.rvol,
        vol_window=p.vol_window,
        periods_per_year=per_session * sessions_per_year,
    )


def new_bank(p: BankParams, base_s: int, sessions_per_year: int) -> SymbolBank:
    frames = {}
    for name in timeframes(base_s):
        record = kernels.init(kernel_params(p, name, sessions_per_year))
        frames[name] = Frame(record, np.full(len(OUTPUTS), math.nan))
    return SymbolBank(frames)


def with_bar(bank: SymbolBank, bar: Bar, base_s: int, sessions: Sessions | None) -> SymbolBank:
    """The bank after one closed base bar; the old one is untouched.

    A bar that is not newer, or that lies outside every session, changes nothing.
    """
    if bar.ts_ns <= bank.bar_ns or (sessions is not None and sessions.at(bar.ts_ns) is None):
        return bank
    frames, closed = dict(bank.frames), []
    for name, frame in bank.frames.items():
        if name == DAILY:
            continue
        over, forming, lacking = _over(frame, bar, LENGTH_S[name], base_s, sessions)
        if over:
            closed.append(name)
            frames[name] = _stepped(frame, over, sessions, forming, lacking)
        elif forming is not frame.forming:
            frames[name] = replace(frame, forming=forming)
    return SymbolBank(frames, bar.ts_ns, bar.close, bar.high, bar.low, bar.volume, closed)


def with_daily(bank: SymbolBank, bar: Bar) -> SymbolBank:
    """The bank after one closed daily bar."""
    frame = bank.frames[DAILY]
    if bar.ts_ns <= frame.bar_ns:
        return bank
    frames = dict(bank.frames)
    frames[DAILY] = _stepped(frame, [bar], None, None, 0)
    return replace(bank, frames=frames, closed=[*bank.closed, DAILY])


def with_daily_history(bank: SymbolBank, bars: Block) -> tuple[SymbolBank, dict[int, float]]:
    """The bank after daily bars of before, through the very same steps, and the realised volatility after each of them
    that had one; bars already taken in are left out."""
    frame = bank.frames[DAILY]
    rows = np.flatnonzero(np.asarray(bars["ts_ns"]) > frame.bar_ns)
    if not len(rows):
        return bank, {}
    columns = [_column(bars, name, rows) for name in ("open", "high", "low", "close", "volume")]
    record, out = frame.record.copy(), np.empty((len(rows), len(OUTPUTS)))
    sessions = np.asarray(bars["ts_ns"])[rows].astype(np.float64)
    kernels.batch(record, *columns, sessions, out)
    frames = dict(bank.frames)
    instants = np.asarray(bars["ts_ns"])[rows].tolist()
    frames[DAILY] = Frame(record, out[-1].copy(), int(instants[-1]), frame.bars + len(rows))
    realised = zip(instants, out[:, INDEX["realised_vol"]].tolist(), strict=True)
    return replace(bank, frames=frames), {ts_ns: x for ts_ns, x in realised if x == x}


def values_of(bank: SymbolBank, timeframe: str) -> dict[str, float | None]:
    """Outputs of one timeframe by name, None where not ready; empty where the timeframe is missing."""
    frame = bank.frames.get(timeframe)
    if frame is None:
        return {}
    return {name: None if x != x else x for name, x in zip(OUTPUTS, frame.values.tolist(), strict=True)}


def value(bank: SymbolBank, timeframe: str, name: str) -> float | None:
    """One output of one timeframe, None where it is not ready or the timeframe is missing."""
    frame = bank.frames.get(timeframe)
    if frame is None:
        return None
    x = float(frame.values[INDEX[name]])
    return None if x != x else x


def _over(
    frame: Frame, bar: Bar, length_s: int, base_s: int, sessions: Sessions | None
) -> tuple[list[Bar], Forming | None, int]:
    """Bars of this timeframe that are over now, what is forming, and how many of the bars lacked parts."""
    if length_s == base_s:
        return [bar], None, 0
    if sessions is None:
        return [], frame.forming, 0
    forming, closed = push(
        frame.forming, bar, length_ns=length_s * SECOND_NS, source_ns=base_s * SECOND_NS, sessions=sessions
    )
    return [c.bar for c in closed], forming, sum(not c.complete for c in closed)


def _stepped(frame: Frame, bars: list[Bar], sessions: Sessions | None, forming: Forming | None, lacking: int) -> Frame:
    """Each bar belongs to its own session: one that is known to be over only today may be of yesterday."""
    record, values = frame.record.copy(), frame.values.copy()
    for bar in bars:
        volume = math.nan if bar.volume is None else bar.volume
        day = _day(sessions, bar.ts_ns)
        kernels.step(record, bar.open, bar.high, bar.low, bar.close, volume, day, values)
    return Frame(record, values, bars[-1].ts_ns, frame.bars + len(bars), frame.incomplete + lacking, forming)


def _day(sessions: Sessions | None, ts_ns: int) -> float:
    date = None if sessions is None else sessions.local_date(ts_ns)
    return float(ts_ns // 86_400_000_000_000 if date is None else date)


def _column(bars: Block, name: str, rows: npt.NDArray[np.intp]) -> Floats:
    if name not in bars:
        return np.full(len(rows), math.nan)
    return np.ascontiguousarray(bars[name][rows], dtype=np.float64)

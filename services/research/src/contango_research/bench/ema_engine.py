"""The whole house in this process on the EMA cross: every bar through venue, forecast, signals, risk and execution."""

from dataclasses import dataclass
from time import process_time

from contango_common.edge.clock import monotonic_s
from contango_common.runtime.engine import Engine
from contango_research.bench.ema_bars import Cents
from contango_research.bench.ema_inputs import ema_inputs
from contango_research.house import BUILD, participants
from contango_risk.portfolio import equity_micros

_CLOSED = b'"tag":"TradeClosed"'


@dataclass(frozen=True, slots=True)
class EmaRun:
    """``trades`` are closed round trips; ``equity_cents`` is cash and the holding at the last close."""

    bars: int
    seconds: float
    cpu_s: float
    messages: int
    trades: int
    equity_cents: int

    @property
    def bars_per_s(self) -> float:
        return self.bars / self.seconds

    @property
    def bars_per_cpu_s(self) -> float:
        return self.bars / self.cpu_s


def run_ema(bars: Cents) -> EmaRun:
    """Events are made and validated, decided on, encoded and put on the log inside the measured time."""
    engine = Engine(participants({}), BUILD)
    began_s, began_cpu_s = monotonic_s(), process_time()
    for item in ema_inputs(bars):
        engine.take(item)
    seconds, cpu_s = monotonic_s() - began_s, process_time() - began_cpu_s
    log = engine.log.messages
    risk = next(p.state for p in engine.participants if p.name == "risk")
    return EmaRun(
        bars=len(bars),
        seconds=seconds,
        cpu_s=cpu_s,
        messages=len(log),
        trades=sum(m.data.count(_CLOSED) for m in log if m.subject == "log.risk"),
        equity_cents=round(equity_micros(risk.ledger) / 10_000),
    )

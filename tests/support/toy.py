"""Two small folds that answer each other, for tests of the runtime."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.market import Bars
from contango_common.events.signal import ExitSignal, FeatureRow
from contango_common.events.system import ParametersChanged, TradingStarted
from contango_common.runtime.inputs import Input


@dataclass(slots=True)
class SumState:
    total: float = 0.0
    rows: int = 0
    started: bool = False
    seen: list[int] = field(default_factory=list)


def _sum_initial() -> SumState:
    return SumState()


def _sum_bars(state: SumState, event: Bars, at: At) -> None:
    state.total += event.close[0]


def _sum_row(state: SumState, event: FeatureRow, at: At) -> None:
    state.rows += 1


def _sum_started(state: SumState, event: TradingStarted, at: At) -> None:
    state.started = True


def _sum_parameters(state: SumState, event: ParametersChanged, at: At) -> None:
    state.seen.append(at.seq)


def _sum_decide(state: SumState, event: Bars, at: At) -> list[Event]:
    if int(event.close[0]) % 3 == 0:
        return [FeatureRow(symbol="X", values={"total": state.total, "rows": float(state.rows)})]
    return []


@dataclass(slots=True)
class EchoState:
    rows: int = 0
    total: float = 0.0


def _echo_initial() -> EchoState:
    return EchoState()


def _echo_row(state: EchoState, event: FeatureRow, at: At) -> None:
    state.rows += 1
    state.total += event.values["total"] or 0.0


def _echo_exit(state: EchoState, event: ExitSignal, at: At) -> None:
    state.total -= 1.0


def _echo_decide(state: EchoState, event: FeatureRow, at: At) -> list[Event]:
    if state.rows % 2 == 0:
        return [ExitSignal(underlying="X", strategy="toy", why={"total": state.total, "seq": float(at.seq)})]
    return []


SUM = SimpleNamespace(
    NAME="signals",
    READS=frozenset({"log.md", "log.control.*"}),
    initial=_sum_initial,
    EVOLVE={
        Bars: _sum_bars,
        FeatureRow: _sum_row,
        TradingStarted: _sum_started,
        ParametersChanged: _sum_parameters,
    },
    DECIDE={Bars: _sum_decide},
)
ECHO = SimpleNamespace(
    NAME="risk",
    READS=frozenset({"log.signals", "log.md"}),
    initial=_echo_initial,
    EVOLVE={FeatureRow: _echo_row, ExitSignal: _echo_exit},
    DECIDE={FeatureRow: _echo_decide},
)
FOLDS = (SUM, ECHO)
PARAMS = {"toy": 1}
START_NS = 5


def inputs(count: int) -> Iterator[Input]:
    """Bars with the closes 1, 2, 3, …; every third makes SUM speak, every second of those ECHO."""
    for i in range(1, count + 1):
        price = float(i)
        bar = Bars(timeframe_s=60, symbols=("X",), open=(price,), high=(price,), low=(price,), close=(price,))
        yield Input("md", i, f"in:{i}", (bar,))

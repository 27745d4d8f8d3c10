"""The inference oracle: bars and feature rows in, forecasts out. Its answers are facts, never computed twice.

Parts that know nothing of each other, one state each: the variance baseline, the served models, the direction
predictor. A model's outputs come through the port ``Models``, given by whoever puts the service together; what it
answered, or why it did not, is on the log, so that a replay needs no model and no server.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import DirectionForecast, Forecast, ForecastAbsent
from contango_common.events.market import Bars
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ModelPromoted, ModelRolledBack
from contango_inference import variance as har
from contango_inference.models import part as served
from contango_inference.models.port import Models

NAME = "forecast"
READS = frozenset({*har.READS, "log.signals"})

Take = Callable[["State", Any, At], None]
Judge = Callable[["State", Any, At], list[Event]]


@dataclass(slots=True)
class State:
    """One sub-state a part."""

    baseline: har.State = field(default_factory=har.State)
    models: served.ModelsState = field(default_factory=served.ModelsState)


class Oracle:
    """The five names, over a port to models."""

    NAME = NAME
    READS = READS

    def __init__(self, models: Models) -> None:
        self._models = models
        self.EVOLVE: Mapping[type[Event], Take] = {
            **{kind: _of_variance(take) for kind, take in har.EVOLVE.items()},
            FeatureRow: self._row,
            DirectionForecast: _answered,
            Forecast: _forecast,
            ForecastAbsent: _absent,
            ModelPromoted: _promoted,
            ModelRolledBack: _rolled_back,
        }
        self.DECIDE: Mapping[type[Event], Judge] = {Bars: _bars, FeatureRow: self._judge_row}

    def initial(self) -> State:
        return State()

    def _row(self, state: State, event: FeatureRow, at: At) -> None:
        if _wanted(state, event.symbol):
            served.row(state.models, event, state.baseline.params.models, self._models)

    def _judge_row(self, state: State, event: FeatureRow, at: At) -> list[Event]:
        if not _wanted(state, event.symbol):
            return []
        return served.judge(state.models, event, at, state.baseline.params.models, self._models)


def _of_variance(take: Callable[[har.State, Any, At], None]) -> Take:
    return lambda state, event, at: take(state.baseline, event, at)


def _bars(state: State, event: Bars, at: At) -> list[Event]:
    return har.DECIDE[Bars](state.baseline, event, at)


def _wanted(state: State, symbol: str) -> bool:
    return symbol in (state.baseline.params.models.symbols or state.baseline.wanted)


def _answered(state: State, event: DirectionForecast, at: At) -> None:
    served.answered(state.models, event)


def _forecast(state: State, event: Forecast, at: At) -> None:
    har.EVOLVE[Forecast](state.baseline, event, at)


def _absent(state: State, event: ForecastAbsent, at: At) -> None:
    har.EVOLVE[ForecastAbsent](state.baseline, event, at)
    served.absent(state.models, event)


def _promoted(state: State, event: ModelPromoted, at: At) -> None:
    served.promoted(state.models, event)


def _rolled_back(state: State, event: ModelRolledBack, at: At) -> None:
    served.rolled_back(state.models, event)

"""The inference oracle: bars and feature rows in, forecasts out. Its answers are facts, never computed twice.

Parts that know nothing of each other, one state each: the variance baseline, the served models, the watch over what
these said, the direction predictor. A model's outputs come through the port ``Models``, given by whoever puts the
service together; what it answered, or why it did not, is on the log, so that a replay needs no model and no server.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.forecast import (
    DirectionFitted,
    DirectionForecast,
    DriftDetected,
    Forecast,
    ForecastAbsent,
    ForecastScored,
    PredictorSwitched,
)
from contango_common.events.market import Bars
from contango_common.events.signal import FeatureRow
from contango_common.events.system import ModelPromoted, ModelRolledBack, ParametersChanged
from contango_inference import variance
from contango_inference.direction import part as predicting
from contango_inference.models import part as served
from contango_inference.models.loaded import Loaded
from contango_inference.models.port import Models
from contango_inference.monitor import part as watching

NAME = "forecast"
READS = frozenset({*variance.READS, "log.signals"})

Take = Callable[["State", Any, At], None]
Judge = Callable[["State", Any, At], list[Event]]


@dataclass(slots=True)
class State:
    """One sub-state a part."""

    baseline: variance.State = field(default_factory=variance.State)
    models: served.ModelsState = field(default_factory=served.ModelsState)
    watch: watching.WatchState = field(default_factory=watching.WatchState)
    direction: predicting.DirectionState = field(default_factory=predicting.DirectionState)


class Oracle:
    """The five names, over a port to models."""

    NAME = NAME
    READS = READS

    def __init__(self, models: Models) -> None:
        self._models = models
        self.EVOLVE: Mapping[type[Event], Take] = {
            **{kind: _of_baseline(take) for kind, take in variance.EVOLVE.items()},
            ParametersChanged: _parameters,
            FeatureRow: self._row,
            DirectionForecast: _direction,
            Forecast: _forecast,
            ForecastAbsent: _absent,
            ForecastScored: lambda state, event, at: watching.scored(state.watch, event),
            DirectionFitted: lambda state, event, at: predicting.fitted(state.direction, event, at),
            PredictorSwitched: lambda state, event, at: predicting.switched(
                state.direction, event, state.baseline.params.direction
            ),
            DriftDetected: lambda state, event, at: watching.drifted(state.watch, event),
            ModelPromoted: lambda state, event, at: served.promoted(state.models, event),
            ModelRolledBack: lambda state, event, at: served.rolled_back(state.models, event),
        }
        self.DECIDE: Mapping[type[Event], Judge] = {Bars: _bars, FeatureRow: self._judge_row}

    def initial(self) -> State:
        return State()

    def _row(self, state: State, event: FeatureRow, at: At) -> None:
        predicting.row(state.direction, event, at, state.baseline.params.direction)
        if not _wanted(state, event.symbol):
            return
        served.row(state.models, event, state.baseline.params.models, self._models)
        came = variance.last_session(state.baseline, event.symbol)
        watching.row(state.watch, event, came, self._watched(state, event))

    def _judge_row(self, state: State, event: FeatureRow, at: At) -> list[Event]:
        p = state.baseline.params
        facts = predicting.judge(state.direction, event, at, p.direction)
        if _wanted(state, event.symbol):
            facts += watching.judge(state.watch, event)
            facts += served.judge(state.models, event, at, p.models, self._models)
        return facts

    def _watched(self, state: State, event: FeatureRow) -> dict[str, Loaded]:
        asked = served.served(state.models, event, state.baseline.params.models, self._models)
        return {speaker.name: model for speaker, model in asked}


def _of_baseline(take: Callable[[variance.State, Any, At], None]) -> Take:
    return lambda state, event, at: take(state.baseline, event, at)


def _bars(state: State, event: Bars, at: At) -> list[Event]:
    return variance.DECIDE[Bars](state.baseline, event, at)


def _wanted(state: State, symbol: str) -> bool:
    return symbol in (state.baseline.params.models.symbols or state.baseline.wanted)


def _parameters(state: State, event: ParametersChanged, at: At) -> None:
    before = state.baseline.params.direction
    variance.EVOLVE[ParametersChanged](state.baseline, event, at)
    if state.baseline.params.direction != before:
        predicting.begin_anew(state.direction)


def _direction(state: State, event: DirectionForecast, at: At) -> None:
    predicting.predicted(state.direction, event, at)
    served.answered(state.models, event)
    watching.direction(state.watch, event)


def _forecast(state: State, event: Forecast, at: At) -> None:
    variance.EVOLVE[Forecast](state.baseline, event, at)
    watching.variance(state.watch, event)


def _absent(state: State, event: ForecastAbsent, at: At) -> None:
    variance.EVOLVE[ForecastAbsent](state.baseline, event, at)
    served.absent(state.models, event)
    predicting.absent(state.direction, event, at)

"""The baseline's part of the inference oracle: daily bars in, one ``Forecast`` a session out. No I/O, no clock.

Its answers are facts: whoever reads the log later reads them and never computes them again. It forecasts at the
session's close, on the closed daily bar, so that the next session's scan finds the answer there; the first answer comes
on the first bar of the market after the history, so that the first session has one too. The model learns anew at the
close of a month's first session, from what is known then. The fitted coefficients are state, named by ``model_sha``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import ValidationError

from contango_common.domain.at import At
from contango_common.domain.declare import wrong
from contango_common.domain.errors import UserError
from contango_common.events.base import Event
from contango_common.events.forecast import Forecast, ForecastAbsent
from contango_common.events.market import BarHistory, Bars, RootListed
from contango_common.events.system import ParametersChanged
from contango_inference.model import MODEL, Fitted, fit, forecast
from contango_inference.params import InferenceParams
from contango_inference.series import Series, rebuild, take

NAME = "forecast"
READS = frozenset({"log.md", "log.reference", "log.control.*"})
DAY_S = 86_400


@dataclass(slots=True)
class Asset:
    """What is known of one symbol: its sessions, the model in force and the month it was fitted in."""

    series: Series = field(default_factory=Series)
    fitted: Fitted | None = None
    fitted_month: int = 0


@dataclass(slots=True)
class State:
    """``waiting`` are the symbols to forecast that have had no answer yet; ``wanted`` all to forecast, in order."""

    params: InferenceParams = field(default_factory=InferenceParams)
    assets: dict[str, Asset] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def initial() -> State:
    return State()


def _judge_bars(state: State, event: Bars, at: At) -> list[Event]:
    if event.timeframe_s != DAY_S:
        return [_answer(state, symbol) for symbol in state.waiting] if state.waiting else []
    facts = []
    for symbol in state.wanted:
        if symbol in state.waiting or (symbol in event.symbols and _due(state, symbol, at)):
            facts.append(_answer(state, symbol))
    return facts


def _due(state: State, symbol: str, at: At) -> bool:
    """After the first answer a refused bar is told, too little data is not told again, a copy is not answered."""
    asset = state.assets[symbol]
    return asset.series.last_ts_ns == at.ts_ns and (asset.fitted is not None or asset.series.refused is not None)


def _answer(state: State, symbol: str) -> Event:
    asset = state.assets.get(symbol) or Asset()
    series, params = asset.series, state.params
    if series.refused is not None:
        return ForecastAbsent(symbol=symbol, model=MODEL, reason=series.refused)
    if asset.fitted is None:
        return ForecastAbsent(symbol=symbol, model=MODEL, reason=_too_little(series, params))
    return Forecast(
        symbol=symbol,
        model=MODEL,
        model_sha=asset.fitted.sha,
        input_hash=series.input_hash,
        horizons_sessions=tuple(asset.fitted.horizons),
        levels=tuple(asset.fitted.levels),
        variance_quantiles=forecast(asset.fitted, series.variances()),
    )


def _too_little(series: Series, params: InferenceParams) -> str:
    if series.rows < params.min_days:
        return f"{series.rows} daily bars, {params.min_days} are needed"
    return f"{series.rows} daily bars do not determine the model"


def _bars(state: State, event: Bars, at: At) -> None:
    if event.timeframe_s != DAY_S:
        return
    for i, symbol in enumerate(event.symbols):
        bar = (event.open[i], event.high[i], event.low[i], event.close[i])
        asset = state.assets.setdefault(symbol, Asset())
        take(asset.series, at.ts_ns, bar, state.params.estimator, state.params.floor_daily_vol)
        if symbol in state.wanted:
            _learn(asset, state.params)


def _history(state: State, event: BarHistory, at: At) -> None:
    if event.timeframe_s != DAY_S:
        return
    asset = state.assets.setdefault(event.symbol, Asset())
    columns = event.columns()
    prices = zip(*(columns[name].tolist() for name in ("open", "high", "low", "close")), strict=True)
    for ts_ns, bar in zip(columns["ts_ns"].tolist(), prices, strict=True):
        take(asset.series, ts_ns, bar, state.params.estimator, state.params.floor_daily_vol)
    if event.symbol in state.wanted:
        _learn(asset, state.params)


def _root(state: State, event: RootListed, at: At) -> None:
    if not state.params.symbols:
        _want(state, event.underlying)


def _want(state: State, symbol: str) -> None:
    if symbol in state.wanted:
        return
    state.wanted.append(symbol)
    state.waiting.append(symbol)
    if symbol in state.assets:
        _learn(state.assets[symbol], state.params)


def _learn(asset: Asset, params: InferenceParams) -> None:
    """Fit when the newest session is of another month than the last fit's."""
    month = _month(asset.series.last_ts_ns)
    if asset.series.rows < params.min_days or month == asset.fitted_month:
        return
    asset.fitted_month = month
    asset.fitted = fit(asset.series.variances(), asset.series.squared_returns(), params) or asset.fitted


def _month(ts_ns: int) -> int:
    """Months since 1970 (UTC) of a session closed at ``ts_ns``; a close at midnight belongs to the day before."""
    return int(np.datetime64(ts_ns - 1, "ns").astype("datetime64[M]").astype(np.int64))


def _parameters(state: State, event: ParametersChanged, at: At) -> None:
    before, state.params = state.params, parse_params(event.params)
    if state.params == before:
        return
    changed = (state.params.estimator, state.params.floor_daily_vol) != (before.estimator, before.floor_daily_vol)
    for asset in state.assets.values():
        asset.fitted, asset.fitted_month = None, 0
        if changed:
            rebuild(asset.series, state.params.estimator, state.params.floor_daily_vol)
    if state.params.symbols:
        state.wanted = [symbol for symbol in state.wanted if symbol in state.params.symbols]
        state.waiting = [symbol for symbol in state.waiting if symbol in state.params.symbols]
    for symbol in state.wanted:
        if symbol in state.assets:
            _learn(state.assets[symbol], state.params)
    for symbol in state.params.symbols:
        _want(state, symbol)


def last_session(state: State, symbol: str) -> float | None:
    """The newest session's own variance, annual, on the scale of what is forecast; None before a fit."""
    asset = state.assets.get(symbol)
    if asset is None or asset.fitted is None or asset.series.refused is not None:
        return None
    return float(asset.series.variances()[-1]) * asset.fitted.factor


def parse_params(params: dict[str, object]) -> InferenceParams:
    """The section ``inference`` of a parameter set; without one, the defaults. Raises UserError."""
    try:
        return InferenceParams.model_validate(params.get("inference") or {})
    except ValidationError as error:
        raise UserError(wrong("inference", error.errors(include_url=False)[0])) from None


def _answered(state: State, event: Forecast | ForecastAbsent, at: At) -> None:
    if event.model == MODEL and event.symbol in state.waiting:
        state.waiting.remove(event.symbol)


EVOLVE: dict[type[Event], Callable[[State, Any, At], None]] = {
    Bars: _bars,
    BarHistory: _history,
    RootListed: _root,
    ParametersChanged: _parameters,
    Forecast: _answered,
    ForecastAbsent: _answered,
}
DECIDE: dict[type[Event], Callable[[State, Any, At], list[Event]]] = {Bars: _judge_bars}

"""The fitting oracle: closed daily bars in, mixtures and reversion fits out. No I/O, no clock.

Its answers are facts: whoever reads the log reads them and never fits again. A mixture is fitted at the close of a
month's first session for every underlying with options, and for every asset of the book; the reversion of the
volatility index at the close of a week's first session. What is fitted at a close holds bars up to that close and is
used from the next session on. An absence is told when its reason changes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contango_common.domain.arrays import Array
from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.events.base import Event
from contango_common.events.fit import MixtureAbsent, MixtureFitted, OuFitted
from contango_common.events.market import CRYPTO, AssetListed, BarHistory, Bars, RootListed
from contango_common.events.system import ParametersChanged
from contango_signals.config import parse
from contango_signals.fitters import mixture, reversion
from contango_signals.history import Daily, day_of, with_row
from contango_signals.params import SignalsParams
from contango_signals.regimes import s0

__all__ = ["DECIDE", "EVOLVE", "NAME", "READS", "initial"]

NAME = "fit"
READS = frozenset({"log.md", "log.reference", "log.control.*"})
DAY_S = 86_400
INDEX_KEPT = 756
MAY_LACK = ("iv", "iv_rv_spread", "volume_ratio")  # an index may have no volume, a coin no volatility index


@dataclass(slots=True)
class Series:
    """One symbol: its last sessions, the rows of features so far, and what was told last."""

    daily: Daily = field(default_factory=Daily)
    rows: list[list[float]] = field(default_factory=list)
    row_ns: list[int] = field(default_factory=list)
    fitted_month: int = 0
    means: Array | None = None
    absent: str | None = None


@dataclass(slots=True)
class State:
    """``wanted`` are the symbols to fit, ``index`` the volatility index's daily closes and their instants.

    ``crypto`` says of which symbols the index says nothing.
    """

    params: SignalsParams = field(default_factory=SignalsParams)
    series: dict[str, Series] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    index: list[float] = field(default_factory=list)
    index_ns: list[int] = field(default_factory=list)
    index_by_day: dict[int, float] = field(default_factory=dict)
    crypto: dict[str, bool] = field(default_factory=dict)
    reverted_week: int = 0


def initial() -> State:
    return State()


def _judge(state: State, event: Bars, at: At) -> list[Event]:
    if event.timeframe_s != DAY_S:
        return []
    facts: list[Event] = []
    for name in state.wanted:
        series = state.series.get(name)
        if series is not None and name in event.symbols and series.fitted_month != _month(at.ts_ns):
            facts += _mixture(name, series, _table(state, name, series), state.params.regimes.s0, at)
    if state.params.vol_symbol in event.symbols and state.reverted_week != _week(at.ts_ns):
        found = reversion.fit(state.params.vol_symbol, state.index, state.index_ns[-1] if state.index_ns else 0)
        facts += [] if found is None else [found]
    return facts


def _mixture(name: str, series: Series, table: Array, p: s0.S0Params, at: At) -> list[Event]:
    features = _known_features(table, mixture.needed_rows(p))
    table = table[:, [s0.FEATURES.index(f) for f in features]]
    table = table[np.isfinite(table).all(axis=1)]
    found = mixture.fit(table, features, p, series.means)
    if isinstance(found, str):
        reason = f"{name}: {found}"
        return [] if _known(series, reason) else [MixtureAbsent(symbol=name, detector=s0.DETECTOR, reason=reason)]
    return [
        MixtureFitted(
            symbol=name,
            detector=s0.DETECTOR,
            version=s0.VERSION,
            sha=found.sha,
            features=features,
            centre=tuple(found.centre.tolist()),
            scale=tuple(found.scale.tolist()),
            weights=tuple(found.weights.tolist()),
            means=_rows(found.means),
            precisions=tuple(_rows(table) for table in found.precisions),
            log_dets=tuple(found.log_dets.tolist()),
            transition=_rows(found.transition),
            labels=tuple(found.labels),
            covariance=found.covariance,
            rows=found.rows,
            bic=found.bic,
            trained_until_ns=series.row_ns[-1],
        )
    ]


def _known(series: Series, reason: str) -> bool:
    """Whether the same was told before; that more rows are there by now is no news."""
    return series.absent is not None and series.absent.partition(", ")[0] == reason.partition(", ")[0]


def _rows(table: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in table.tolist())


def _table(state: State, name: str, series: Series) -> Array:
    """All rows (n, F), the volatility index joined by day: its history may come before or after that of the symbol."""
    table = np.array(series.rows, dtype=np.float64).reshape(len(series.rows), len(s0.FEATURES))
    if state.crypto.get(name):
        return table  # the index says nothing of coins
    ivs = np.array([state.index_by_day.get(day_of(ns), np.nan) for ns in series.row_ns], dtype=np.float64) / 100.0
    table[:, s0.FEATURES.index("iv")] = ivs
    table[:, s0.FEATURES.index("iv_rv_spread")] = ivs - table[:, s0.FEATURES.index("realised_vol")]
    return table


def _known_features(table: Array, need: int) -> tuple[str, ...]:
    """All features, without those of ``MAY_LACK`` that too few rows, or not the last one, have."""
    known = np.isfinite(table)
    always = [i for i, name in enumerate(s0.FEATURES) if name not in MAY_LACK]
    early = known[:, always].all(axis=1).sum() < need  # nothing is fitted yet, and nothing to be left out
    enough = known[-1:].any(axis=0) & (early | (known.sum(axis=0) >= need))
    return tuple(name for i, name in enumerate(s0.FEATURES) if i in always or enough[i])


def _bars(state: State, event: Bars, at: At) -> None:
    if event.timeframe_s != DAY_S:
        return
    volumes = event.volume or (None,) * len(event.symbols)
    rows = list(zip(event.symbols, event.high, event.low, event.close, volumes, strict=True))
    for name, _, _, close, _ in rows:
        if name == state.params.vol_symbol:
            _take_index(state, close, at.ts_ns)
    for name, high, low, close, volume in rows:
        if name != state.params.vol_symbol:
            _take(state, name, at.ts_ns, high, low, close, volume)


def _history(state: State, event: BarHistory, at: At) -> None:
    if event.timeframe_s != DAY_S:
        return
    columns = event.columns()
    instants = columns["ts_ns"].tolist()
    if event.symbol == state.params.vol_symbol:
        for ts_ns, close in zip(instants, columns["close"].tolist(), strict=True):
            _take_index(state, close, ts_ns)
        return
    prices = [columns[name].tolist() for name in ("high", "low", "close")]
    volumes = columns["volume"].tolist() if "volume" in columns else [None] * len(instants)
    for ts_ns, high, low, close, volume in zip(instants, *prices, volumes, strict=True):
        _take(state, event.symbol, ts_ns, high, low, close, None if volume is None or volume != volume else volume)


def _take_index(state: State, close: float, ts_ns: int) -> None:
    if state.index_ns and ts_ns <= state.index_ns[-1]:
        return  # taken already
    state.index = [*state.index, close][-INDEX_KEPT:]
    state.index_ns = [*state.index_ns, ts_ns][-INDEX_KEPT:]
    state.index_by_day[day_of(ts_ns)] = close


def _take(state: State, name: str, ts_ns: int, high: float, low: float, close: float, volume: float | None) -> None:
    series = state.series.setdefault(name, Series())
    before = series.daily
    series.daily = with_row(before, ts_ns, high, low, close, volume, None, None)
    if series.daily is before:
        return
    d = series.daily
    row = s0.feature_row(d.closes, d.highs, d.lows, d.volumes, d.ivs)
    keep = state.params.regimes.s0.max_rows
    series.rows = [*series.rows, [float("nan") if (x := row[f]) is None else x for f in s0.FEATURES]][-keep:]
    series.row_ns = [*series.row_ns, ts_ns][-keep:]


def _asset(state: State, event: AssetListed, at: At) -> None:
    state.crypto[event.symbol] = event.kind in CRYPTO


def _root(state: State, event: RootListed, at: At) -> None:
    _want(state, event.underlying)


def _want(state: State, name: str) -> None:
    if name not in state.wanted:
        state.wanted.append(name)


def _parameters(state: State, event: ParametersChanged, at: At) -> None:
    try:
        state.params = parse(event.params)
    except UserError:
        return  # the old ones stand; signals says what is wrong with these
    for name in state.params.assets:
        _want(state, name)


def _fitted(state: State, event: MixtureFitted, at: At) -> None:
    series = state.series.setdefault(event.symbol, Series())
    series.means, series.fitted_month, series.absent = mixture.raw_means(event), _month(at.ts_ns), None


def _absent(state: State, event: MixtureAbsent, at: At) -> None:
    state.series.setdefault(event.symbol, Series()).absent = event.reason


def _reverted(state: State, event: OuFitted, at: At) -> None:
    state.reverted_week = _week(at.ts_ns)


def _week(ts_ns: int) -> int:
    return (day_of(ts_ns) + 3) // 7  # weeks begin on Monday


def _month(ts_ns: int) -> int:
    return int(np.datetime64(ts_ns - 1, "ns").astype("datetime64[M]").astype(np.int64))


EVOLVE: dict[type[Event], Callable[[State, Any, At], None]] = {
    ParametersChanged: _parameters,
    AssetListed: _asset,
    RootListed: _root,
    Bars: _bars,
    BarHistory: _history,
    MixtureFitted: _fitted,
    MixtureAbsent: _absent,
    OuFitted: _reverted,
}
DECIDE: dict[type[Event], Callable[[State, Any, At], list[Event]]] = {Bars: _judge}

"""Daily bars through the signals fold alone, in memory: the session rows that a recorded session would hold.

The same fold and the same parameters give the same numbers, so a model is trained on what it will be given.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from contango_common.domain.at import At
from contango_common.domain.errors import UserError
from contango_common.events.base import Event
from contango_common.events.market import Bars
from contango_common.events.signal import FeatureFailed, FeatureRow
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import step
from contango_signals import fold
from contango_signals.params import SignalsParams

DAY_S = 86_400
SESSION = "session"
Columns = Mapping[str, npt.NDArray[np.generic]]
Values = dict[str, float | None]
Tell = Callable[[int, int], None]


def session_rows(symbol: str, columns: Columns, params: SignalsParams, tell: Tell | None = None) -> list[Values]:
    """The values of each session's row from daily bars as columns (``ts_ns``, open … close, volume), oldest first.

    Raises UserError where the fold refuses a bar, and for the volatility indices, which have no rows of their own.
    """
    if symbol == params.vol_symbol or symbol in params.volatility.family:
        raise UserError(f"{symbol} is read as a volatility index and has no feature rows; name what it is an index of")
    state, rows, total = fold.initial(), [], len(columns["ts_ns"])
    told = params if params.feature_row_every_s else params.model_copy(update={"feature_row_every_s": 3600})
    control = ParametersChanged(params={"signals": told.model_dump(mode="json")}, reason="training")
    step(fold, state, [control], At(0, 1, "control.training"))
    for i, event in enumerate(daily_bars(symbol, columns)):
        ts_ns = int(columns["ts_ns"][i])
        facts, _ = step(fold, state, [event], At(ts_ns, i + 2, "md"))
        rows.append(_row(symbol, ts_ns, facts))
        if tell is not None and i % 64 == 0:
            tell(i, total)
    return rows


def daily_bars(symbol: str, columns: Columns) -> list[Bars]:
    """One closed daily bar an event; a volume that is nan is None."""
    prices = [np.asarray(columns[name], dtype=np.float64).tolist() for name in ("open", "high", "low", "close")]
    empty = [float("nan")] * len(prices[0])
    volumes = np.asarray(columns["volume"], dtype=np.float64).tolist() if "volume" in columns else empty
    return [
        Bars(
            timeframe_s=DAY_S,
            symbols=(symbol,),
            open=(o,),
            high=(h,),
            low=(low,),
            close=(c,),
            volume=() if v != v else (v,),
        )
        for o, h, low, c, v in zip(*prices, volumes, strict=True)
    ]


def _row(symbol: str, ts_ns: int, facts: Sequence[Event]) -> Values:
    day = np.datetime64(ts_ns, "ns").astype("datetime64[D]")
    for fact in facts:
        if isinstance(fact, FeatureFailed) and fact.feature == "bank":
            raise UserError(f"{symbol} {day}: the indicators fail ({fact.reason}); correct the bar in the catalog")
    for fact in facts:
        if isinstance(fact, FeatureRow) and fact.symbol == symbol and fact.cadence == SESSION:
            return fact.values
    raise UserError(f"{symbol} {day}: no feature row; its bar is not later than the one before")

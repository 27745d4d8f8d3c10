"""Loads the real daily data that ship inside the ``arch`` package. An edge: reads files."""

from datetime import date

import arch.data.sp500
import arch.data.vix
import numpy as np
import pandas as pd

from contango_common.edge.calendar import session_table
from contango_market_data.sample.market import FIRST_DATE, LAST_DATE, Floats, Market

FIRST_DAILY = date(1999, 1, 4)


def load_market() -> Market:
    """Daily S&P 500 bars 1999–2018 and the VIX close 2014–2018, beside their sessions' opening and closing instants."""
    sessions = session_table("XNYS", FIRST_DAILY, date(2018, 12, 31))
    days = pd.DatetimeIndex([pd.Timestamp(str(day)) for day in sessions.date])
    bars = arch.data.sp500.load().reindex(days)
    vix = arch.data.vix.load()["vix"].reindex(days)
    if bars.isna().to_numpy().any():
        raise RuntimeError("the S&P 500 data of the arch package lack a session of the XNYS calendar")

    def column(name: str) -> Floats:
        return np.ascontiguousarray(bars[name].to_numpy(np.float64))

    dates = np.array(sessions.date, dtype=np.int64)
    start = int(np.searchsorted(dates, FIRST_DATE))
    if vix.iloc[start:].isna().any() or dates[-1] != LAST_DATE:
        raise RuntimeError("the VIX data of the arch package lack a session of the XNYS calendar")
    return Market(
        date=dates,
        open_ns=np.array(sessions.open_ns, dtype=np.int64),
        close_ns=np.array(sessions.close_ns, dtype=np.int64),
        open=column("Open"),
        high=column("High"),
        low=column("Low"),
        close=column("Close"),
        volume=column("Volume"),
        vix=vix.to_numpy(np.float64),
        start=start,
    )

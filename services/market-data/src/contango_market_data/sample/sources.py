"""What in the sample is real and what is modelled: the notes of its catalog and of every report on it."""

SOURCES: tuple[str, ...] = (
    "REAL: daily S&P 500 open, high, low, close and volume 1999-2018 and the VIX close 2014-2018, as they ship in the"
    " Python package arch. Settlement prints are the index's real close.",
    "REAL WITH A FLAW: on many days, nearly all of those before 2006, the index's open is the close before, and until"
    " 2016 it hardly moves overnight: overnight gap risk understated. The first minutes of a day hold moves that were"
    " gaps, so nothing may fill in the first 15 minutes.",
    "MODELLED: every price within a day. The 5-minute path of the index passes through the day's real open, high, low"
    " and close; where and when in between is random.",
    "MODELLED: the volume within a day. The day's real volume is spread over its 5-minute bars, more at both ends and"
    " where the price moves. Indicators within a day, volume profiles and VWAPs rest on this and on the modelled path.",
    "MODELLED: the VIX within a day = close before + beta x return so far + a random bridge to the real close; beta ="
    " -146 (VIX/16)^0.25 points per unit log return, the slope of the same five years. The VIX close before 2014-01-03"
    " is computed back from that day's. In the daily VIX bars open, high and low repeat the close.",
    "MODELLED: every option quote. SPXW, European, PM-settled, weekly and month-end expiries up to 60 days ahead,"
    " Black-76 on an SSVI surface (rho -0.6, eta 0.7; variance reverting to 16 % at 3 a year) whose level makes the VIX"
    " method on the quotes give that moment's VIX. At the instant of its expiry a contract is quoted at its intrinsic"
    " value.",
    "MODELLED: rates (continuous, flat, between 0.04 % and 2.4 %, after 3-month bills) and a dividend yield of 2 %.",
    "MODELLED: spreads (half of it 0.7e-4 of the index at 16 delta and 45 days, more near the money, in the wings, in"
    " the money and with the VIX) and displayed sizes. No option has trades, volume or open interest.",
    "MODELLED, with the surface: the term structure of volatility, and so its regime.",
    "Options here are never mispriced against the VIX, skew and term structure never move by themselves, and what the"
    " VIX pays for risk is the real market's: no verdict may be drawn from the P&L of this demo.",
)

"""The book of the engine benchmark: an EMA cross, long only, one size, limits that refuse no cross."""

from contango_execution.params import ExecutionParams, VenueParams
from contango_research.bench.ema_bars import STEP_S, SYMBOL
from contango_research.book import Book
from contango_risk.params import ExitParams, LimitParams, RiskParams
from contango_signals.params import SignalsParams

FAST, SLOW = 10, 20
QUANTITY = 100
FEE_CENTS_PER_UNIT = 1
CASH_USD = 1_000_000
READY_BARS = 500
"""Trading begins after this many bars, when differently begun averages agree."""


def ema_book() -> Book:
    """Every cross trades: sizes are fixed by the cap, and nothing but the opposite cross closes."""
    return Book(
        name="ema-cross",
        signals=SignalsParams(
            strategies={"ema_cross": {"fast": FAST, "slow": SLOW, "quantity_cap": QUANTITY}},
            bar_timeframe_s=STEP_S,
            feature_row_every_s=0,
            assets=(SYMBOL,),
            limit_slippage=0.5,
        ),
        risk=RiskParams(risk_per_trade_fraction=1.0, limits=_wide(), exits=_none()),
        execution=ExecutionParams(),
        venue=VenueParams(
            initial_cash_usd=CASH_USD,
            stock_commission_per_unit_usd=FEE_CENTS_PER_UNIT / 100,
            stock_slippage_ticks=0,
            no_fill_first_minutes=0,
        ),
    )


def _wide() -> LimitParams:
    return LimitParams(
        max_quantity=QUANTITY, heat_fraction=1.0, daily_drawdown_halt=1.0, max_drawdown=None, greek_caps=False
    )


def _none() -> ExitParams:
    return ExitParams(profit_target=None, stop=None, stop_debit=None, crash=False, dte=None, monitor_dte=None)

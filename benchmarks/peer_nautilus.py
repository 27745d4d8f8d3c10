"""The engine benchmark's EMA cross in nautilus_trader: same bars, size, fees and rules; prints one line of JSON.

    python peer_nautilus.py BARS.npy RULES     (int64 cents, columns open, high, low, close; RULES is JSON)

Runs in an environment of its own that needs nothing of this project. Rules: long only; a cross of the two averages is
a change of sign of their difference (a first sign, or a difference of zero, is no cross); nothing opens before
``ready_bars``, nor on the bar after an exit was ordered (the other engine learns of that exit's fill on this very
bar), nor on the last bar (which has no next open). Orders fill at the bar's close, which is the next bar's open. Only
``engine.run()`` is timed: making the bars and loading them is not. ``logging`` 0 switches the engine's log off, 1
leaves it as it is by default (INFO, on stdout); the answer is the last line.
"""

import json
import sys
import time
from decimal import Decimal

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FillModel, PerContractFeeModel
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("BENCH")
BAR_VOLUME = Quantity(100_000_000, 0)


class EmaCrossConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    bar_type: BarType
    fast: int
    slow: int
    quantity: int
    ready_bars: int
    total_bars: int


class EmaCross(Strategy):
    """Long while the fast average is above the slow one."""

    def __init__(self, config: EmaCrossConfig) -> None:
        super().__init__(config)
        self.fast = ExponentialMovingAverage(config.fast)
        self.slow = ExponentialMovingAverage(config.slow)
        self.side = 0
        self.seen = 0
        self.exit_at = -2
        self.trades = 0

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.fast)
        self.register_indicator_for_bars(self.config.bar_type, self.slow)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        self.seen += 1
        gap = self.fast.value - self.slow.value
        side = 1 if gap > 0 else -1 if gap < 0 else 0
        crossed = side != 0 and self.side == -side
        self.side = side or self.side
        if crossed and self.config.ready_bars < self.seen < self.config.total_bars:
            self._cross(side)

    def _cross(self, side: int) -> None:
        held = self.portfolio.is_net_long(self.config.instrument_id)
        if side < 0 and held:
            self._order(OrderSide.SELL)
            self.exit_at = self.seen
            self.trades += 1
        elif side > 0 and not held and self.seen > self.exit_at + 1:
            self._order(OrderSide.BUY)

    def _order(self, side: OrderSide) -> None:
        quantity = Quantity(self.config.quantity, 0)
        self.submit_order(self.order_factory.market(self.config.instrument_id, side, quantity))


def instrument() -> Equity:
    return Equity(
        instrument_id=InstrumentId(Symbol("EMAX"), VENUE),
        raw_symbol=Symbol("EMAX"),
        currency=USD,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        lot_size=Quantity.from_int(1),
        maker_fee=Decimal(0),
        taker_fee=Decimal(0),
        ts_event=0,
        ts_init=0,
    )


def make_bars(cents: np.ndarray, bar_type: BarType, first_ns: int, step_ns: int) -> list[Bar]:
    columns = [[Price(value / 100, 2) for value in column] for column in cents.T.tolist()]
    times = range(first_ns, first_ns + step_ns * len(cents), step_ns)
    return [Bar(bar_type, o, h, lo, c, BAR_VOLUME, ts, ts) for o, h, lo, c, ts in zip(*columns, times, strict=True)]


def run(cents: np.ndarray, rules: dict[str, int]) -> dict[str, float]:
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-001"), logging=LoggingConfig(bypass_logging=not rules["logging"])
        )
    )
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=USD,
        starting_balances=[Money(rules["cash_usd"], USD)],
        fill_model=FillModel(),
        fee_model=PerContractFeeModel(Money(rules["fee_cents_per_unit"] / 100, USD)),
    )
    traded = instrument()
    engine.add_instrument(traded)
    bar_type = BarType.from_str(f"{traded.id}-{rules['step_s'] // 60}-MINUTE-LAST-EXTERNAL")
    engine.add_data(make_bars(cents, bar_type, rules["first_close_ns"], rules["step_s"] * 1_000_000_000))
    strategy = EmaCross(
        EmaCrossConfig(
            instrument_id=traded.id,
            bar_type=bar_type,
            fast=rules["fast"],
            slow=rules["slow"],
            quantity=rules["quantity"],
            ready_bars=rules["ready_bars"],
            total_bars=len(cents),
        )
    )
    engine.add_strategy(strategy)
    began, began_cpu = time.perf_counter(), time.process_time()
    engine.run()
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    cash = float(engine.portfolio.account(VENUE).balance_total(USD))
    held = float(engine.portfolio.net_position(traded.id))
    answer = {
        "bars_per_s": len(cents) / seconds,
        "bars_per_cpu_s": len(cents) / cpu_s,
        "trades": strategy.trades,
        "final_equity": round(cash + held * int(cents[-1, 3]) / 100, 2),
    }
    engine.dispose()
    return answer


def main() -> None:
    cents, rules = np.load(sys.argv[1]), json.loads(sys.argv[2])
    answer = run(cents, rules)
    import nautilus_trader

    print(json.dumps({"peer": "nautilus_trader", "version": nautilus_trader.__version__, **answer}))


if __name__ == "__main__":
    main()

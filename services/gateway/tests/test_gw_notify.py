"""Alerts: which facts are one, that they reach every notifier once, and only for what is new."""

import asyncio
import logging

import pytest

from contango_common.events.base import Event
from contango_common.events.codec import Envelope, encode
from contango_common.events.order import OrderUnknown
from contango_common.events.risk import ExitRequested, TradingHalted
from contango_gateway.commands import Commands
from contango_gateway.follower import Follower
from contango_gateway.notify import Alert, LogNotifier, alerts_of
from contango_gateway.views import Views
from support.gateway_client import validate
from support.gateway_world import House

HALTED = TradingHalted(reason="daily_drawdown", until_ns=None)
UNKNOWN = OrderUnknown(order_id="p:o1", underlying="SPX", state="FILLED", report="cancelled")


def leaving(urgency: str) -> ExitRequested:
    return ExitRequested(
        position_id="p",
        underlying="SPX",
        instruments=("SPX",),
        ratios=(-1,),
        multiplier=1,
        tick_micros=1,
        quantity=1,
        reason="crash",
        all_true=("crash", "stop"),
        closing_debit_ticks=None,
        urgency=urgency,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("fact", "kind", "text"),
    [
        (HALTED, "trading_halted", "daily_drawdown"),
        (UNKNOWN, "order_unknown", "p:o1"),
        (leaving("emergency"), "emergency_exit", "crash, stop"),
    ],
)
def test_what_is_an_alert(fact: Event, kind: str, text: str):
    [alert] = alerts_of(7, Envelope(5, "risk", 0, (fact,), (0,)))
    assert (alert.kind, alert.seq, alert.ts_ns) == (kind, 7, 5)
    assert text in alert.text


def test_an_ordinary_exit_wakes_nobody():
    assert alerts_of(1, Envelope(1, "risk", 0, (leaving("normal"),), (0,))) == []


def test_only_what_comes_after_the_start_is_told_and_once():
    house = House()
    told: list[Alert] = []

    class Bell:
        def notify(self, alert: Alert) -> None:
            told.append(alert)

    async def append(fact: Event, key: str) -> None:
        last = await house.log.last("log.risk.test")
        data = encode(Envelope(house.ts_ns, "risk", 0, (fact,), (0,)))
        await house.log.append("log.risk.test", data, msg_id=key, writer="w", expected=last.seq if last else 0)

    async def main() -> None:
        await append(HALTED, "old")
        views = Views(house.blocks)
        commands = Commands(house.log, views, validate, instance="i", build="b")
        task = asyncio.create_task(Follower(house.log, views, commands, [Bell()]).run())
        while not commands.ready:
            await asyncio.sleep(0)
        await append(UNKNOWN, "new")
        while views.as_of_seq < len(house.log.messages):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(main())
    assert [alert.kind for alert in told] == ["order_unknown"]


def test_the_log_notifier_writes_a_structured_line(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        LogNotifier().notify(Alert("trading_halted", "no new risk: x", 4, 9))
    [record] = caplog.records
    assert record.getMessage() == "trading_halted: no new risk: x"
    assert record.fields == {"kind": "trading_halted", "seq": 4, "ts_ns": 9}  # type: ignore[attr-defined]

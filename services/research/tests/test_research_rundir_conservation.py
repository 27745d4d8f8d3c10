"""The twin that reads the broker's facts alone: silent on every consistent log, loud on every planted error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.codec import decode
from contango_common.runtime.log import Message
from contango_research.conservation import Twin
from support.research_log import Deal, changed, deals, run_of

TWO = [Deal(0, 4, 3, 900_000_000, 200_000_000, 1_300_000), Deal(2, 5, 2, 700_000_000, 999_000_000, 1_000, settled=True)]


def violations(messages: list[Message]) -> list[str]:
    twin = Twin()
    for message in messages:
        twin.take(message.seq, decode(message.data))
    return twin.violations()


@settings(max_examples=30, deadline=None)
@given(st.lists(deals, max_size=12))
def test_nothing_is_found_on_a_consistent_log(story: list[Deal]) -> None:
    assert violations(run_of(story)) == []


@pytest.mark.parametrize(
    ("tag", "nth", "field"),
    [
        ("Filled", 0, "cash_micros"),
        ("Filled", 1, "cash_micros"),
        ("Filled", 0, "fees_micros"),
        ("Expired", 0, "cash_micros"),
        ("PortfolioMarked", 3, "cash_micros"),
        ("PortfolioMarked", 9, "equity_micros"),
        ("TradeClosed", 0, "pnl_micros"),
        ("TradeClosed", 1, "pnl_micros"),
        ("TradeClosed", 0, "fees_micros"),
    ],
)
def test_one_micro_too_much_is_found(tag: str, nth: int, field: str) -> None:
    log = run_of(TWO)
    assert violations(log) == []
    assert violations(changed(log, tag, nth, **{field: lambda value: value + 1}))


def test_a_settlement_that_leaves_no_trace_in_cash_is_found() -> None:
    log = run_of(TWO)
    planted = changed(log, "Expired", 0, leg_cash_micros=lambda legs: (legs[0] + 5, *legs[1:]))
    assert any("settlement" in line for line in violations(planted))


def test_a_trade_closed_while_the_broker_still_holds_is_found() -> None:
    log = run_of(TWO)
    planted = changed(log, "Filled", 2, leg_quantities=lambda lots: tuple(n + 1 for n in lots))
    assert any("still holding" in line for line in violations(planted))


def test_a_lost_fill_is_found() -> None:
    log = run_of(TWO)
    at = next(i for i, message in enumerate(log) if b'"Filled"' in message.data)
    assert violations(log[:at] + log[at + 1 :])


def test_a_repeated_fill_moves_no_money_twice() -> None:
    """Risk books a fill once by its id; a copy in the log must not be counted by the twin either."""
    log = run_of(TWO)
    at = next(i for i, message in enumerate(log) if b'"Filled"' in message.data)
    assert violations([*log[: at + 1], log[at], *log[at + 1 :]]) == []


def test_positions_that_hold_against_each_other_are_compared_in_sum() -> None:
    """Contracts that cancel in the account are settled by nobody: one trade's gain is the other's loss."""
    deals_ = [Deal(0, 3, 1, 50, 0, 0), Deal(0, 3, 1, 70, 0, 0)]
    log = [m for m in run_of(deals_) if not (m.subject == "log.broker" and b":x1" in m.data)]
    same = changed(log, "Filled", 1, instruments=_instruments(log, 0), leg_quantities=lambda q: tuple(-n for n in q))
    closed = changed(changed(same, "TradeClosed", 0, pnl_micros=50 + 9), "TradeClosed", 1, pnl_micros=70 - 9)
    assert violations(closed) == []
    assert violations(changed(closed, "TradeClosed", 1, pnl_micros=70))


def _instruments(log: list[Message], nth: int) -> tuple[str, ...]:
    fills = [event for message in log for event in decode(message.data).events if event.TAG == "Filled"]
    return fills[nth].instruments  # type: ignore[attr-defined,no-any-return]

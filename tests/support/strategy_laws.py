"""What every options strategy promises whatever the chain, judged from the frame's rows by an account of its own."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from contango_quant.pricing.payoff import Leg, max_loss_ticks
from contango_signals.strategies import (
    bear_put_debit_spread,
    broken_wing_butterfly_bear,
    broken_wing_butterfly_bull,
    bull_call_debit_spread,
    calendar,
    call_credit_spread,
    covered_call,
    crash_put,
    diagonal,
    long_call,
    long_straddle,
    long_strangle,
    protective_put,
    put_credit_spread,
)
from contango_signals.strategies.spec import Candidate, View
from support.chain_views import TICK_MICROS


def told(candidates: list[Candidate]) -> list[tuple[Any, ...]]:
    """Candidates as values that can be compared and printed."""
    return [(c.kind, c.instruments, c.ratios, c.rows, c.off_target, c.width, tuple(c.why.items())) for c in candidates]


@dataclass(frozen=True, slots=True)
class Paid:
    """A unit's price at mid and its largest loss at the first expiry, in half ticks (exact); None: unbounded."""

    net: int
    max_loss: int | None


def paid(view: View, c: Candidate) -> Paid:
    """From the frame's rows alone: an account that shares nothing with the strategies.

    What expires later counts at its intrinsic value; the underlying is bought at the spot, rounded to half a tick.
    """
    net, legs = 0, []
    for ratio, row in zip(c.ratios, c.rows, strict=True):
        if row < 0:
            net += ratio * round(view.spot * 2e6 / TICK_MICROS)
            legs.append(Leg(ratio, 0, True))
            continue
        net += ratio * int(view.quotes["bid_ticks"][row] + view.quotes["ask_ticks"][row])
        strike = int(view.contracts["strike_millis"][row]) * 2000 // TICK_MICROS
        legs.append(Leg(ratio, strike, bool(view.contracts["is_call"][row])))
    return Paid(net, max_loss_ticks(legs, -net))


@dataclass(frozen=True, slots=True)
class Law:
    """A strategy's module, the regimes it opens in, the signs of its legs, and whether it pays for them at mid."""

    module: ModuleType
    regimes: tuple[str, ...]
    ratios: tuple[int, ...]
    pays: bool = True
    may_be_paid: bool = False
    needs_underlying: bool = False
    several_expiries: bool = False


LOW, HIGH, BULL, BEAR, CRASH = "LOW_VOL_RANGE", "HIGH_VOL_RANGE", "BULL_TREND", "BEAR_TREND", "CRASH_MODE"
LAWS: dict[str, Law] = {
    "put_credit_spread": Law(put_credit_spread, (LOW, HIGH, BULL), (1, -1), pays=False),
    "call_credit_spread": Law(call_credit_spread, (LOW, HIGH, BEAR), (1, -1), pays=False),
    "bull_call_debit_spread": Law(bull_call_debit_spread, (BULL,), (1, -1)),
    "bear_put_debit_spread": Law(bear_put_debit_spread, (BEAR,), (1, -1)),
    "calendar": Law(calendar, (LOW,), (-1, 1), several_expiries=True),
    "diagonal": Law(diagonal, (BULL, BEAR), (-1, 1), several_expiries=True),
    "broken_wing_butterfly_bull": Law(broken_wing_butterfly_bull, (BULL,), (1, -2, 1), may_be_paid=True),
    "broken_wing_butterfly_bear": Law(broken_wing_butterfly_bear, (BEAR,), (1, -2, 1), may_be_paid=True),
    "long_call": Law(long_call, (BULL,), (1,)),
    "crash_put": Law(crash_put, (CRASH,), (1,)),
    "protective_put": Law(protective_put, (BEAR,), (1, 1), needs_underlying=True),
    "covered_call": Law(covered_call, (BULL,), (1, -1), needs_underlying=True),
    "long_straddle": Law(long_straddle, (LOW,), (1, 1)),
    "long_strangle": Law(long_strangle, (LOW,), (1, 1)),
}


def judge(view: View, law: Law, found: list[Candidate]) -> None:
    """The laws of one strategy's candidates on one view."""
    assert len(found) <= 5
    assert len({c.rows for c in found}) == len(found)
    for c in found:
        assert c.ratios == law.ratios
        assert len(set(c.instruments)) == len(c.instruments)
        assert (-1 in c.rows) is law.needs_underlying
        assert all(number is None or np.isfinite(number) for number in c.why.values())
        _judge_quotes(view, law, c)
        _judge_price(view, law, c)


def _judge_quotes(view: View, law: Law, c: Candidate) -> None:
    rows = np.array([row for row in c.rows if row >= 0])
    bid, ask = view.quotes["bid_ticks"][rows], view.quotes["ask_ticks"][rows]
    assert (bid > 0).all()
    assert (ask >= bid).all()
    ends = view.contracts["expiry_ns"][rows]
    assert len(set(ends)) == (2 if law.several_expiries else 1)
    assert c.expiry.expiry_ns == ends.min()
    if law.several_expiries:
        assert ends[0] == ends.min()  # what is sold expires first
        assert len(set(view.contracts["root"][rows])) == 1


def _judge_price(view: View, law: Law, c: Candidate) -> None:
    price = paid(view, c)
    assert price.max_loss is not None
    if law.may_be_paid:
        return
    assert price.max_loss > 0
    assert (price.net > 0) is law.pays
    if law.pays:
        assert price.max_loss <= price.net  # a buyer never loses more than was paid

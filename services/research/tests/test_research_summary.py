"""Figures, intervals and the summary: no NaN, intervals hold their figure, absent numbers say why."""

import doctest
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.codec import decode
from contango_common.runtime.log import Message
from contango_research import figures, plain
from contango_research.conservation import Twin
from contango_research.report import barchart, numbers, scale, thin
from contango_research.summary import analyse, summarise
from contango_research.tally import Tally
from contango_research.terminal import summary_table
from support.research_log import CASH, Deal, deals, run_of

KEYS = {"digest", "trades", "refused", "frames", "frames_per_s", "wall_s", "return", "cagr", "sharpe", "sortino"}
MORE = {"max_drawdown", "profit_factor", "win_rate", "expectancy_usd", "cvar_95", "buy_and_hold", "exposure"}
MOST = {"fees_usd", "exit_reasons", "regimes", "refusals_by_gate", "conservation", "first_tradable_day"}
returns = st.lists(st.floats(-0.2, 0.2), min_size=2, max_size=60)


def summary_of(messages: list[Message], wall_s: float = 2.0) -> dict[str, Any]:
    tally, twin = Tally(), Twin()
    for message in messages:
        envelope = decode(message.data)
        tally.take(message, envelope)
        twin.take(message.seq, envelope)
    return summarise(analyse(tally, twin, 252.0), name="x", digest="d", wall_s=wall_s)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list | tuple) else [value]


@settings(max_examples=8, deadline=None)
@given(st.lists(deals, max_size=10))
def test_summary_of_any_run(story: list[Deal]) -> None:
    summary = summary_of(run_of(story))
    assert set(summary) >= (KEYS | MORE | MOST)
    assert all(math.isfinite(leaf) for leaf in leaves(summary) if isinstance(leaf, float))
    json.dumps(summary, allow_nan=False)
    for name, interval in summary["intervals"].items():
        assert interval["low"] <= summary[name] <= interval["high"], name
    for name, value in summary.items():
        assert value is not None or summary["absent"][name], name
    assert summary["conservation"] == "holds"
    assert sum(summary["exit_reasons"].values()) == summary["trades"]
    assert math.isclose(sum(summary["regimes"].values()), 1.0)
    assert summary["frames"] == 64
    assert summary["frames_per_s"] == 32.0


@settings(max_examples=8, deadline=None)
@given(st.lists(deals, max_size=10))
def test_equity_ends_where_cash_flows_say(story: list[Deal]) -> None:
    summary = summary_of(run_of(story, days=40))
    assert summary["open_at_the_end"] == 0
    assert math.isclose(summary["final_equity_usd"], CASH / 1e6 + summary["pnl_fill_usd"])
    assert math.isclose(summary["return"], summary["final_equity_usd"] / (CASH / 1e6) - 1.0, abs_tol=1e-11)


@settings(max_examples=20, deadline=None)
@given(returns)
def test_intervals_hold_the_figure(values: list[float]) -> None:
    found = figures.curve_figures(np.array(values), 252.0)
    for name, interval in found.intervals.items():
        value = found.values[name]
        assert value is not None
        assert interval.low <= value <= interval.high
    assert set(found.absent) == {name for name, value in found.values.items() if value is None}


def test_an_interval_narrows_with_more_of_the_same() -> None:
    rng = np.random.default_rng(7)
    few = figures.curve_figures(rng.normal(0.0005, 0.01, 100), 252.0).intervals["sharpe"]
    many = figures.curve_figures(rng.normal(0.0005, 0.01, 2500), 252.0).intervals["sharpe"]
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_a_run_without_a_session_says_so() -> None:
    summary = summary_of([])
    assert summary["trades"] == 0
    assert summary["sharpe"] is None
    assert "sessions" in summary["absent"]["sharpe"]
    assert summary["absent"]["buy_and_hold"]
    summary_table(summary)


def test_buy_and_hold_begins_at_the_first_price_seen() -> None:
    """First intraday open 1997, last close 2000 + 17·(7·31 mod 11) − 93 by the builder's price path."""
    summary = summary_of(run_of(days=32))
    last = 2000.0 + 17.0 * ((31 * 7) % 11) - 3.0 * 31
    assert math.isclose(summary["buy_and_hold"]["return"], last / 1997.0 - 1.0, rel_tol=1e-9)


def test_since_first_tradable_day_leaves_out_the_days_before() -> None:
    summary = summary_of(run_of([Deal(4, 3, 1, 10_000_000_000, 0, 0)], days=12))
    assert summary["first_tradable_day"] == 20140109
    assert summary["since_first_tradable_day"]["sessions"] == 9
    assert math.isclose(summary["since_first_tradable_day"]["return"], summary["return"])


def test_trades_needed_by_the_textbook() -> None:
    """One-sided t test at 5 % with power 80 % and an effect of 0.5: 27 trades; losses count alike."""
    trades = [1.0, -1.0, 3.0, -3.0, 2.5, 0.5] * 10
    shifted = [x + 0.5 * float(np.std(trades, ddof=1)) - float(np.mean(trades)) for x in trades]
    assert figures.trades_needed(shifted) == figures.trades_needed([-x for x in shifted]) == 27
    assert figures.trades_needed([1.0]) is None
    assert figures.trades_needed([1.0, 1.0]) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=12))
def test_overlapping_trades_are_worth_less_never_more(spans: list[tuple[int, int]]) -> None:
    edges = [(start, start + length) for start, length in spans]
    worth = figures.effective_trades(edges)
    assert worth <= len(edges) + 1e-9
    apart = [(100 * i, 100 * i + 7) for i in range(len(edges))]
    assert math.isclose(figures.effective_trades(apart), len(edges))


@pytest.mark.parametrize("module", [figures, plain, barchart, numbers, scale, thin])
def test_examples_in_the_docstrings(module: Any) -> None:
    assert doctest.testmod(module).failed == 0

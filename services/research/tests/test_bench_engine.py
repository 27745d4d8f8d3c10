"""The engine benchmark: its bars, its book and its peer do what the comparison needs. No test looks at time."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import ContangoError
from contango_common.events.codec import decode
from contango_common.events.market import Bars
from contango_common.events.order import Filled
from contango_common.runtime.engine import Engine
from contango_research.bench import ema_book, peer
from contango_research.bench.ema_bars import synthetic_bars
from contango_research.bench.ema_engine import EmaRun, run_ema
from contango_research.bench.ema_inputs import ema_inputs
from contango_research.bench.engine_bars import Runs, check_same, results
from contango_research.bench.peer import PeerRun
from contango_research.house import BUILD, participants

COUNT = 1_500


@given(st.integers(2, 400), st.integers(0, 2**32))
def test_bars_join_and_hold_their_prices(count: int, seed: int) -> None:
    bars = synthetic_bars(count, seed)
    opened, high, low, close = bars.T
    assert (opened[1:] == close[:-1]).all()
    assert (low <= np.minimum(opened, close)).all()
    assert (high >= np.maximum(opened, close)).all()
    assert (low > 0).all()
    assert (bars == synthetic_bars(count, seed)).all()


def twin(cents: np.ndarray) -> tuple[int, int]:
    """Trades and final equity in cents by plain floats and integers: nothing of the engine, folds or kernels."""
    cash, held, trades, side, exit_at = ema_book.CASH_USD * 100, 0, 0, 0, -2
    averages: dict[int, float] = {}
    closes = [c / 100 for c in cents[:, 3].tolist()]
    for i, close in enumerate(closes):
        for window in (ema_book.FAST, ema_book.SLOW):
            if i + 1 == window:
                averages[window] = sum(closes[:window]) / window
            elif i + 1 > window:
                averages[window] += 2 / (window + 1) * (close - averages[window])
        if len(averages) < 2:
            continue
        gap = averages[ema_book.FAST] - averages[ema_book.SLOW]
        now = (gap > 0) - (gap < 0)
        crossed, side = now != 0 and side == -now, now or side
        if not crossed or i < ema_book.READY_BARS or i + 1 == len(closes):
            continue
        price = int(cents[i + 1, 0])
        fee = ema_book.QUANTITY * ema_book.FEE_CENTS_PER_UNIT
        if now > 0 and not held and i > exit_at + 1:
            held, cash = ema_book.QUANTITY, cash - ema_book.QUANTITY * price - fee
        elif now < 0 and held:
            cash, held, trades, exit_at = cash + held * price - fee, 0, trades + 1, i
    return trades, cash + held * int(cents[-1, 3])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_house_trades_every_cross_and_keeps_the_cents(seed: int) -> None:
    bars = synthetic_bars(COUNT, seed)
    run = run_ema(bars)
    assert (run.trades, run.equity_cents) == twin(bars)
    assert run.trades > 5
    assert run.bars == COUNT


def test_every_bar_is_a_message_and_no_proposal_is_refused() -> None:
    engine = Engine(participants({}), BUILD)
    for item in ema_inputs(synthetic_bars(COUNT)):
        engine.take(item)
    events = [event for m in engine.log.messages for event in decode(m.data).events]
    assert sum(isinstance(event, Bars) for event in events) == COUNT
    tags = [event.TAG for event in events]
    assert "Refused" not in tags
    assert "Rejected" not in tags
    assert tags.count("Proposal") == tags.count("Approved") > 5
    assert all(event.quantity == ema_book.QUANTITY for event in events if isinstance(event, Filled))


def peer_run(run: EmaRun, **change: int) -> PeerRun:
    given = {"trades": run.trades, "equity_cents": run.equity_cents} | change
    return PeerRun(version="1", bars_per_s=50.0, bars_per_cpu_s=60.0, **given)


OURS = EmaRun(bars=100, seconds=1.0, cpu_s=0.5, messages=120, trades=3, equity_cents=1_000)


@pytest.mark.parametrize("change", [{"trades": 4}, {"equity_cents": 1_001}])
def test_a_peer_with_another_book_is_no_comparison(change: dict[str, int]) -> None:
    check_same(OURS, peer_run(OURS))
    with pytest.raises(ContangoError, match="on the same bars"):
        check_same(OURS, peer_run(OURS, **change))


def test_the_figures_stand_beside_the_peer() -> None:
    quick = replace(peer_run(OURS), bars_per_s=80.0)
    rows = {row["name"]: row for row in (r.as_json() for r in results(Runs([OURS], [peer_run(OURS)], [quick])))}
    assert rows["engine_bars_per_s"]["ratio"] == 2.0
    assert rows["engine_bars_per_s_log_off"]["ratio"] == 1.25
    assert rows["engine_bars_per_cpu_s"]["ratio"] == pytest.approx(200 / 60, rel=1e-4)
    assert rows["seconds_per_10k_bars"]["value"] == 100.0
    assert rows["seconds_per_10k_bars"]["beside_value"] == 200.0


def test_without_a_peer_nothing_stands_beside() -> None:
    for result in results(Runs([OURS])):
        row = result.as_json()
        assert row["beside"] is row["beside_value"] is row["ratio"] is None
    assert "pip install nautilus_trader" in peer.HOW_TO_INSTALL


def test_the_peers_script_is_there_and_is_told_all_it_asks_for() -> None:
    tree = ast.parse(peer.SCRIPT.read_text(encoding="utf-8"))
    asked = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "rules"
        and isinstance(node.slice, ast.Constant)
    }
    assert asked == set(peer.rules()) | {"logging"}


def fake_peer(folder: Path, body: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_peer_s_answer_is_found_between_the_lines_of_its_log(tmp_path: Path) -> None:
    answer = {
        "peer": "nautilus_trader",
        "version": "9",
        "bars_per_s": 1.5,
        "bars_per_cpu_s": 2.5,
        "trades": 7,
        "final_equity": 10.07,
    }
    python = fake_peer(tmp_path, f"echo a log line\necho '{json.dumps(answer)}'\necho a late line")
    assert peer.find_peer(python) == python
    assert peer.run_peer(python, synthetic_bars(5), tmp_path) == PeerRun("9", 1.5, 2.5, 7, 1007)


def test_a_peer_that_fails_says_why_and_one_without_the_package_is_none(tmp_path: Path) -> None:
    python = fake_peer(tmp_path, "echo first >&2\necho out of luck >&2\nexit 1")
    assert peer.find_peer(python) is None
    with pytest.raises(ContangoError, match="out of luck"):
        peer.run_peer(python, synthetic_bars(5), tmp_path)

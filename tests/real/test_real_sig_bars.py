"""The signals fold over real bars: longer bars out of closed ones, gaps told and never filled, the laws of a fold."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contango_common.domain.sessions import Sessions
from contango_common.events.signal import FeatureFailed, FeatureRow, ProfileBuilt, Proposal, RegimeReport
from contango_common.runtime.snapshot import StateCodec
from contango_signals import fold
from support.real_bars import (
    DATA,
    Facts,
    bar_messages,
    in_sessions,
    lines,
    not_finite,
    of_kind,
    read_bars,
    resampled,
    seen_at,
    sessions_of,
    setup,
    table_of,
)
from support.signals_world import Message, play

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"real market data is not at {DATA}"),
]
BTC, ETH = "BTCUSDT", "ETHUSDT"
SECTORS = ("XLB", "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLU", "XLV", "XLY")
OUTAGE = (pd.Timestamp("2023-03-24T12:40", tz="UTC").value, pd.Timestamp("2023-03-24T14:05", tz="UTC").value)
COINS: dict[str, Any] = {"sessions_per_year": 365, "bank": {"session_s": 86_400}}
TRADES: dict[str, Any] = {"crypto_trend": {}, "crypto_momentum": {}, "crypto_reversion": {}}


@cache
def coins(first: str, last: str) -> tuple[pd.DataFrame, Sessions]:
    """Five-minute bars of BTC and ETH side by side."""
    files = {BTC: "BTCUSDT_5m_202208_202309", ETH: "ETHUSDT_5m_202208_202309"}
    tables = [read_bars(f"crypto/{file}.parquet", minutes=5, first=first, last=last) for file in files.values()]
    bars = pd.concat(tables).sort_values(["end_ns", "symbol"]).reset_index(drop=True)
    return bars, sessions_of(bars, "24/7")


@cache
def coin_messages(first: str, last: str) -> list[Message]:
    bars, sessions = coins(first, last)
    keys = {**COINS, "bar_timeframe_s": 300, "feature_row_every_s": 900, "assets": [BTC, ETH], "strategies": TRADES}
    return setup(bars, sessions, "spot", **keys) + bar_messages(bars, 300)


@cache
def coin_facts(first: str, last: str) -> Facts:
    return play(fold, fold.initial(), coin_messages(first, last))


WEEKS = ("2023-02-10", "2023-03-31")  # the ATR is ranked among 30 days
DAYS = ("2023-03-20", "2023-03-27")


def check_longer_bars(
    rows: pd.DataFrame, bars: pd.DataFrame, minutes: dict[str, int], source: int, sessions: Sessions | None
) -> dict[str, tuple[int, int]]:
    """Closes, volumes and counts of gaps against pandas at every row; (bars, incomplete ones) by timeframe."""
    counts = {}
    for name, length in minutes.items():
        longer = resampled(bars, length, source, sessions)
        at = seen_at(rows.index.to_numpy(), longer["known_ns"])
        assert (at >= 0).sum() > 0.9 * len(at)
        wanted = longer["close"].to_numpy()[at[at >= 0]]
        assert rows[f"close_{name}"].to_numpy()[at >= 0].tolist() == wanted.tolist(), name
        assert rows[f"close_{name}"][at < 0].isna().all(), "a bar that has not closed is not shown"
        volume = longer["volume"]
        rvol = (volume / volume.shift(1).rolling(20).mean()).to_numpy()[at[at >= 0]]
        np.testing.assert_allclose(rows[f"rvol_{name}"].to_numpy()[at >= 0], rvol, rtol=1e-9, err_msg=name)
        short = (longer["parts"] < longer["due"]).cumsum().to_numpy()[at[at >= 0]]
        told = rows.get(f"bars_incomplete_{name}", pd.Series(np.nan, index=rows.index))
        assert told.fillna(0.0).to_numpy()[at >= 0].tolist() == short.tolist(), name
        counts[name] = (len(longer), int((longer["parts"] < longer["due"]).sum()))
    return counts


@pytest.mark.parametrize("symbol", [BTC, ETH])
def test_an_outage_of_five_minute_bars_is_one_short_bar_of_each_length_and_nothing_is_filled(symbol: str) -> None:
    bars = coins(*WEEKS)[0].query("symbol == @symbol").reset_index(drop=True)
    assert np.diff(bars["end_ns"]).max() == OUTAGE[1] - OUTAGE[0] == 85 * 60 * 1_000_000_000
    rows = table_of(coin_facts(*WEEKS), coin_messages(*WEEKS), symbol)
    counts = check_longer_bars(rows, bars, {"15m": 15, "1h": 60, "4h": 240}, 5, None)
    days = 49
    # Wholly absent are five quarters and the hour to 14:00; the quarter to 12:45, the hour and the four are short.
    assert counts == {"15m": (96 * days - 5, 1), "1h": (24 * days - 1, 1), "4h": (6 * days, 1)}
    assert not ((rows.index > OUTAGE[0]) & (rows.index < OUTAGE[1])).any(), "nothing is said while nothing comes"


def test_hourly_bars_with_outages_of_hours_make_short_bars_of_four() -> None:
    """A year with outages of 2 to 11 hours, none of which leaves a bar open at midnight."""
    bars = read_bars("crypto/BTCUSDT_1h_2017_2024.parquet", minutes=60, first="2019-01-01", last="2020-01-01")
    gaps = np.diff(bars["end_ns"]) // 3_600_000_000_000
    assert sorted(gaps[gaps > 1].tolist()) == [3, 3, 7, 9, 11]
    messages = setup(bars, sessions_of(bars, "24/7"), "spot", bar_timeframe_s=3600, **COINS) + bar_messages(bars, 3600)
    facts = play(fold, fold.initial(), messages)
    assert not_finite(facts) == []
    rows = table_of(facts, messages, BTC)
    assert len(rows) == len(bars)
    counts = check_longer_bars(rows.iloc[4:], bars, {"4h": 240}, 60, None)
    assert counts["4h"][1] >= 5
    longer = resampled(bars, 240, 60)
    worth = (longer["high"] + longer["low"] + longer["close"]) / 3.0 * longer["volume"]
    day = (longer["end_ns"] - 1) // 86_400_000_000_000
    vwap = worth.groupby(day).cumsum() / longer["volume"].groupby(day).cumsum()
    at = seen_at(rows.index.to_numpy(), longer["known_ns"])
    np.testing.assert_allclose(rows["vwap_4h"].to_numpy()[at >= 0], vwap.to_numpy()[at[at >= 0]], rtol=1e-9)


def test_minutes_of_a_fund_make_longer_bars_from_the_opening_of_each_session() -> None:
    """Twelve sessions of one-minute bars, the last of which breaks off 36 minutes before its close."""
    raw = read_bars("intraday_equity/SPY_1m_20240326_20250402.parquet", minutes=1, symbol="SPY", first="2025-03-18")
    sessions = sessions_of(raw, "XNYS")
    bars = in_sessions(raw, sessions)
    messages = setup(bars, sessions, "stock", bar_timeframe_s=60, feature_row_every_s=300) + bar_messages(bars, 60)
    facts = play(fold, fold.initial(), messages)
    assert not_finite(facts) == []
    rows = table_of(facts, messages, "SPY")
    minutes = {"5m": 5, "15m": 15, "1h": 60, "4h": 240}
    known = rows[rows.index > int(bars["end_ns"].iloc[0]) + 240 * 60_000_000_000]
    longer = resampled(bars, 240, 1, sessions)
    assert longer["due"].tolist() == [240, 150] * 12
    assert check_longer_bars(known, bars, minutes, 1, sessions)["15m"][0] == 26 * 12 - 2


def test_every_published_number_is_finite_and_the_three_coin_strategies_propose() -> None:
    facts = coin_facts(*WEEKS)
    assert not_finite(facts) == []
    assert of_kind(facts, FeatureFailed) == []
    for kind in (FeatureRow, ProfileBuilt, RegimeReport):
        assert all(of_kind(facts, kind, symbol) for symbol in (BTC, ETH)), kind
    proposals = of_kind(facts, Proposal)
    assert {p.strategy for p in proposals if p.underlying == BTC} == set(TRADES)
    for p in proposals:
        close, stop, target = p.why["close"], p.why["stop"], p.why["target"]
        assert close is not None
        assert stop is not None
        assert 0.0 < stop < close
        assert (target is None) == (p.strategy == "crypto_trend"), "a trend has no target, it is held"
        assert target is None or close < target
        assert all(p.gates.values())
        assert p.natural_ticks <= p.limit_ticks == p.max_loss_ticks
        assert 0.0 < p.score <= 1.0
        assert all(0.0 <= factor <= 1.0 for factor in p.multipliers.values())


def test_the_same_bars_give_the_same_bytes_twice() -> None:
    messages = coin_messages(*DAYS)
    assert lines(play(fold, fold.initial(), messages)) == lines(coin_facts(*DAYS))


def test_an_end_and_another_future_change_no_earlier_byte() -> None:
    """Cut off before, inside and behind the outage; then with prices a fifth higher from there on."""
    messages, whole = coin_messages(*DAYS), lines(coin_facts(*DAYS))
    seqs = [seq for seq, _ in coin_facts(*DAYS)]
    for instant in (OUTAGE[0] - 3_600_000_000_000, OUTAGE[0], OUTAGE[1]):
        cut = next(i for i, m in enumerate(messages) if m.ts_ns > instant)
        before = sum(seq <= cut for seq in seqs)
        assert 0 < before < len(whole)
        state = fold.initial()
        assert lines(play(fold, state, messages[:cut])) == whole[:before]
        later = [m.events[0].model_dump() for m in messages[cut:]]
        raised = [{**e, **{k: tuple(1.2 * x for x in e[k]) for k in ("open", "high", "low", "close")}} for e in later]
        kind = type(messages[cut].events[0])
        other = [Message(m.ts_ns, (kind(**e),)) for m, e in zip(messages[cut:], raised, strict=True)]
        facts = play(fold, fold.initial(), messages[:cut] + other)
        assert lines([pair for pair in facts if pair[0] <= cut]) == whole[:before]
        assert lines(facts) != whole


def test_a_restart_from_a_snapshot_changes_no_byte() -> None:
    """In quiet, in the middle of every longer bar, and on both sides of the outage."""
    messages, codec = coin_messages(*DAYS), StateCodec(fold)
    at = next(i for i, m in enumerate(messages) if m.ts_ns == OUTAGE[1])
    cuts = (2, 500, at - 1, at, at + 1, at + 2, 1_700)
    state, facts, done = fold.initial(), [], 0
    for cut in (*cuts, len(messages)):
        facts += play(fold, state, messages[done:cut], done + 1)
        data = codec.dump(state)
        state, done = codec.load(data), cut
        assert codec.dump(state) == data
    assert lines(facts) == lines(coin_facts(*DAYS))


@cache
def funds(names: tuple[str, ...], first: str, last: str) -> tuple[list[Message], Facts]:
    """Five-minute bars of funds inside the sessions."""
    path = "intraday_equity/etf_and_megacap_5m_202505_202603.parquet"
    raw = read_bars(path, minutes=5, zone="America/New_York", first=first, last=last)
    sessions = sessions_of(raw, "XNYS")
    bars = in_sessions(raw[raw["symbol"].isin(names)].reset_index(drop=True), sessions)
    messages = setup(bars, sessions, "stock", bar_timeframe_s=300, feature_row_every_s=1800) + bar_messages(bars, 300)
    return messages, play(fold, fold.initial(), messages)


def test_sectors_side_by_side_are_each_what_they_are_alone() -> None:
    """A month of the ten funds: nothing of one reaches another."""
    span = ("2025-11-10", "2025-12-12")
    messages, facts = funds(SECTORS, *span)
    assert not_finite(facts) == []
    assert of_kind(facts, FeatureFailed) == []
    sessions = 23  # Thanksgiving is none, the day after is a half
    for name in SECTORS:
        assert len(of_kind(facts, FeatureRow, name)) == 13 * (sessions - 1) + 7
    for name in ("XLE", "XLK"):
        alone = funds((name,), *span)[1]
        mine = [fact for _, fact in facts if getattr(fact, "symbol", None) == name]
        assert [fact for _, fact in alone] == mine
    rows = table_of(facts, messages, "XLF")
    assert rows.filter(like="bars_incomplete").empty, "no bar of a session is missing here"

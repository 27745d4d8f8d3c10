"""Numbers of the feature rows on real bars: TA-Lib's, volumes that jump, and the regimes of the three detectors."""

from collections import Counter
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import talib

from contango_common.domain.sessions import Sessions
from contango_common.events.fit import MixtureFitted
from contango_common.events.market import BarHistory, Bars
from contango_common.events.signal import FeatureFailed, FeatureRow, RegimeReport
from contango_signals import fold
from contango_signals.fitters import fold as fitters
from contango_signals.regimes import s0, s1, s2
from support.real_bars import (
    DATA,
    PRICES,
    Facts,
    bar_messages,
    in_sessions,
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
Floats = npt.NDArray[np.float64]
FADED = 630  # bars of 14 after which TA-Lib's other beginning of ATR and ADX is below the tolerance


def peers(bars: pd.DataFrame) -> dict[str, Floats]:
    """TA-Lib on the columns of some bars, by the names of the features."""
    high, low, close = (bars[name].to_numpy(dtype=np.float64) for name in ("high", "low", "close"))
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    return {
        "rsi": talib.RSI(close, 14),
        "bb_middle": middle,
        "bb_width": (upper - lower) / middle,
        "bb_position": (close - lower) / (upper - lower),
        "ema_slow": talib.EMA(close, 20),
        "sma_long": talib.SMA(close, 200),
        "atr": talib.ATR(high, low, close, 14),
        "adx": talib.ADX(high, low, close, 14),
        "plus_di": talib.PLUS_DI(high, low, close, 14),
        "minus_di": talib.MINUS_DI(high, low, close, 14),
    }


def check_against_peers(rows: pd.DataFrame, timeframe: str, longer: pd.DataFrame, least: int) -> None:
    """Every row against the last bar known; None and nan at the same rows where both begin alike."""
    at = seen_at(rows.index.to_numpy(), longer["known_ns"])
    for name, wanted in peers(longer).items():
        begins_alike = name not in ("atr", "adx", "plus_di", "minus_di")
        warm = at >= (0 if begins_alike else FADED)
        got, want = rows[f"{name}_{timeframe}"].to_numpy()[warm], wanted[at[warm]]
        # TA-Lib takes the bands' variance as a difference of large sums: positions near 0 need an absolute bound too.
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9, err_msg=f"{name}_{timeframe}")
        assert np.isfinite(got).sum() >= least


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_indicators_of_five_and_fifteen_minutes_are_those_of_talib_across_an_outage(symbol: str) -> None:
    path = f"crypto/{symbol}_5m_202208_202309.parquet"
    bars = read_bars(path, minutes=5, first="2023-03-10", last="2023-03-31")
    messages = setup(bars, sessions_of(bars, "24/7"), "spot", bar_timeframe_s=300, feature_row_every_s=900)
    messages += bar_messages(bars, 300)
    rows = table_of(play(fold, fold.initial(), messages), messages, symbol)
    check_against_peers(rows, "5m", bars.assign(known_ns=bars["end_ns"]), 1_700)
    check_against_peers(rows, "15m", resampled(bars, 15, 5), 1_300)


def test_indicators_of_one_and_four_hours_are_those_of_talib_across_outages() -> None:
    bars = read_bars("crypto/BTCUSDT_1h_2017_2024.parquet", minutes=60, first="2018-01-01", last="2018-12-31")
    assert (np.diff(bars["end_ns"]) > 3_600_000_000_000).sum() == 7
    messages = setup(bars, sessions_of(bars, "24/7"), "spot", bar_timeframe_s=3600) + bar_messages(bars, 3600)
    rows = table_of(play(fold, fold.initial(), messages), messages, "BTCUSDT")
    check_against_peers(rows, "1h", bars.assign(known_ns=bars["end_ns"]), 7_900)
    check_against_peers(rows, "4h", resampled(bars, 240, 60), 6_000)


# -- volume that jumps ------------------------------------------------------------------------------------------------

FUND = "intraday_equity/etf_and_megacap_5m_202505_202603.parquet"
JUMP = pd.Timestamp("2025-11-17T14:30", tz="UTC").value  # a Monday's opening
RATIO = 36.0  # consolidated over one venue's volume, as the source's own files have it before and after their change
ON_VOLUME = ("volume", "obv", "cmf", "rvol", "vwap", "poc", "value_", "in_low", "at_key")


@cache
def fund_bars() -> tuple[pd.DataFrame, Sessions]:
    bars = read_bars(FUND, minutes=5, zone="America/New_York", first="2025-11-03", last="2025-12-02")
    sessions = sessions_of(bars, "XNYS")
    return in_sessions(bars[bars["symbol"] == "SPY"].reset_index(drop=True), sessions), sessions


@cache
def fund_rows(jumps: bool) -> tuple[pd.DataFrame, Facts]:
    """Rows of SPY with its volumes as they are, or as one venue's alone until the jump."""
    bars, sessions = fund_bars()
    if jumps:
        bars = bars.assign(volume=np.where(bars["end_ns"] > JUMP, bars["volume"], bars["volume"] / RATIO))
    messages = setup(bars, sessions, "stock", bar_timeframe_s=300, feature_row_every_s=300) + bar_messages(bars, 300)
    facts = play(fold, fold.initial(), messages)
    return table_of(facts, messages, "SPY"), facts


def test_a_jump_of_volume_is_a_jump_of_relative_volume_and_no_error() -> None:
    """Real volumes, of which the earlier ones are a thirty-sixth: what a feed does that begins to be consolidated."""
    (plain, _), (jumped, facts) = fund_rows(False), fund_rows(True)
    assert not_finite(facts) == []
    assert of_kind(facts, FeatureFailed) == []
    assert len(of_kind(facts, FeatureRow)) == len(fund_bars()[0])
    first = int(np.searchsorted(jumped.index.to_numpy(), JUMP, side="right"))
    assert jumped["rvol_5m"].iloc[first] == pytest.approx(RATIO * plain["rvol_5m"].iloc[first])
    assert jumped["rvol_5m"].iloc[first] > 5.0 * jumped["rvol_5m"].iloc[:first].max()
    assert 1.0 < jumped["rvol_5m"].iloc[first + 19] / plain["rvol_5m"].iloc[first + 19] < RATIO


def test_the_jump_has_left_each_timeframe_after_its_window_and_nothing_else_has_moved() -> None:
    (plain, _), (jumped, _) = fund_rows(False), fund_rows(True)
    bars, sessions = fund_bars()
    for name, minutes in {"5m": 5, "15m": 15, "1h": 60, "4h": 240}.items():
        longer = bars.assign(known_ns=bars["end_ns"]) if minutes == 5 else resampled(bars, minutes, 5, sessions)
        at = seen_at(jumped.index.to_numpy(), longer["known_ns"])
        since = at - int((longer["end_ns"] <= JUMP).sum())  # bars of this length behind the jump, from 0
        ratio = jumped[f"rvol_{name}"].to_numpy() / plain[f"rvol_{name}"].to_numpy()
        known = np.isfinite(ratio)
        np.testing.assert_allclose(ratio[known & ((since < 0) | (since >= 20))], 1.0, rtol=1e-9, err_msg=name)
        assert (ratio[known & (since >= 0) & (since < 20)] > 1.0).all(), name
    others = [name for name in plain.columns if not name.startswith(ON_VOLUME)]
    assert len(others) > 100
    pd.testing.assert_frame_equal(plain[others], jumped[others])


# -- regimes ----------------------------------------------------------------------------------------------------------


def regimes(facts: Facts, symbol: str) -> dict[str, Counter[str | None]]:
    """Labels by detector, None for an abstention; each report has a label or a reason, never both or neither."""
    found: dict[str, Counter[str | None]] = {}
    for report in of_kind(facts, RegimeReport, symbol):
        assert (report.label is None) != (report.abstain is None), report
        assert report.abstain != ""
        assert (report.posterior == {}) == (report.label is None) or report.detector == "s0"
        assert sum(report.posterior.values()) == pytest.approx(1.0) or not report.posterior
        found.setdefault(report.detector, Counter())[report.label] += 1
    return found


def index_and_volatility(first: str, last: str) -> tuple[pd.DataFrame, Sessions]:
    """Five-minute bars of the index and of its volatility index at the index's instants."""
    spx = read_bars("intraday_index/SPX_5m_20250210_20260213.parquet", minutes=5, first=first, last=last)
    vix = read_bars("intraday_index/VIX_5m_2025_2026.parquet", minutes=5, first=first, last=last)
    sessions = sessions_of(spx, "XNYS")
    spx = in_sessions(spx, sessions)
    bars = pd.concat([spx, vix[vix["end_ns"].isin(spx["end_ns"])]])
    return bars.sort_values(["end_ns", "symbol"]).reset_index(drop=True), sessions


def with_days(messages: list[Message], bars: pd.DataFrame, sessions: Sessions) -> list[Message]:
    """Behind each session's last bar its daily bars, made of the session's."""
    closes, due = dict(zip(sessions.close_ns, sessions.open_ns, strict=True)), []
    for message in messages:
        due.append(message)
        opened = closes.get(message.ts_ns)
        if opened is None:
            continue
        day = bars[(bars["end_ns"] > opened) & (bars["end_ns"] <= message.ts_ns)].groupby("symbol")
        table = day.agg({"open": "first", "high": "max", "low": "min", "close": "last"})
        columns = {name: tuple(table[name].tolist()) for name in PRICES}
        due.append(Message(message.ts_ns, (Bars(timeframe_s=86_400, symbols=tuple(table.index), **columns),)))
    return due


def history(symbol: str, table: pd.DataFrame) -> BarHistory:
    """Daily bars of before, as one fact."""
    block = {"ts_ns": table["end_ns"].to_numpy(), **{name: table[name].to_numpy() for name in PRICES}}
    event = BarHistory(symbol=symbol, timeframe_s=86_400, rows=len(table), bars=f"history-{symbol}")
    event.attach({event.bars: block})
    return event


def test_the_index_intraday_is_told_by_rules_and_the_mixture_says_why_it_keeps_silent() -> None:
    """Four months of five-minute bars; the sessions before, without the volatility index, come as history."""
    spx = read_bars("intraday_index/SPX_5m_20250210_20260213.parquet", minutes=5)
    bars, sessions = index_and_volatility("2025-08-12", "2025-12-20")
    early = sessions_of(spx, "XNYS")
    before = resampled(in_sessions(spx[spx["end_ns"] < bars["end_ns"].iloc[0]], early), 390, 5, early)
    messages = setup(bars, sessions, "index", bar_timeframe_s=300, bank={"sma_long": 100})
    messages.insert(2, Message(messages[0].ts_ns, (history("SPX", before),), "reference"))
    messages += with_days(bar_messages(bars, 300), bars, sessions)
    facts = play(fold, fold.initial(), messages)
    assert not_finite(facts) == []
    assert of_kind(facts, FeatureFailed) == []
    found = regimes(facts, "SPX")
    assert set(found) == {"s0", "s1", "s2"}
    assert set(found["s1"]) - {None} == set(s1.LABELS)
    assert set(found["s2"]) - {None} <= set(s2.LABELS)
    assert len(found["s2"]) >= 2
    assert found["s0"] == {None: 1}
    abstained = [r.abstain for r in of_kind(facts, RegimeReport, "SPX") if r.detector == "s0"]
    assert abstained == ["no mixture has been fitted"]


def test_the_mixture_and_the_five_states_on_the_index_through_the_crash_of_2020() -> None:
    """Daily bars of 2017 to 2020 through the fitting oracle and the fold: each fit counts from the next session on."""
    path = "daily/index_etf_daily_1927_2026.parquet"
    raw = read_bars(path, minutes=21 * 60, first="2017-01-01", last="2020-07-01")
    bars = raw[raw["symbol"].isin(["GSPC", "VIX"])].reset_index(drop=True)
    bars.loc[bars["symbol"] == "VIX", "volume"] = np.nan
    small = {"s0": {"components_max": 3}}
    messages = setup(bars, sessions_of(bars, "XNYS"), "index", assets=["GSPC"], regimes=small)
    log = with_fits(messages + bar_messages(bars, 86_400))
    assert sum(isinstance(event, MixtureFitted) for m in log for event in m.events) >= 15
    facts = play(fold, fold.initial(), log)
    assert not_finite(facts) == []
    assert of_kind(facts, FeatureFailed) == []
    found = regimes(facts, "GSPC")
    assert set(found["s0"]) - {None} <= set(s0.LABELS)
    assert {"bull_low_vol", "bear_high_vol"} <= set(found["s0"])
    assert {"CRASH_MODE", "BULL_TREND", "LOW_VOL_RANGE"} <= set(found["s2"]) - {None} <= set(s2.LABELS)
    crash = pd.Timestamp("2020-03-16T22:00", tz="UTC").value
    before = [r for seq, r in facts if isinstance(r, RegimeReport) and log[seq - 1].ts_ns < crash]
    last = {report.detector: report.label for report in before}
    assert last == {"s0": "bear_high_vol", "s2": "CRASH_MODE"}


def with_fits(messages: list[Message]) -> list[Message]:
    """Behind each message what the fitting oracle answers to it."""
    state, log = fitters.initial(), []
    for message in messages:
        found = play(fitters, state, [message])
        log += [message, Message(message.ts_ns, tuple(fact for _, fact in found), "fit")] if found else [message]
    return log

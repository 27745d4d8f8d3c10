"""Statistics on real prices: known falls of the S&P 500, betas and volatilities in their places, VIX's reversion."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contango_inference.stationarity import stationarity
from contango_quant.stats import (
    annual,
    beta,
    correlation,
    deflated,
    drawdown,
    ewma,
    ou,
    ou_signal,
    realised,
    sharpe,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"market data not found at {DATA}"),
]


@pytest.fixture(scope="module")
def daily():
    """Frames of daily bars by symbol, days ascending, to the end of 2021."""
    table = pd.read_parquet(DATA / "daily" / "index_etf_daily_1927_2026.parquet")
    table["day"] = pd.to_datetime(table["ts"]).values.astype("datetime64[D]")
    table = table[table["day"] < np.datetime64("2022-01-01")]
    return {symbol: rows.sort_values("day") for symbol, rows in table.groupby("symbol")}


def column(frame, name):
    return frame[name].to_numpy(dtype=np.float64)


def days_of(frame):
    return frame["day"].to_numpy().astype("datetime64[D]")


def bars_of(frame):
    return {"open_": column(frame, "open")} | {name: column(frame, name) for name in ("high", "low", "close")}


@pytest.mark.parametrize(
    ("peak", "trough", "recovery", "depth"),
    [
        ("1929-09-16", "1932-06-01", "1954-09-22", 0.862),
        ("2000-03-24", "2002-10-09", "2007-05-30", 0.491),
        ("2007-10-09", "2009-03-09", "2013-03-28", 0.568),
        ("2020-02-19", "2020-03-23", "2020-08-18", 0.339),
    ],
)
def test_the_great_falls_of_the_index(daily, peak, trough, recovery, depth):
    """Dates and depths of the S&P 500's closing bear markets, as S&P Dow Jones Indices and many others print them."""
    days, close = days_of(daily["GSPC"]), column(daily["GSPC"], "close")
    found = {str(days[e.peak]): e for e in drawdown.episodes(close)}[peak]
    assert str(days[found.trough]) == trough
    assert str(days[found.recovery]) == recovery
    assert found.depth == pytest.approx(depth, abs=0.001)


def test_beta_of_the_nasdaq_is_that_of_pandas_and_above_one(daily):
    spy, qqq = daily["SPY"], daily["QQQ"]
    got = beta.dynamic_beta(days_of(qqq), column(qqq, "close"), days_of(spy), column(spy, "close"))
    both = pd.concat(
        [qqq.set_index("day")["close"], spy.set_index("day")["close"]], axis=1, join="inner", keys=["a", "b"]
    )
    returns = np.log(both).diff().dropna()
    ewm = returns.ewm(halflife=20, adjust=True)
    cov = ewm.cov(bias=True).iloc[-2:]
    assert got.ewma.beta == pytest.approx(cov.loc[(slice(None), "a"), "b"].iloc[0] / cov.iloc[1]["b"], rel=1e-9)
    for window, estimate in ((20, got.rolling_20), (60, got.rolling_60)):
        tail = returns.tail(window)
        assert estimate.beta == pytest.approx(tail["a"].cov(tail["b"]) / tail["b"].var(), rel=1e-9)
    assert 0.9 < got.blend.beta < 1.6
    assert 0.01 < got.blend.se < 0.2
    assert 0.8 < got.correlation < 1.0
    assert got.returns == len(returns)


def test_beta_ignores_days_that_one_side_lacks(daily):
    spy, qqq = daily["SPY"].tail(400), daily["QQQ"].tail(400)
    holes = np.random.default_rng(1).random(400) > 0.05
    full = beta.dynamic_beta(days_of(qqq), column(qqq, "close"), days_of(spy), column(spy, "close"))
    some = beta.dynamic_beta(days_of(qqq)[holes], column(qqq, "close")[holes], days_of(spy), column(spy, "close"))
    assert some.returns == holes.sum() - 1
    assert some.blend.beta == pytest.approx(full.blend.beta, abs=4.0 * full.blend.se)


def test_range_volatility_of_the_index_fund_agrees_with_closes(daily):
    """2,000 days of SPY: Yang and Zhang with nights near close to close, sessions alone below it."""
    bars = bars_of(daily["SPY"].tail(2001))
    some = {"window": 2000, "periods_per_year": annual.US_EQUITY_PERIODS_PER_YEAR["1d"]}
    closes = realised.close_to_close(bars["close"], **some)[-1]
    assert 0.14 < closes < 0.20
    assert realised.yang_zhang(**bars, **some)[-1] == pytest.approx(closes, rel=0.12)
    assert realised.rogers_satchell(**bars, **some)[-1] < closes
    assert realised.garman_klass(**bars, **some)[-1] < closes


def test_a_year_of_minutes_of_the_index_fund_annualises_like_its_days():
    """Taking 5 minutes for a day is wrong by √78 ≈ 9."""
    table = pd.read_parquet(DATA / "intraday_equity" / "SPY_1m_20240326_20250402.parquet").sort_values("ts")
    close = table.set_index("ts")["close"].astype(float)
    day = close.groupby(close.index.date).last().to_numpy()
    truth = realised.close_to_close(day, window=day.size - 1, periods_per_year=252.0)[-1]
    for minutes in (5, 15, 60):
        bars = close.iloc[minutes - 1 :: minutes].to_numpy()
        periods = annual.us_equity_periods_per_year(float(minutes))
        found = realised.close_to_close(bars, window=bars.size - 1, periods_per_year=periods)[-1]
        assert found == pytest.approx(truth, rel=0.2), minutes


def test_five_minutes_of_bitcoin_annualise_like_its_days():
    table = pd.read_parquet(DATA / "crypto" / "BTCUSDT_5m_202208_202309.parquet").sort_values("ts")
    close = column(table, "close")[:60_001]
    fine = realised.close_to_close(close, window=60_000, periods_per_year=annual.CRYPTO_PERIODS_PER_YEAR["5m"])[-1]
    days = close[::288]
    coarse = realised.close_to_close(days, window=days.size - 1, periods_per_year=365.0)[-1]
    assert fine == pytest.approx(coarse, rel=0.25)


def test_log_vix_reverts_over_decades_but_a_year_hardly_shows_it(daily):
    """1990-2021: identified, half-life of one to three months. Year by year: mostly not identified."""
    log_vix = np.log(column(daily["VIX"], "close"))
    whole = ou.fit(log_vix[-7500:])
    assert whole.identified
    assert 15.0 < whole.half_life_low_days < whole.half_life_days < whole.half_life_high_days < 90.0
    assert 14.0 < math.exp(whole.mean) < 23.0
    years = [ou.fit(log_vix[end - 252 : end]) for end in range(log_vix.size, 252 * 5, -252 * 2)]
    known = [fit for fit in years if fit.identified]
    assert 0.1 < len(known) / len(years) < 0.8
    # What one year shows is nearly always shorter than what the decades do by plain least squares.
    plain = [ou.fit_euler(log_vix[end - 252 : end], dt=1.0).half_life for end in range(log_vix.size, 252 * 5, -504)]
    assert np.median([x for x in plain if x is not None]) < 0.6 * whole.half_life_days


def test_the_crash_of_2020_is_a_sale_and_nothing_is_said_without_reversion(daily):
    frame = daily["VIX"]
    days, log_vix = days_of(frame), np.log(column(frame, "close"))
    fit = ou.fit(log_vix[days < np.datetime64("2020-02-20")][-5000:])
    crash = float(log_vix[days == np.datetime64("2020-03-16")][0])  # 82.69, the highest close
    z, signal = ou_signal.latest(fit, crash)
    assert z > 3.0
    assert signal == ou_signal.SELL
    walk = ou.fit(np.log(column(daily["GSPC"], "close"))[-2500:])
    assert walk.reason == ou.UNIT_ROOT
    assert ou_signal.latest(walk, 9.0) == (None, ou_signal.SUPPRESSED)


def test_stationarity_of_vix_and_of_the_index(daily):
    vix = stationarity(np.log(column(daily["VIX"], "close"))[-1500:], half_life_samples=40.0)
    assert vix.adf_p < 0.01
    assert not vix.low_power
    index = stationarity(np.log(column(daily["GSPC"], "close"))[-1500:], half_life_samples=40.0)
    assert index.verdict == "unit_root"
    year = stationarity(np.log(column(daily["VIX"], "close"))[-252:], half_life_samples=60.0)
    assert year.low_power


def test_sharpe_ratio_of_the_index_fund_is_known_only_roughly(daily):
    """29 years of SPY's price: about 0.5 a year, give or take 0.3."""
    close = column(daily["SPY"], "close")
    returns = close[1:] / close[:-1] - 1.0
    got = sharpe.interval(returns, periods_per_year=252.0, level=0.9)
    assert 0.3 < got.sharpe < 0.8
    assert 0.4 < got.high - got.low < 0.9
    moments = deflated.moments(returns)
    assert moments.kurtosis > 8.0
    shape = {"skewness": moments.skewness, "kurtosis": moments.kurtosis}
    assert deflated.probabilistic_sharpe(moments.sharpe, benchmark=0.0, samples=moments.samples, **shape) > 0.98
    needed = deflated.min_track_record(moments.sharpe, benchmark=0.0, **shape) / 252.0
    assert 5.0 < needed < 25.0


def test_sectors_shrink_little_and_stay_a_correlation_matrix():
    table = pd.read_parquet(DATA / "daily" / "sector_etf_daily_1998_2026.parquet")
    table = table[table["ts"].astype(str) < "2022"]
    wide = table.pivot_table(index="ts", columns="symbol", values="close").dropna().tail(505)
    returns = np.log(wide).diff().dropna().to_numpy()
    year, month = (correlation.shrunk_correlation(returns[-n:]) for n in (504, 21))
    for found in (year, month):
        assert np.linalg.eigvalsh(found.correlation).min() > 0.0
    assert year.intensity < month.intensity


def test_weighted_beta_of_twenty_years_is_that_of_pandas(daily):
    spy, qqq = (np.diff(np.log(column(daily[s], "close")[-5001:])) for s in ("SPY", "QQQ"))
    x, y = pd.Series(spy), pd.Series(qqq)
    want = y.ewm(halflife=20, adjust=True).cov(x, bias=True) / x.ewm(halflife=20, adjust=True).var(bias=True)
    np.testing.assert_allclose(ewma.ewma_beta(qqq, spy, halflife=20.0)[1:], want[1:], rtol=1e-9)

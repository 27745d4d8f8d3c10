"""Earnings moves on real announcements: coverage, skill against the naive forecast, and no skill in the direction."""

import csv
import gzip
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from contango_inference.earnings import checks
from contango_inference.earnings.build import Inputs, build, distinct
from contango_inference.earnings.dataset import dataset
from contango_inference.earnings.evaluate import evaluate, has_direction
from contango_inference.earnings.events import DailyBars
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.walk import walk
from contango_research.earnings.read import read_bars, read_events
from contango_research.earnings.scores import scores_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EARNINGS = DATA / "earnings"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not EARNINGS.exists(), reason="no earnings data in ../shared/data/earnings"),
]
PARAMS = EarningsParams(trees=80, fold_years=4)
EIGHT = ("AAPL", "AIG", "BAC", "FB", "GOOG", "GOOGL", "IBM", "WM")


def write_csv(path: Path, names: list[str], rows: list[list[object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(["" if cell is None or cell != cell else cell for cell in row] for row in rows)
    return path


def windows(folder: Path) -> Path:
    """The windows around announcements as a table of events; the time of day is read off the dates of the closes."""
    rows: list[list[object]] = []
    for r in pq.read_table(EARNINGS / "benkaiser_earnings_windows.parquet").to_pylist():
        date, before, after = f"{r['earnings_date']:%Y-%m-%d}", r["pre_last_date"], r["post_first_date"]
        time = "amc" if before == date else "bmo" if after == date else "unknown"
        prices = [before, r["pre_close"], after, r["post_close"], r["rv_pre_ann"]]
        rows.append([r["ticker"], date, time, r["eps_est"], r["eps"], *prices])
    names = ["symbol", "date", "time", "eps_est", "eps", "pre_date", "pre_close", "post_date", "post_close", "vol"]
    return write_csv(folder / "events.csv", names, rows)


def series(folder: Path) -> dict[str, DailyBars]:
    """S&P 500 and VIX as one table of daily bars."""
    found: list[list[object]] = []
    for file, symbol, time in (
        (DATA / "daily/index_etf_daily_1927_2026.parquet", "GSPC", "ts"),
        (DATA / "vol_indices/cboe_vix_vix9d_vix3m_skew_daily.parquet", "VIX", "date"),
    ):
        for r in pq.read_table(file, filters=[("symbol", "==", symbol)]).to_pylist():
            if r[time].year > 1985:
                found.append([symbol, f"{r[time]:%Y-%m-%d}", r["open"], r["high"], r["low"], r["close"]])
    return read_bars([write_csv(folder / "bars.csv", ["symbol", "date", "open", "high", "low", "close"], found)])


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("earnings")
    held = series(folder)
    events, twice = distinct(read_events(windows(folder)))
    return events, twice, Inputs(vix=held["VIX"], market=held["GSPC"])


@pytest.fixture(scope="module")
def tables(real):
    events, _, inputs = real
    return build(events, inputs)


@pytest.fixture(scope="module")
def judged(tables):
    data = dataset(tables)
    made = walk(data, PARAMS)
    return data, made, evaluate(data, made)


def test_counts(real, tables):
    """All rows of the file are announcements, duplicates aside; nine in ten have a move."""
    events, twice, _ = real
    rows = pq.ParquetFile(EARNINGS / "benkaiser_earnings_windows.parquet").metadata.num_rows
    assert len(events) + twice == rows
    assert rows > 6_000
    known = int(np.isfinite(tables.labels.move).sum())
    mean = np.nanmean(np.abs(tables.labels.move))
    print(f"\n{rows:,} rows, {twice} twice, {known:,} with a move; mean |move| {mean:.4f}")
    assert 0.85 < known / len(events) < 1.0
    reasons = {r.replace(e.symbol, "…") for r, e in zip(tables.labels.reasons, tables.events, strict=True) if r}
    assert reasons <= {
        "no bars and no prices around the announcement of …",
        "the prices given as before and after do not stand around the announcement",
        "no close of … within 7 days before",
        "no close of … within 7 days after",
    }


def test_nothing_is_known_too_late_and_no_feature_is_too_good(tables):
    assert checks.late(tables) == []
    assert checks.late_labels(tables) == 0
    assert checks.suspects(dataset(tables)) == []


def test_no_feature_notices_a_corrupted_future(real):
    events, _, inputs = real
    assert checks.notices_future(events, inputs, [events[len(events) * k // 3].earliest_ns for k in (1, 2)]) == []


def test_coverage_is_shown_with_reasons(tables):
    by_name = {c.feature: c for c in checks.covered(tables)}
    assert by_name["abs_move_mean_8q"].share > 0.9
    assert by_name["hv_10"].share > 0.9
    assert by_name["atr_pct_20"].share == 0.0
    assert "no daily bars" in by_name["atr_pct_20"].reason
    quality = np.mean(tables.groups[0].values[:, tables.groups[0].names.index("quality")])
    print(f"\nmean quality {quality:.3f}")
    assert quality > 0.7


def test_eighty_per_cent_intervals_hold_eighty_per_cent(judged):
    """Out of sample over two decades: 77 to 83 % of all, and of every era 74 to 86 %."""
    _, _, found = judged
    shipped = next(m for m in found.magnitude if m.model == "forest")
    assert 0.77 < shipped.coverage.value < 0.83
    assert all(0.74 < era.coverage.value < 0.86 for era in found.eras)


def test_the_size_of_the_move_can_be_forecast_better_than_by_its_mean(judged, capsys):
    """Pinball skill over the calibrated naive forecast about 4 %; its 90 % block bootstrap interval is above 1 %."""
    _, _, found = judged
    with capsys.disabled():
        Console(width=120).print(scores_table(found))
        print(*found.verdict, sep="\n")
    shipped = next(m for m in found.magnitude if m.model == "forest")
    assert shipped.against_naive.skill.low > 0.01
    assert 0.02 < shipped.against_naive.skill.value < 0.10
    assert shipped.against_naive.p_two_sided < 0.01
    assert shipped.crps < next(m for m in found.magnitude if m.model == "naive").crps
    assert found.verdict[0].startswith("magnitude: evidence of skill")


def test_the_direction_cannot(judged):
    """Brier skill of the regression against the base rate is not above 0, and its AUC is that of a coin."""
    _, _, found = judged
    assert not has_direction(found.direction)
    logistic = next(d for d in found.direction if d.model == "logistic")
    assert -0.04 < logistic.against_base_rate.skill.value < 0.005
    assert 0.47 < logistic.auc.value < 0.55
    assert found.verdict[1].startswith("direction: no evidence of skill")


def test_no_forecast_before_a_corrupted_future_changes(tables):
    """The whole way from tables to forecasts, on real moves: everything after 2015 replaced."""
    data = dataset(tables)
    fast = PARAMS.model_copy(update={"trees": 5, "boosting_rounds": 5})
    later = data.date >= 20160101
    corrupt = replace(data, move=np.where(later, 0.5, data.move), values=np.where(later[:, None], -9.0, data.values))
    one, other = walk(data, fast), walk(corrupt, fast)
    early = data.date[one.rows] < 20160101
    assert early.sum() > 1_000
    for name in one.quantiles:
        np.testing.assert_array_equal(one.quantiles[name][early], other.quantiles[name][early], err_msg=name)


def test_a_planted_leak_is_caught_among_real_features(tables):
    data = dataset(tables)
    noise = np.random.default_rng(0).standard_normal(len(data.move))
    tip = data.size + 0.5 * data.size.std() * noise
    bad = replace(data, names=(*data.names, "tip"), values=np.column_stack([data.values, tip]))
    assert {s.feature for s in checks.suspects(bad)} == {"tip"}


# -- daily bars: eight tickers whose moves somebody else has joined -------------------------------------------------


@pytest.fixture(scope="module")
def barred(tmp_path_factory):
    """Announcements by date and time of day, and raw daily bars."""
    folder = tmp_path_factory.mktemp("barred")
    rows: list[list[object]] = []
    with gzip.open(EARNINGS / "us_earnings_dates_eps_2012_2019.csv.gz", "rt") as file:
        for r in csv.DictReader(file):
            if r["symbol"] in EIGHT:
                date = datetime.strptime(r["date"], "%m/%d/%y")
                rows.append([r["symbol"], f"{date:%Y-%m-%d}", r["release_time"], r["eps_est"], r["eps"]])
    events = read_events(write_csv(folder / "events.csv", ["symbol", "date", "time", "eps_est", "eps"], rows))
    prices = [
        [r["symbol"], f"{r['ts']:%Y-%m-%d}", r["open"], r["high"], r["low"], r["close"]]
        for r in pq.read_table(DATA / "lean/equity_daily_raw.parquet").to_pylist()
        if r["symbol"] in EIGHT
    ]
    bars = read_bars([write_csv(folder / "bars.csv", ["symbol", "date", "open", "high", "low", "close"], prices)])
    return build(distinct(events)[0], Inputs(bars=bars))


def test_moves_from_bars_are_those_joined_by_another_hand(barred):
    """198 moves of eight tickers, joined by date and time of day outside of this project's code."""
    ours = {(e.symbol, e.date): move for e, move in zip(barred.events, barred.labels.move, strict=True)}
    with (EARNINGS / "earnings_moves_lean_prices_2012_2019.csv").open() as file:
        theirs = {
            (r["ticker"], int(r["earnings_date"].replace("-", ""))): float(r["close_move"])
            for r in csv.DictReader(file)
        }
    both = sorted(key for key in theirs.keys() & ours.keys() if np.isfinite(ours[key]))
    print(f"\n{len(both)} of {len(theirs)} moves compared")
    assert len(both) > 0.9 * len(theirs)
    np.testing.assert_allclose([ours[k] for k in both], [theirs[k] for k in both], rtol=1e-9, atol=1e-12)


def test_with_bars_the_volatility_features_are_there(barred):
    by_name = {c.feature: c.share for c in checks.covered(barred)}
    known = np.isfinite(barred.labels.move).mean()
    for name in ("atr_pct_20", "bb_width_50", "hv_10", "hv_percentile_50"):
        assert by_name[name] >= 0.9 * known
    assert checks.late(barred) == []

"""The fund against its future on real hours: a tenth of the future fires nearly always, the basis they had seldom.

Hourly bars of the fund close at half past, those of the future at the full hour; the session's last bar of the fund
closes with the future's. So there are two samples: every full hour with the fund's close of half an hour before, and
the closes of the sessions, where both are of one instant.
"""

from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from contango_signals import fold
from support.real_bars import DATA, MINUTE_NS, bar_messages, not_finite, sessions_of, setup, table_of, to_ns
from support.signals_world import play

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"real market data is not at {DATA}"),
]
Sample = Literal["hours", "closes"]
THRESHOLD = 0.005  # as published: |(fund − future/10)/(future/10)|
WINDOW: dict[Sample, int] = {"hours": 120, "closes": 40}
NET_CARRY = 0.04  # what money cost in those years, less what the index paid


@cache
def both(sample: Sample) -> pd.DataFrame:
    """Bars of ES and SPY, those of SPY at the instant at which they are held against ES."""
    table = pd.read_parquet(DATA / "intraday_index" / "es_nq_spy_vix_60m.parquet")
    local = table["ts"].dt.tz_convert("America/New_York")
    last = (local.dt.hour == 15) & (local.dt.minute == 30)
    fund = (table["symbol"] == "SPY") & (last if sample == "closes" else ~last)
    minutes = np.where(table["symbol"] == "ES", 60, 30 if sample == "closes" else 90)
    table["end_ns"] = to_ns(table["ts"]) + minutes * MINUTE_NS
    kept = table[(table["symbol"] == "ES") | fund].sort_values(["end_ns", "symbol"])
    return kept[kept["end_ns"] >= kept.loc[kept["symbol"] == "ES", "end_ns"].min()].reset_index(drop=True)


@cache
def seen(sample: Sample, net_carry: float) -> pd.DataFrame:
    """The fund's feature rows at instants at which both have closed."""
    bars = both(sample)
    pair = {"divergence_spot": "SPY", "divergence_future": "ES", "divergence_window": WINDOW[sample]}
    volatility = {**pair, "divergence_net_carry": net_carry}
    messages = setup(bars, sessions_of(bars, "XNYS"), "stock", bar_timeframe_s=3600, volatility=volatility)
    messages += bar_messages(bars, 3600)
    facts = play(fold, fold.initial(), messages)
    assert not_finite(facts) == []
    rows = table_of(facts, messages, "SPY")
    return rows[rows.index.isin(bars.loc[bars["symbol"] == "ES", "end_ns"])]


def fires(values: pd.Series) -> float:
    return float((values.abs() > THRESHOLD).mean())


def known(sample: Sample, net_carry: float) -> pd.DataFrame:
    return seen(sample, net_carry).dropna(subset=["divergence"])


@pytest.mark.parametrize(("sample", "pairs", "most"), [("hours", 1_800, 0.07), ("closes", 300, 0.03)])
def test_a_tenth_of_the_future_fires_far_more_often_than_the_carried_basis(
    sample: Sample, pairs: int, most: float
) -> None:
    """Counted when this was written: 62 % against 5 % of the hours, whose closes lie half an hour apart, and 72 %
    against 2 % of the closes, which do not."""
    rows = known(sample, NET_CARRY)
    assert len(rows) >= pairs
    plain, rolling = fires(rows["divergence_plain"]), fires(rows["divergence"])
    assert plain > 0.5
    assert rolling < most
    assert rows["divergence_plain"].median() < -THRESHOLD, "the plain figure is beyond its threshold at rest"
    assert abs(rows["divergence"].median()) < 0.2 * THRESHOLD


@pytest.mark.parametrize("sample", ["hours", "closes"])
def test_the_carry_takes_the_sawtooth_out(sample: Sample) -> None:
    """Without it a basis that shrinks day by day and jumps back every quarter is measured from its own mean."""
    assert fires(known(sample, NET_CARRY)["divergence"]) < 0.5 * fires(known(sample, 0.0)["divergence"])


def third_friday(month: pd.Period) -> pd.Timestamp:
    return pd.date_range(month.start_time, month.end_time, freq="W-FRI")[2]


def test_the_numbers_are_those_of_pandas() -> None:
    """Up to the first roll that stands out, which begins the window anew."""
    bars = both("closes").pivot(index="end_ns", columns="symbol", values="close").dropna()
    days = pd.to_datetime(bars.index, unit="ns").normalize()
    expiries = [third_friday(m) for m in pd.period_range("2023-09", "2026-12", freq="M") if m.month % 3 == 0]
    years = np.array([(min(e for e in expiries if e >= day) - day).days / 365.0 for day in days])
    basis = np.log(bars["ES"] / bars["SPY"]) - NET_CARRY * years
    before = basis.rolling(WINDOW["closes"])
    deviation = before.mean().shift(1) - basis
    z = deviation / before.std().shift(1)
    plain = (bars["SPY"] - bars["ES"] / 10.0) / (bars["ES"] / 10.0)
    rows = seen("closes", NET_CARRY)
    rows = rows[rows["divergence_plain"].notna()]
    assert rows.index.tolist() == bars.index.tolist()
    first = WINDOW["closes"]
    silent = np.flatnonzero(rows["divergence"].isna().to_numpy()[first:])
    same = slice(0, first + int(silent[0]) if len(silent) else None)
    assert len(rows.iloc[same]) > 2 * first
    for name, wanted in {"divergence": deviation, "divergence_z": z, "divergence_plain": plain}.items():
        np.testing.assert_allclose(rows[name].iloc[same], wanted.iloc[same], rtol=1e-6, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("sample", ["hours", "closes"])
def test_a_divergence_is_said_only_where_both_have_just_closed(sample: Sample) -> None:
    bars, rows = both(sample), seen(sample, NET_CARRY)
    pairs = bars.groupby("end_ns")["symbol"].nunique()
    said = rows.index[rows["divergence_plain"].notna()]
    assert said.tolist() == rows.index.intersection(pairs.index[pairs == 2]).tolist()
    assert len(said) > 400

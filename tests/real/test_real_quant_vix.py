"""The volatility index: the white paper's worked example (2009, 9 and 37 days, 61.218), and official closes."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contango_quant.surface import forward, vix

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FOLDER = DATA / "reference" / "vix_white_paper"
CLOSES = DATA / "vol_indices" / "vix_close_on_spx_snapshot_dates.csv"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"white paper numbers not found at {FOLDER}"),
]


def chain(days):
    with open(FOLDER / "options.csv", encoding="utf-8", newline="") as file:
        rows = sorted(
            ({k: float(v) for k, v in row.items()} for row in csv.DictReader(file) if int(row["Days"]) == days),
            key=lambda row: row["Strike"],
        )
    names = {"strike": "Strike", "call_bid": "Call Bid", "call_ask": "Call Ask", "put_bid": "Put Bid"}
    return {n: [row[c] for row in rows] for n, c in {**names, "put_ask": "Put Ask"}.items()}


def test_white_paper_example():
    near, far = (vix.term_variance(**chain(d), t_years=d / 365, rate=0.0038) for d in (9, 37))
    assert near.forward == pytest.approx(920.50, abs=0.005)
    assert far.forward == pytest.approx(921.00, abs=0.005)
    assert (near.at_strike, far.at_strike) == (920.0, 920.0)
    assert vix.index_30_days(near, 9 / 365, far, 37 / 365) == pytest.approx(61.218, abs=0.0005)


def test_robust_forward_is_near_the_single_pair_of_the_paper():
    for days, value in ((9, 920.50), (37, 921.00)):
        fit = forward.forward_from_parity(**chain(days), discount=1.0)
        assert fit.value == pytest.approx(value, abs=1.0)
        assert 0.0 < fit.error < 1.0


def index_of(snapshot, day):
    """The index from the closing quotes of `day`: Friday expiries, those of the third Friday settled at the open."""
    now = pd.Timestamp(f"{day} 16:15")
    table = pd.read_parquet(DATA / "cboe_quotedata" / snapshot)
    bills = pd.read_parquet(DATA / "rates" / "treasury_cmt_daily.parquet").set_index("date").asof(now.normalize())
    times, terms = [], []
    for expiry, group in table[table.expiry.dt.weekday == 4].groupby("expiry"):
        morning = 15 <= expiry.day <= 21
        group = group[group.root == ("SPX" if morning else "SPXW")]
        t_years = (expiry + pd.Timedelta("9:30:00" if morning else "16:00:00") - now) / pd.Timedelta(days=365)
        wide = group.drop_duplicates(["strike", "right"]).pivot(index="strike", columns="right", values=["bid", "ask"])
        if t_years < 23 / 365 or t_years > 37 / 365 or not len(wide):
            continue
        rate = 0.01 * np.interp(t_years, [1 / 12, 0.25], [bills.DGS1MO, bills.DGS3MO])
        quotes = {f"{side}_{what}": wide[what, side[0].upper()] for side in ("call", "put") for what in ("bid", "ask")}
        found = vix.term_variance(strike=wide.index, **quotes, t_years=t_years, rate=float(rate))
        if found is not None:
            times.append(t_years)
            terms.append(found)
    pair = vix.near_and_next(times)
    if pair is None:
        return None
    near, far = pair
    return vix.index_30_days(terms[near], times[near], terms[far], times[far])


def test_official_closes():
    closes = pd.read_csv(CLOSES)
    found = [(index_of(row.snapshot, row.vix_date), row.vix_close) for row in closes.itertuples()]
    misses = [abs(index - close) for index, close in found if index is not None]
    assert len(misses) >= 4  # two snapshots end before the next expiry
    assert np.median(misses) <= 0.05
    assert max(misses) <= 0.2

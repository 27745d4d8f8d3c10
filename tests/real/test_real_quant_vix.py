"""The worked example of the volatility index white paper (2009): 9 and 37 days, index 61.218."""

import csv
from pathlib import Path

import pytest

from contango_quant.surface import forward, vix

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference" / "vix_white_paper"

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

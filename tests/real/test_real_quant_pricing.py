"""European prices and Greeks against published tables and against 60-digit numbers."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from contango_quant.pricing import black, greeks

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"reference numbers not found at {REFERENCE}"),
]


def rows_of(name):
    with open(REFERENCE / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_haug_prices():
    rows = rows_of("quantlib_european_values_haug.csv")
    assert len(rows) == 43
    for row in rows:
        s, k, t, v, r, q = (float(row[c]) for c in ("spot", "strike", "t", "vol", "r", "q"))
        got = black.bsm_kernel(s, k, t, v, r, q, row["right"] == "Call")
        assert got == pytest.approx(float(row["price"]), abs=float(row["tol"]))


def test_haug_greeks():
    place = {"delta": 1, "gamma": 2, "vega": 3, "theta": 4, "rho": 5}
    seen = 0
    for row in rows_of("quantlib_european_greeks_haug.csv"):
        s, k, t, v, r, q = (float(row[c]) for c in ("spot", "strike", "t", "vol", "r", "q"))
        values = greeks.bsm_greeks(s, k, t, v, r, q, row["right"] == "Call")
        if row["greek"] in place:
            assert values[place[row["greek"]]] == pytest.approx(float(row["expected"]), abs=float(row["tol"])), row
        elif row["greek"] == "thetaPerDay":
            assert values[4] / 365 == pytest.approx(float(row["expected"]), abs=float(row["tol"])), row
        else:
            continue
        seen += 1
    assert seen >= 8


def test_sixty_digit_numbers():
    rows = rows_of("bsm_greeks_mpmath_calls.csv")
    names = ("price", "delta", "gamma", "vega_per_1.00", "theta_per_year", "rho_per_1.00")
    for row in rows:
        s, k, t, v, r, q = (float(row[c]) for c in ("S", "K", "T_years", "sigma", "r", "q"))
        got = greeks.bsm_greeks(s, k, t, v, r, q, row["right"] == "C")
        want = [float(row[n]) for n in names]
        # Relative to the value, or to the size of the terms that it is the difference of.
        floor = np.array([s, 1.0, 1 / s, s, s, s]) * 1e-14
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=floor.max(), err_msg=str(row))
    assert len(rows) > 50


def test_grid_of_py_vollib():
    frame = json.loads((REFERENCE / "py_vollib_test_data.json").read_text(encoding="utf-8"))
    for values in frame["data"]:
        row = dict(zip(frame["columns"], values, strict=True))
        for flag, price in (("C", "bs_call"), ("P", "bs_put")):
            got = greeks.bsm_greeks(row["S"], row["K"], row["t"], row["v"], row["R"], 0.0, flag == "C")
            want = [row[price], row[f"{flag}D"], row[f"{flag}G"], row[f"{flag}V"], row[f"{flag}T"], row[f"{flag}R"]]
            assert got == pytest.approx(want, rel=2e-5, abs=2e-6)
            assert not any(map(math.isnan, got))

"""European prices, Greeks and volatilities: published tables, 60-digit numbers, a vendor's numbers on real chains."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contango_quant.pricing import black, greeks, greeks_higher, greeks_third, implied
from contango_quant.pricing.iv_band import iv_band
from contango_quant.surface.forward import forward_from_parity

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference"
CHAINS = REFERENCE.parent / "cboe_quotedata"

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


def test_higher_greeks_against_sixty_digit_numbers():
    """Within 1e-11, or that much of the largest term; where 60 digits say 1e-80 we may say 0."""
    names = ("vanna_dDelta_dSigma", "volga_dVega_dSigma", "charm_dDelta_dt_calendar_per_year")
    names += ("speed", "zomma", "color_dGamma_dt")
    for row in rows_of("bsm_greeks_mpmath_calls.csv"):
        at = s, k, t, v, r, q = tuple(float(row[c]) for c in ("S", "K", "T_years", "sigma", "r", "q"))
        full = greeks_higher.bsm_full_greeks(*at, row["right"] == "C")
        got = (*full[6:], *greeks_third.bsm_third_greeks(*at)[:3])
        width = v * math.sqrt(t)
        d1 = math.log(s / k) / width + (r - q) * t / width + width / 2
        turns = (1 + d1 * d1) / (v * t)
        sizes = np.array([full[3] / s, full[3], full[3] / s, full[2], full[2], full[2]]) * turns
        sizes[[3, 5]] *= [v * t / (s * width), v]
        for name, value, size in zip(names, got, sizes, strict=True):
            assert value == pytest.approx(float(row[name]), rel=1e-11, abs=1e-11 * size + 1e-70), (name, row)


def snapshot(name, rate):
    """Every expiry of 5 days to half a year: (out-of-the-money vendor volatility, delta, our band, our greeks)."""
    frame = pd.read_parquet(CHAINS / f"{name}.parquet")
    for (_, expiry), rows in frame.groupby(["root", "expiry"]):
        close = expiry.normalize() + pd.Timedelta(hours=16)  # quotes and expiry in New York time
        t_years = (close - rows["quote_ts"].iloc[0]) / pd.Timedelta(days=365)
        pairs = rows.pivot_table(index="strike", columns="right", values=["bid", "ask", "iv", "delta"]).dropna()
        if 5 / 365 < t_years < 0.5 and len(pairs) >= 20:
            yield from priced(pairs, t_years, math.exp(-rate * t_years))


def priced(pairs, t_years, discount):
    strike = pairs.index.to_numpy()
    call, put = sorted(pairs.columns.get_level_values(1).unique())
    sides = {
        f"{right}_{side}": pairs[side, column]
        for right, column in (("call", call), ("put", put))
        for side in ("bid", "ask")
    }
    forward = forward_from_parity(strike=strike, discount=discount, **sides).value
    if forward is None:
        return
    is_call = strike >= forward
    quote = {name: np.where(is_call, pairs[name, call], pairs[name, put]) for name in ("bid", "ask", "iv", "delta")}
    at = {"strike": strike, "t_years": t_years, "is_call": is_call}
    band = iv_band(bid=quote["bid"], ask=quote["ask"], forward=forward, discount=discount, **at)
    use = (band.status_mid == implied.OK) & (quote["iv"] > 0.01)
    rate = -math.log(discount) / t_years
    at = {name: value[use] if np.ndim(value) else value for name, value in at.items()}
    own = greeks.greeks(spot=forward * discount, vol=band.iv_mid[use], rate=rate, div_yield=0.0, **at)
    yield quote["iv"][use], quote["delta"][use], [v[use] for v in band[:3]], own


@pytest.mark.skipif(not CHAINS.is_dir(), reason=f"chains not found at {CHAINS}")
@pytest.mark.parametrize(
    ("name", "median", "ninth"),
    [  # in the session: both looked at the same market
        ("SPX_20230207_1734", 0.0006, 0.003),
        ("NDX_20230414_1831", 0.0008, 0.003),
        ("SPY_20230914_1631", 0.0008, 0.003),
        ("QQQ_20230502_1806", 0.0015, 0.003),
    ],
)
def test_own_volatility_beside_the_vendors(name, median, ninth):
    """By percentile of the difference; 0.001 is a tenth of a vol point. American roots differ a little more."""
    gaps, delta_gaps = [], []
    for vendor, vendor_delta, (low, middle, high), own in snapshot(name, rate=0.047):
        assert not np.any(low > middle)
        assert not np.any(middle > high)
        gaps.append(np.abs(middle - vendor))
        delta_gaps.append(np.abs(own.delta - vendor_delta))
    gap, delta_gap = np.concatenate(gaps), np.concatenate(delta_gaps)
    assert gap.size > 1_000
    assert np.percentile(gap, 50) < median
    assert np.percentile(gap, 90) < ninth
    assert np.percentile(delta_gap, 50) < 0.003

"""The surface on real index chains: within half the quoted spread, and free of arbitrage on the fine grid."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contango_quant.surface import curve, smile, surface, term
from contango_quant.surface.carry import carry_from_parity, implied_dividends
from contango_quant.surface.forward import forward_from_parity
from contango_quant.surface.risk_neutral import risk_neutral
from contango_quant.surface.violations import violations

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "cboe_quotedata"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"chains not found at {FOLDER}"),
]

# The file and the day and time (New York) of its quotes: downloads after the close show the closing quotes.
CHAINS = {
    "SPX_20220205_2009": "2022-02-04 16:15",
    "SPX_20220219_1617": "2022-02-18 16:15",
    "SPX_20220611_2047": "2022-06-10 16:15",
    "SPX_20230207_1734": "2023-02-07 16:15",
    "NDX_20230502_1643": "2023-05-02 16:15",
    "SPY_20220709_1728": "2022-07-08 16:00",
    "QQQ_20230414_1834": "2023-04-14 16:00",
    "AMD_20230820_2235": "2023-08-18 16:00",
}
MORNING_ROOTS = ("SPX", "NDX")  # settled at the open of the expiry day


def expiries_of(name):
    """(expiry day, root, t_years, spot, columns of one row a strike) of each expiry, ascending in time."""
    now = pd.Timestamp(CHAINS[name])
    table = pd.read_parquet(FOLDER / f"{name}.parquet")
    found = []
    for (root, day), group in table.groupby(["root", "expiry"]):
        end = day + pd.Timedelta("9:30:00" if root in MORNING_ROOTS else "16:00:00")
        t_years = (end - now) / pd.Timedelta(days=365)
        sides = [group[group.right == right].drop_duplicates("strike").set_index("strike") for right in "CP"]
        strikes = sides[0].index.intersection(sides[1].index).sort_values()
        call, put = (side.loc[strikes] for side in sides)
        if t_years > 0 and len(strikes):
            values = {"call_bid": call.bid, "call_ask": call.ask, "put_bid": put.bid, "put_ask": put.ask}
            columns = {"strike": strikes.to_numpy(), **{n: v.to_numpy() for n, v in values.items()}}
            found.append((day, root, t_years, float(group.spot.iloc[0]), columns))
    return sorted(found, key=lambda e: e[2])


def fitted(name, rate=0.02):
    """The surface and, by expiry, the out-of-the-money quotes that it was fitted to."""
    parts, t_years, forwards, discounts = [], [], [], []
    for e, (_, _, t, _, columns) in enumerate(expiries_of(name)):
        discount = math.exp(-rate * t)
        fit = forward_from_parity(**columns, discount=discount)
        strike, n = columns["strike"], columns["strike"].size
        quotes = {
            "strike": np.repeat(strike, 2),
            "is_call": np.tile([True, False], n),
            "bid": np.c_[columns["call_bid"], columns["put_bid"]].ravel(),
            "ask": np.c_[columns["call_ask"], columns["put_ask"]].ravel(),
        }
        parts.append({**quotes, "expiry": np.full(2 * n, e)})
        t_years.append(t)
        forwards.append(math.nan if fit.value is None else fit.value)
        discounts.append(discount)
    joined = {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
    whole = surface.fit_surface(**joined, t_years=t_years, forward=forwards, discount=discounts)
    return whole, dict(zip(t_years, parts, strict=True))


@pytest.mark.parametrize("name", CHAINS)
def test_residuals_are_within_half_the_spread_and_nothing_is_violated(name):
    whole, quotes = fitted(name)
    counts = violations(whole)
    assert counts[:3] == (0, 0, 0)
    assert counts.points > 1001 * 2 * (len(whole.rows) - 1)
    misses = []
    for row in whole.rows:
        one, part = curve.Smile(*row), quotes[row[curve.T_YEARS]]
        used = part["is_call"] == (part["strike"] >= one.forward)
        found = smile.richness(one, **{n: part[n][used] for n in ("strike", "is_call", "bid", "ask")})
        misses.append(np.abs(found.half_spreads[np.isfinite(found.half_spreads)]))
    misses = np.concatenate(misses)
    assert all(s.status in (curve.FEW_QUOTES, curve.BAD_INPUT) for s in whole.left_out)
    assert len(whole.left_out) <= 1
    if name.startswith(("SPX", "NDX")):
        assert misses.size > 8000
    assert np.median(misses) < 0.5  # the house's demand is 1: within half the quoted spread
    assert np.mean(misses <= 1.0) > 0.7


def test_every_density_of_an_index_has_the_forward_as_mean():
    whole, _ = fitted("SPX_20230207_1734")
    for row in whole.rows:
        table = risk_neutral(curve.Smile(*row))
        assert table is not None
        mean = np.sum(np.diff(table.cdf) * 0.5 * (table.price[1:] + table.price[:-1]))
        assert mean == pytest.approx(row[curve.FORWARD], rel=1e-4)


def test_thirty_day_volatility_at_the_forward_is_somewhat_below_the_index():
    """The index also weighs the skew, so it stands above; the ratio of 30 to 90 days is known to a few percent."""
    closes = pd.read_csv(FOLDER.parent / "vol_indices" / "vix_close_on_spx_snapshot_dates.csv").set_index("snapshot")
    for name in ("SPX_20230207_1734", "SPX_20220219_1617", "SPX_20220205_2009", "SPX_20220611_2047"):
        near, _, far = term.constant_maturities(term.term_of(fitted(name)[0]))
        assert 0.8 < 100.0 * near.vol / closes.vix_close[f"{name}.parquet"] < 1.0
        found = term.detect_regime(near, far)
        assert found.reason is None
        assert found.error < 0.03


def test_rate_from_parity_is_near_the_treasury_rate_and_index_pays_dividends():
    """One-year bill on 2023-02-07: 4.89 %. Options price a funding rate some tenths of a point around it."""
    seen = 0
    for _, root, t_years, spot, columns in expiries_of("SPX_20230207_1734"):
        fit = carry_from_parity(**columns, t_years=t_years)
        if root == "SPX" and 0.3 < t_years < 1.2:
            assert fit.rate == pytest.approx(0.0489, abs=0.004)
            assert fit.rate_error < 5e-4
            assert fit.forward_error < 1.0
            paid = implied_dividends(spot=spot, forward=fit.forward, discount=fit.discount, t_years=t_years)
            assert paid.div_yield == pytest.approx(0.017, abs=0.006)
            seen += 1
    assert seen >= 8

"""American volatilities of VXX, December 2016: twenty days of a fund that pays nothing and costs to borrow."""

from pathlib import Path

import numpy as np
import pytest

from contango_quant.pricing.american.implied import implied
from contango_quant.surface.forward import forward_from_parity

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "optopsy_history" / "VXX_201612_eod.parquet"
RATE = 0.007
pytestmark = [pytest.mark.real, pytest.mark.skipif(not DATA.exists(), reason=f"no chain at {DATA}")]


def test_own_american_volatility_beside_the_vendors():
    """Out-of-the-money quotes within 0.6 standard deviations of time, a week or more to live.

    The vendor counts whole days and knows another carry: its volatilities lie about a point higher.
    """
    pandas = pytest.importorskip("pandas")
    chain = pandas.read_parquet(DATA)
    chain = chain[(chain.bid > 0) & (chain.ask > chain.bid)]
    differences, carries = [], []
    for (day, expiry), quotes in chain.groupby(["quote_ts", "expiry"]):
        t_years, spot = (expiry - day).days / 365, float(quotes.spot.iloc[0])
        if t_years < 7 / 365:
            continue
        calls, puts = (quotes[quotes.right == right].set_index("strike") for right in "CP")
        strikes = calls.index.intersection(puts.index)
        columns = {f"{name}_{side}": rows.loc[strikes, side] for name, rows in (("call", calls), ("put", puts))
                   for side in ("bid", "ask")}  # fmt: skip
        fit = forward_from_parity(strike=strikes, discount=np.exp(-RATE * t_years), **columns)
        if fit.value is None:
            continue
        div_yield = RATE - np.log(fit.value / spot) / t_years
        near = np.abs(np.log(quotes.strike / spot)) / np.sqrt(t_years) < 0.6
        outside = (quotes.right == "C") == (quotes.strike >= fit.value)
        chosen = quotes[near & outside & (quotes.bid > 0.05) & quotes.iv.between(0.05, 3.0)]
        if not len(chosen):
            continue
        own = implied(
            spot=spot,
            strike=chosen.strike.to_numpy(float),
            t_years=t_years,
            price=(0.5 * (chosen.bid + chosen.ask)).to_numpy(float),
            rate=RATE,
            div_yield=div_yield,
            is_call=(chosen.right == "C").to_numpy(),
        )
        assert np.isfinite(own.vol).all()
        differences.append(np.abs(own.vol - chosen.iv.to_numpy()))
        carries.append(div_yield)
    found = np.concatenate(differences)
    assert len(found) > 3_500
    assert np.percentile(found, 50) < 0.013
    assert np.percentile(found, 90) < 0.035
    assert 0.0 < np.median(carries) < 0.05, "borrowing VXX cost a few percent a year"

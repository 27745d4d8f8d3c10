"""The band of volatilities of a quote: order, missing bids, bad quotes."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.pricing import black, implied
from contango_quant.pricing.iv_band import iv_band

AT = {"forward": 100.0, "strike": 105.0, "t_years": 0.25, "discount": 0.99, "is_call": True}


@settings(deadline=None)
@given(st.floats(0.6, 1.6), st.floats(0.05, 1.5), st.floats(0.0, 0.3))
def test_band_is_ordered_around_the_volatility(ratio, vol, half):
    at = {**AT, "strike": 100.0 * ratio, "is_call": ratio >= 1.0}
    mid = float(black.price(vol=vol, **at))
    band = iv_band(bid=mid * (1 - half), ask=mid * (1 + half), **at)
    found = [float(v) for v in band[:3] if not math.isnan(v)]
    assert found == sorted(found)
    if band.status_bid == implied.OK and band.status_ask == implied.OK:
        assert float(band.iv_bid) <= vol * (1 + 1e-6)
        assert vol <= float(band.iv_ask) * (1 + 1e-6)


def test_without_a_bid_there_is_no_bid_and_no_middle():
    band = iv_band(bid=[0.0, 0.0], ask=[0.05, 12.0], **{**AT, "strike": [140.0, 90.0]})
    assert band.status_bid.tolist() == band.status_mid.tolist() == [implied.NO_TIME_VALUE] * 2
    assert all(math.isnan(v) for v in (*band.iv_bid, *band.iv_mid))
    assert band.status_ask.tolist() == [implied.OK] * 2


def test_bid_below_intrinsic_leaves_the_ask():
    band = iv_band(bid=9.0, ask=11.0, **{**AT, "strike": 90.0})
    assert (int(band.status_bid), int(band.status_ask)) == (implied.BELOW_INTRINSIC, implied.OK)


@pytest.mark.parametrize(("bid", "ask"), [(2.0, 1.0), (-0.1, 1.0), (math.nan, 1.0), (1.0, math.nan), (1.0, math.inf)])
def test_bad_quotes_have_no_volatility_where_they_are_bad(bid, ask):
    band = iv_band(bid=bid, ask=ask, **AT)
    assert int(band.status_ask) == int(band.status_mid) == implied.NON_FINITE
    assert math.isnan(band.iv_ask)


def test_bad_arguments_raise():
    with pytest.raises(ValueError, match=r"^strike must be .* got -1\.0$"):
        iv_band(bid=1.0, ask=2.0, **{**AT, "strike": -1.0})
    with pytest.raises(ValueError, match="bid must be numbers"):
        iv_band(bid="none", ask=2.0, **AT)

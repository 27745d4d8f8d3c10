"""Strikes worked out by hand for one flat market, and compared with what the strategies choose.

The market: spot S = 2000, rate r = 1 %, flat volatility σ = 20 %, strikes every 10, quotes a cent wide on either side;
Monday 2015-01-05, 10:00 New York; expiries on 2015-01-23, 02-20 and 03-20 at 16:00.

    T = 46.25/365 = 0.126712 years     F = S·e^(rT) = 2002.54     σ√T = 0.071194     σ²T/2 = 0.002534
    T = 74.25/365 = 0.203425 years     F = 2004.07                σ√T = 0.090205

Without dividends spot deltas are N(d1) and N(d1) − 1, so with z = N⁻¹(1 − |delta|) a delta lies at

    put strike   K = F·exp(−z·σ√T + σ²T/2)          call strike   K = F·exp(z·σ√T + σ²T/2)

    |delta|    0.16     0.17     0.19     0.20     0.22     0.24     0.25     0.30     0.31     0.33     0.36     0.38
    z          0.9945   0.9542   0.8779   0.8416   0.7722   0.7063   0.6745   0.5244   0.4959   0.4399   0.3585   0.3055
    put        1870.4   1875.8   1886.0   1890.9   1900.2   1909.2   1913.5   1934.1   1938.0   1945.7   1957.0   1964.4
    call       2154.9   2148.7   2137.1   2131.6   2121.3   2111.2   2106.4   2084.0   2079.8   2071.5   2059.5   2051.8

    |delta|    0.32     0.40     0.48
    call       2075.6   2044.2   2014.8

Each strike chosen is the listed one nearest to that, within the strategy's hard band of deltas.
"""

import pytest

from contango_signals.strategies import (
    bear_put_debit_spread,
    broken_wing_butterfly_bear,
    broken_wing_butterfly_bull,
    bull_call_debit_spread,
    calendar,
    call_credit_spread,
    covered_call,
    crash_put,
    diagonal,
    long_call,
    long_straddle,
    long_strangle,
    protective_put,
    put_credit_spread,
)
from contango_signals.strategies.spec import Candidate, View
from support.chain_views import legs_of, view_of
from support.signals_world import Market

FLAT = Market(vol=0.2, skew=0.0, half_ticks=1)
FEB, MAR = 20150220, 20150320


def view(regime: str) -> View:
    return view_of(FLAT, regime, tradable=True)


def strikes(found: list[Candidate], right: str, expiry: int = FEB) -> list[tuple[float, ...]]:
    """Strikes of each candidate, all of one right and expiry."""
    for c in found:
        assert {(leg[1], leg[3]) for leg in legs_of(c) if leg[1] != "-"} == {(right, expiry)}
    return [tuple(leg[2] for leg in legs_of(c) if leg[1] != "-") for c in found]


def test_put_credit_spread() -> None:
    """Sold at 0.20: 1890; at 0.16: 1870.4, but 1870 lies just outside the band, so 1880; at 0.24: 1910.

    Bull trend: the wing is 2 % of 2000 = 40 away. Bought leg first.
    """
    found = put_credit_spread.propose(view("BULL_TREND"), put_credit_spread.Params())
    assert strikes(found, "P") == [(1850, 1890), (1840, 1880), (1870, 1910)]
    assert (found[0].short_put, found[0].short_call, found[0].width) == (1890, None, 40)
    # a low-volatility range narrows the wing to 1.5 % = 30
    found = put_credit_spread.propose(view("LOW_VOL_RANGE"), put_credit_spread.Params())
    assert strikes(found, "P")[0] == (1860, 1890)


def test_call_credit_spread() -> None:
    """Sold at 0.20: 2130; at 0.16: 2154.9, and only 2150 of its neighbours is inside the band; at 0.24: 2110.

    Bear trend: the wing is 2.5 % of 2000 = 50 away.
    """
    found = call_credit_spread.propose(view("BEAR_TREND"), call_credit_spread.Params())
    assert strikes(found, "C") == [(2180, 2130), (2200, 2150), (2160, 2110)]
    assert (found[0].short_put, found[0].short_call, found[0].width) == (None, 2130, 50)


def test_bull_call_debit_spread() -> None:
    """Bought nearest to the forward 2002.5: 2000. Sold at 0.25, 0.19, 0.31: 2110, 2140, 2080."""
    found = bull_call_debit_spread.propose(view("BULL_TREND"), bull_call_debit_spread.Params())
    assert strikes(found, "C") == [(2000, 2110), (2000, 2140), (2000, 2080)]
    # C(2000) = 58.03, C(2080) = 27.25: 30.8 of a width of 80; a cap of 0.38 refuses it and lets the wider ones pass
    assert found[2].why["debit_to_width"] == pytest.approx(30.8 / 80, abs=2e-3)
    capped = bull_call_debit_spread.propose(view("BULL_TREND"), bull_call_debit_spread.Params(max_debit_to_width=0.38))
    assert strikes(capped, "C") == [(2000, 2110), (2000, 2140)]


def test_bear_put_debit_spread() -> None:
    """Bought: 2000. Sold at 0.25, 0.19, 0.31: 1910, 1890, 1940."""
    found = bear_put_debit_spread.propose(view("BEAR_TREND"), bear_put_debit_spread.Params())
    assert strikes(found, "P") == [(2000, 1910), (2000, 1890), (2000, 1940)]


def test_calendar() -> None:
    """First expiry nearest to 30 days within 20 to 50: 46 days; the other 28 later; strike nearest to 2002.5: 2000."""
    found = calendar.propose(view("LOW_VOL_RANGE"), calendar.Params())
    assert [legs_of(c) for c in found] == [
        [(-1, "C", 2000, FEB), (1, "C", 2000, MAR)],
        [(-1, "P", 2000, FEB), (1, "P", 2000, MAR)],
    ]
    assert found[0].why["front_over_forward"] == pytest.approx(1.0, abs=1e-3)
    assert (found[0].short_call, found[0].short_put, found[0].width) == (2000, None, 0)
    assert (found[0].why["dte"], found[0].why["dte_far"]) == (46, 74)


@pytest.mark.parametrize(
    ("near", "far", "ratio", "count"),
    [
        # 0.18²·0.126712 = 0.0041055 and 0.20²·0.203425 = 0.0081370; between: √(0.0040315/0.0767123) = 0.22925
        (0.18, 0.20, 0.18 / 0.22925, 0),
        # 0.20²·0.126712 = 0.0050685 and 0.195²·0.203425 = 0.0077352; between: √(0.0026667/0.0767123) = 0.18645
        (0.20, 0.195, 0.20 / 0.18645, 2),
    ],
)
def test_calendar_wants_the_sold_expiry_rich_against_the_forward_volatility(
    near: float, far: float, ratio: float, count: int
) -> None:
    front = Market(vol=near, skew=0.0, half_ticks=1, expiry_days=(46,))
    back = Market(vol=far, skew=0.0, half_ticks=1, expiry_days=(74,))
    seen = view_of(front, "LOW_VOL_RANGE", back)
    assert len(calendar.propose(seen, calendar.Params())) == count
    ungated = calendar.propose(seen, calendar.Params(min_front_over_forward=None))
    assert ungated[0].why["front_over_forward"] == pytest.approx(ratio, abs=2e-3)
    assert len(ungated) == 2


def test_calendar_stops_where_total_variance_falls() -> None:
    """0.30²·0.1267 = 0.0114 is more than 0.20²·0.2034 = 0.0081: no forward volatility, and no free lunch believed."""
    front = Market(vol=0.3, skew=0.0, half_ticks=1, expiry_days=(46,))
    back = Market(vol=0.2, skew=0.0, half_ticks=1, expiry_days=(74,))
    assert calendar.propose(view_of(front, "LOW_VOL_RANGE", back), calendar.Params()) == []


def test_diagonal_of_calls_in_a_bull_trend() -> None:
    """Sold in February at 0.30, 0.24, 0.36: 2080, 2110, 2060. Bought in March nearest to its forward 2004.1: 2000."""
    found = diagonal.propose(view("BULL_TREND"), diagonal.Params())
    assert [legs_of(c) for c in found] == [
        [(-1, "C", 2080, FEB), (1, "C", 2000, MAR)],
        [(-1, "C", 2110, FEB), (1, "C", 2000, MAR)],
        [(-1, "C", 2060, FEB), (1, "C", 2000, MAR)],
    ]


def test_diagonal_of_puts_in_a_bear_trend() -> None:
    """Sold at 0.30, 0.24: 1930, 1910, bought 2000. At 0.36 (1960) it costs 69.87 − 37.49 = 32.38 of a width of 40."""
    found = diagonal.propose(view("BEAR_TREND"), diagonal.Params())
    assert [legs_of(c) for c in found] == [
        [(-1, "P", 1930, FEB), (1, "P", 2000, MAR)],
        [(-1, "P", 1910, FEB), (1, "P", 2000, MAR)],
    ]
    wider = diagonal.propose(view("BEAR_TREND"), diagonal.Params(max_debit_to_width=0.85))
    assert wider[2].why["debit_to_width"] == pytest.approx(32.38 / 40, abs=1e-3)


def test_diagonal_bought_in_the_money_by_strike() -> None:
    """5 % inside the forward 2004.07: calls at 1903.9 → 1900, puts at 2104.3 → 2100."""
    for regime, right, strike in (("BULL_TREND", "C", 1900), ("BEAR_TREND", "P", 2100)):
        found = diagonal.propose(view(regime), diagonal.Params(long_inside=0.05, max_debit_to_width=0.9))
        assert [legs_of(c)[1] for c in found] == [(1, right, strike, MAR)] * 3


def test_diagonal_knows_no_direction_without_a_trend() -> None:
    assert diagonal.propose(view("LOW_VOL_RANGE"), diagonal.Params()) == []


def test_broken_wing_butterfly_bull() -> None:
    """Puts around 2000: near wing 1 % above = 2020; far wings 2, 2.5 and 3 times 20 below = 1960, 1950, 1940.

    P(2000) = 55.50, P(2020) = 66.15, P(1960) = 37.49: the first brings 111.00 − 66.15 − 37.49 = 7.4. Above 2020 all
    puts are worth nothing, so 7.4 is kept: a loss of −7.4. Below 1960 the puts cost 40 − 20: a loss of 12.6.
    """
    found = broken_wing_butterfly_bull.propose(view("BULL_TREND"), broken_wing_butterfly_bull.Params())
    assert strikes(found, "P") == [(1960, 2000, 2020), (1950, 2000, 2020), (1940, 2000, 2020)]
    assert found[0].why["loss_above"] == pytest.approx(-7.4, abs=0.1)
    assert found[0].why["loss_below"] == pytest.approx(12.6, abs=0.1)
    for c, far in zip(found, (40, 50, 60), strict=True):
        credit = -(c.why["loss_above"] or 0.0)
        assert c.why["loss_below"] == pytest.approx(far - 20 - credit)


def test_broken_wing_butterfly_bear() -> None:
    """Calls around 2000: near wing 1980; far wings 2040, 2050, 2060.

    C(2000) = 58.03, C(1980) = 68.44, C(2040) = 40.55: the first brings 116.06 − 68.44 − 40.55 = 7.07, kept below 1980;
    above 2040 the calls cost 40 − 20: a loss of 12.93.
    """
    found = broken_wing_butterfly_bear.propose(view("BEAR_TREND"), broken_wing_butterfly_bear.Params())
    assert strikes(found, "C") == [(1980, 2000, 2040), (1980, 2000, 2050), (1980, 2000, 2060)]
    assert found[0].why["loss_below"] == pytest.approx(-7.07, abs=0.1)
    assert found[0].why["loss_above"] == pytest.approx(12.93, abs=0.1)


def test_a_broken_wing_that_costs_too_much_is_not_riskless_by_its_name() -> None:
    """Wide wings cost: P(2000) = 55.50, P(2100) = 119.3, P(1890) = 16.25: 24.6 paid, lost above: 0.246 of the wing."""
    p = broken_wing_butterfly_bull.Params(near_wing=0.05, skip_ratio=1.1, skip_ratio_step=0.0)
    assert broken_wing_butterfly_bull.propose(view("BULL_TREND"), p) == []
    allowed = p.model_copy(update={"max_debit_to_wing": 0.3})
    (found,) = broken_wing_butterfly_bull.propose(view("BULL_TREND"), allowed)
    assert legs_of(found)[0][2] == 1890
    assert found.why["loss_above"] == pytest.approx(24.6, abs=0.1)


def test_broken_wings_know_the_skew() -> None:
    """Flat: none. With slope −0.4 a strike: 25-delta strikes lie about 10 % apart in ln K, so 4 vol points."""
    flat = broken_wing_butterfly_bull.propose(view("BULL_TREND"), broken_wing_butterfly_bull.Params())
    assert flat[0].why["put_call_skew"] == pytest.approx(0.0, abs=1e-3)
    steep = view_of(Market(vol=0.2, skew=-0.4, half_ticks=1), "BULL_TREND")
    found = broken_wing_butterfly_bull.propose(steep, broken_wing_butterfly_bull.Params(min_put_call_skew=0.03))
    assert found[0].why["put_call_skew"] == pytest.approx(0.04, abs=0.005)
    assert broken_wing_butterfly_bull.propose(steep, broken_wing_butterfly_bull.Params(min_put_call_skew=0.05)) == []


def test_long_call() -> None:
    """46 and 74 days are equally far from 60: the earlier expiry. Deltas 0.40, 0.32, 0.48: 2040, 2080, 2010."""
    found = long_call.propose(view("BULL_TREND"), long_call.Params())
    assert strikes(found, "C") == [(2040,), (2080,), (2010,)]


def test_crash_put() -> None:
    """Deltas 0.30, 0.22, 0.38: 1930, 1900, 1960."""
    assert strikes(crash_put.propose(view("CRASH_MODE"), crash_put.Params()), "P") == [(1930,), (1900,), (1960,)]


def test_protective_put() -> None:
    """The underlying first, then the put at 0.30, 0.22, 0.38; the loss is spot − strike + premium."""
    found = protective_put.propose(view("BEAR_TREND"), protective_put.Params())
    assert legs_of(found[0]) == [(1, "-", 0, 0), (1, "P", 1930, FEB)]
    assert strikes(found, "P") == [(1930,), (1900,), (1960,)]
    assert found[0].instruments[0] == "SPX"


def test_covered_call() -> None:
    """The underlying first, then the call sold at 0.30, 0.24, 0.36: 2080, 2110, 2060."""
    found = covered_call.propose(view("BULL_TREND"), covered_call.Params())
    assert legs_of(found[0]) == [(1, "-", 0, 0), (-1, "C", 2080, FEB)]
    assert strikes(found, "C") == [(2080,), (2110,), (2060,)]
    assert (found[0].short_call, found[0].width) == (2080, None)


def test_long_straddle() -> None:
    """The strike nearest to the forward 2002.5; P + C = 55.50 + 58.03 = 5.68 % of the spot."""
    (found,) = long_straddle.propose(view("LOW_VOL_RANGE"), long_straddle.Params())
    assert legs_of(found) == [(1, "P", 2000, FEB), (1, "C", 2000, FEB)]
    assert found.why["premium_to_spot"] == pytest.approx(0.0568, abs=1e-4)


def test_long_strangle() -> None:
    """Deltas 0.25, 0.17, 0.33: puts 1910, 1880, 1950 and calls 2110, 2150, 2070."""
    found = long_strangle.propose(view("LOW_VOL_RANGE"), long_strangle.Params())
    assert [legs_of(c) for c in found] == [
        [(1, "P", 1910, FEB), (1, "C", 2110, FEB)],
        [(1, "P", 1880, FEB), (1, "C", 2150, FEB)],
        [(1, "P", 1950, FEB), (1, "C", 2070, FEB)],
    ]


@pytest.mark.parametrize(
    ("module", "bounds"),
    [
        (long_call, [0.65, 0.85]),
        (bull_call_debit_spread, [0.5, 0.7]),
        (protective_put, [0.3, 0.5]),
        (covered_call, [0.4, 0.6]),
        (long_straddle, [0.5, 0.7]),
    ],
)
def test_published_ranges_are_the_ones_searched(module: object, bounds: list[float]) -> None:
    fields = module.Params.model_fields  # type: ignore[attr-defined]
    assert fields["min_confidence"].json_schema_extra["tune"] == bounds
    assert fields["max_units"].json_schema_extra["tune"] == [1, 5]
    assert module.Params().max_units == 2  # type: ignore[attr-defined]

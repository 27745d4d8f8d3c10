"""Laws of money, option symbols, contract keys and structures."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.chain import contract_key, find_row, id_at, key_of
from contango_common.domain.errors import ContangoError, LogError, Undecodable, UserError
from contango_common.domain.instrument import (
    KNOWN_ROOTS,
    Delivery,
    Settlement,
    Style,
    is_option_id,
    option_id,
    parse_option_id,
    root_spec,
)
from contango_common.domain.money import MICROS, cash_micros, to_micros, to_units
from contango_common.domain.structure import (
    Leg,
    Structure,
    butterfly,
    calendar,
    covered_call,
    diagonal,
    iron_condor,
    opposite,
    protective_put,
    single,
    spot_quote_ticks,
    straddle,
    strangle,
    vertical,
)

amounts = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=9)
roots = st.from_regex(r"[A-Z^][A-Z0-9.]{0,5}", fullmatch=True)
expiries = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda day: int(day.strftime("%Y%m%d")))
strikes = st.integers(0, 99_999_999)
rights = st.sampled_from("CP")
contracts = st.tuples(roots, expiries, rights, strikes)


# Money


@settings(deadline=None)
@given(amounts)
def test_micros_are_the_nearest_integer_and_ties_go_to_the_even_one(amount):
    exact = Fraction(amount) * MICROS
    got = to_micros(amount)
    assert abs(got - exact) <= Fraction(1, 2)
    if abs(got - exact) == Fraction(1, 2):
        assert got % 2 == 0
    assert to_micros(str(amount)) == got
    assert to_micros(-amount) == -got


@pytest.mark.parametrize(
    ("amount", "micros"),
    [
        ("0.65", 650_000),
        ("-0.65", -650_000),
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("0.0000025", 2),
        ("-0.0000015", -2),
        (100_000, 100_000_000_000),
        (Decimal("1E+6"), 10**12),
        ("0.1", 100_000),
    ],
)
def test_known_amounts(amount, micros):
    assert to_micros(amount) == micros
    assert type(to_micros(amount)) is int


@settings(deadline=None)
@given(st.integers(-(2**53), 2**53))
def test_units_and_back(micros):
    shown = Decimal(repr(to_units(micros))).quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)
    assert abs(to_micros(shown) - micros) <= 1


@settings(deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(1, 1000), st.integers(-1000, 1000))
def test_cash_is_exact_and_turns_with_the_side(price, tick, multiplier, quantity):
    cash = cash_micros(price, tick, multiplier, quantity)
    assert cash == -cash_micros(price, tick, multiplier, -quantity) == -cash_micros(-price, tick, multiplier, quantity)
    assert cash == sum(cash_micros(price, tick, multiplier, q) for q in (quantity - 7, 7))
    assert Fraction(cash, MICROS) == Fraction(price * tick, MICROS) * multiplier * quantity


def test_two_sold_at_one_dollar_fifty_bring_three_hundred_dollars():
    assert cash_micros(price_ticks=150, tick_micros=10_000, multiplier=100, quantity=-2) == -300 * MICROS


# Option symbols


@settings(deadline=None)
@given(contracts)
def test_option_ids_come_back(contract):
    text = option_id(*contract)
    assert parse_option_id(text) == contract
    assert is_option_id(text)
    assert len(text) == len(contract[0]) + 15


@settings(deadline=None)
@given(contracts, contracts)
def test_different_contracts_have_different_ids(one, other):
    assert (option_id(*one) == option_id(*other)) == (one == other)


@settings(deadline=None)
@given(st.text("SPXW0189CP.^", max_size=24) | st.text(max_size=24))
def test_any_other_text_is_refused_in_one_line(text):
    if is_option_id(text):
        assert option_id(*parse_option_id(text)) == text
    else:
        with pytest.raises(UserError) as caught:
            parse_option_id(text)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SPXW180316P02500000", ("SPXW", 20180316, "P", 2_500_000)),
        ("SPX140419C01865000", ("SPX", 20140419, "C", 1_865_000)),
        ("BRK.B250117C00412500", ("BRK.B", 20250117, "C", 412_500)),
        ("AAPL1240119P00150000", ("AAPL1", 20240119, "P", 150_000)),
        ("XSP991231C99999999", ("XSP", 20991231, "C", 99_999_999)),
    ],
)
def test_known_symbols(text, parts):
    assert parse_option_id(text) == parts
    assert option_id(*parts) == text


@pytest.mark.parametrize("text", ["", "SPX", "SPXW180316X02500000", "spxw180316P02500000", "SPXW180316P2500000"])
def test_no_symbols(text):
    assert not is_option_id(text)


@pytest.mark.parametrize("text", ["SPXW180316P02500000\n", "SPXW١٨٠٣١٦P02500000"], ids=ascii)
def test_what_does_not_come_back_is_no_symbol(text):
    assert not is_option_id(text)


@pytest.mark.parametrize("text", ["SPXW189999P02500000", "SPXW180230P02500000"])
def test_a_symbol_with_an_impossible_date_is_refused(text):
    assert not is_option_id(text)


@pytest.mark.parametrize("strike", [100_000_000, -1])
def test_a_strike_that_the_symbol_cannot_hold_is_refused(strike):
    with pytest.raises(ValueError, match="strike"):
        option_id("SPX", 20180316, "C", strike)


# Keys of contracts


@settings(deadline=None)
@given(st.integers(0, 255), expiries, st.booleans(), strikes, st.data())
def test_keys_are_injective_and_fit_an_int64(root, expiry, is_call, strike, data):
    key = contract_key(root, expiry, is_call, strike)
    assert 0 <= key < 2**63
    assert key & 0xFFFFFFFF == strike
    assert key >> 32 & 1 == is_call
    assert key >> 33 & 0xFFFFF == expiry % 1_000_000
    assert key >> 53 == root
    near = data.draw(
        st.sampled_from(
            [
                (root + 1, expiry, is_call, strike),
                (root, expiry + 1, is_call, strike),
                (root, expiry, not is_call, strike),
                (root, expiry, is_call, strike + 1),
            ]
        )
    )
    assert contract_key(*near) != key


@settings(deadline=None)
@given(st.lists(contracts, min_size=1, max_size=20, unique=True), st.data())
def test_rows_are_found_by_id_and_name_it_again(listed, data):
    names = sorted({root for root, *_ in listed})
    columns = {
        "key": np.array([contract_key(names.index(r), e, c == "C", k) for r, e, c, k in listed], dtype=np.int64),
        "root": np.array([names.index(r) for r, *_ in listed], dtype=np.int32),
        "expiry_date": np.array([e for _, e, _, _ in listed], dtype=np.int32),
        "is_call": np.array([c == "C" for _, _, c, _ in listed], dtype=np.int8),
        "strike_millis": np.array([k for *_, k in listed], dtype=np.int32),
    }
    for row, contract in enumerate(listed):
        assert id_at(columns, names, row) == option_id(*contract)
        assert find_row(columns, key_of(names, option_id(*contract))) == row
    other = data.draw(contracts.filter(lambda contract: contract not in listed))
    assert find_row(columns, key_of(names, option_id(*other))) is None


def test_a_frame_without_the_root_has_no_key():
    assert key_of(("SPX",), "SPXW180316P02500000") is None
    assert find_row({"key": np.array([0], dtype=np.int64)}, None) is None


# Roots


def test_the_roots_that_the_house_knows():
    assert {r: (s.settlement, s.underlying) for r, s in KNOWN_ROOTS.items() if s.settlement is Settlement.AM} == {
        "SPX": (Settlement.AM, "SPX"),
        "NDX": (Settlement.AM, "NDX"),
        "RUT": (Settlement.AM, "RUT"),
    }
    assert all(root == spec.root for root, spec in KNOWN_ROOTS.items())
    assert {spec.style for spec in KNOWN_ROOTS.values()} == {Style.EUROPEAN}
    spy = root_spec("SPY", "SPY")
    assert (spy.style, spy.settlement, spy.delivery) == (Style.AMERICAN, Settlement.PM, Delivery.PHYSICAL)
    assert root_spec("SPXW", "SPX") is KNOWN_ROOTS["SPXW"]


# Structures


LEGS = ("LP", "SP", "SC", "LC")
BUILT = {
    "iron_condor": iron_condor("SPX", long_put="LP", short_put="SP", short_call="SC", long_call="LC"),
    "vertical": vertical("SPX", bought="LP", sold="SP"),
    "calendar": calendar("SPX", near="N", far="F"),
    "butterfly": butterfly("SPX", low="L", middle="M", high="H"),
    "diagonal": diagonal("SPX", near="N", far="F"),
    "straddle": straddle("SPX", put="P", call="C"),
    "strangle": strangle("SPX", put="P", call="C"),
    "covered_call": covered_call("SPY", call="C"),
    "protective_put": protective_put("SPY", put="P"),
}
RATIOS = {
    "iron_condor": {"LP": 1, "SP": -1, "SC": -1, "LC": 1},
    "vertical": {"LP": 1, "SP": -1},
    "calendar": {"N": -1, "F": 1},
    "butterfly": {"L": 1, "M": -2, "H": 1},
    "diagonal": {"N": -1, "F": 1},
    "straddle": {"P": 1, "C": 1},
    "strangle": {"P": 1, "C": 1},
    "covered_call": {"SPY": 1, "C": -1},
    "protective_put": {"SPY": 1, "P": 1},
}


@pytest.mark.parametrize("kind", sorted(BUILT))
def test_builders_name_kind_and_signs_and_spreads_are_balanced(kind):
    built = BUILT[kind]
    assert (built.kind, built.underlying) == (kind, "SPY" if "SPY" in RATIOS[kind] else "SPX")
    assert {leg.instrument: leg.ratio for leg in built.legs} == RATIOS[kind]
    bought = {"straddle": 2, "strangle": 2, "protective_put": 2}
    assert sum(leg.ratio for leg in built.legs) == bought.get(kind, 0)


@pytest.mark.parametrize("kind", sorted(BUILT))
def test_reversing_closes_and_twice_is_the_same(kind):
    built = BUILT[kind]
    net = {leg.instrument: leg.ratio for leg in built.legs}
    for leg in built.reversed().legs:
        net[leg.instrument] += leg.ratio
    assert set(net.values()) == {0}
    assert built.reversed().reversed() == built
    assert built.reversed().kind == kind


def test_condor_legs_run_from_low_to_high():
    assert tuple(leg.instrument for leg in BUILT["iron_condor"].legs) == LEGS


def test_a_single_leg_keeps_its_side():
    assert single("SPY", "SPY").legs == (Leg("SPY", 1),)
    assert single("SPY", "SPY", -1) == Structure(kind="single", underlying="SPY", legs=(Leg("SPY", -1),))


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=4, max_size=4))
def test_legs_must_differ(n):
    builds = (
        (lambda: iron_condor("X", long_put=n[0], short_put=n[1], short_call=n[2], long_call=n[3]), 4),
        (lambda: butterfly("X", low=n[0], middle=n[1], high=n[2]), 3),
        (lambda: vertical("X", bought=n[0], sold=n[1]), 2),
        (lambda: calendar("X", near=n[0], far=n[1]), 2),
        (lambda: diagonal("X", near=n[0], far=n[1]), 2),
        (lambda: straddle("X", put=n[0], call=n[1]), 2),
        (lambda: strangle("X", put=n[0], call=n[1]), 2),
        (lambda: covered_call(n[0], call=n[1]), 2),
        (lambda: protective_put(n[0], put=n[1]), 2),
    )
    for build, size in builds:
        if len(set(n[:size])) == size:
            assert len(build().legs) == size
        else:
            with pytest.raises(ValueError, match="different legs"):
                build()


@settings(deadline=None)
@given(st.integers(0, 10**12), st.sampled_from([1, 100, 10_000, 50_000]))
def test_a_spot_lies_between_the_ticks_that_quote_it(micros, tick):
    bid, ask = spot_quote_ticks(micros / MICROS, tick)
    assert bid * tick <= micros <= ask * tick
    assert ask - bid == (0 if micros % tick == 0 else 1)


@pytest.mark.parametrize("cents", [1, 29, 2_531, 27_112, 419_999])
def test_a_spot_in_whole_cents_has_no_dust(cents):
    assert spot_quote_ticks(cents / 100, 10_000) == (cents, cents)


def test_opposite_rights():
    assert (opposite("C"), opposite("P")) == ("P", "C")


def test_the_errors_are_one_tree():
    assert all(issubclass(kind, ContangoError) for kind in (UserError, LogError, Undecodable))

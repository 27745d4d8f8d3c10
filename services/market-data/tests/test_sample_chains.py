"""Modelled chains: the VIX method, arbitrage, listings, ticks, spreads and truncation."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.sessions import days_between
from contango_common.edge.calendar import session_table
from contango_market_data.sample.chain import SessionChains, build_chains
from contango_market_data.sample.daily import load_market
from contango_market_data.sample.day import build_day
from contango_market_data.sample.expiries import expiry_dates, listed
from contango_market_data.sample.listing import listed_strikes
from contango_market_data.sample.market import Floats, Market
from contango_market_data.sample.quotes import ASK, BID, CALL, PUT, fair_otm
from contango_market_data.sample.rates import DIVIDEND_YIELD, rate_on
from contango_market_data.sample.spreads import ask_cents, bid_cents
from contango_market_data.sample.surface import YEAR_NS, atm_total_variance

CALM_AND_WILD = (20140103, 20140703, 20150824, 20150825, 20160627, 20171124, 20180205, 20180206, 20181224, 20181231)


@pytest.fixture(scope="module")
def market() -> Market:
    return load_market()


@pytest.fixture(scope="module")
def expiry_close_ns() -> dict[int, int]:
    sessions = session_table("XNYS", date(2014, 1, 1), date(2019, 3, 31))
    instants = dict(zip(sessions.date, sessions.close_ns))
    return {expiry: instants[expiry] for expiry in expiry_dates(sessions)}


@pytest.fixture(scope="module")
def chains(market: Market, expiry_close_ns: dict[int, int]) -> dict[int, SessionChains]:
    """Wild days and every 60th session of the five years."""
    rows = {market.rows(day, day).start for day in CALM_AND_WILD} | set(range(market.start, len(market.date), 60))
    return {row: build_chains(market, row, build_day(market, row), expiry_close_ns) for row in sorted(rows)}


def test_expiries_are_week_ends_and_month_ends(expiry_close_ns: dict[int, int]) -> None:
    expiries = set(expiry_close_ns)
    assert {20180316, 20180329, 20180330, 20140417, 20150702, 20181231} & expiries == {
        20180316,  # a Friday
        20180329,  # Thursday and month's end before Good Friday
        20140417,  # Thursday before Good Friday
        20150702,  # Thursday before the holiday's Friday
        20181231,  # a Monday, the month's end
    }
    assert len([e for e in expiries if 20180101 <= e <= 20181231]) == 52 + 7  # five months end on a weekly
    assert listed(tuple(expiry_close_ns), 20181231)[-1] == 20190301


def test_vix_method_on_the_quotes_gives_the_moments_vix(market: Market, chains: dict[int, SessionChains]) -> None:
    worst, checked = 0.0, 0
    for row, session in chains.items():
        vix = build_day(market, row).vix.close[5::6]
        for moment in range(len(session.quote_ns)):
            worst = max(worst, abs(_vix(session, moment, int(market.date[row])) - float(vix[moment])))
            checked += 1
    assert checked > 300
    assert worst < 0.1


def test_moments_run_from_half_past_to_the_close(market: Market, chains: dict[int, SessionChains]) -> None:
    for row, session in chains.items():
        assert session.quote_ns[0] - market.open_ns[row] == 30 * 60 * 10**9
        assert session.quote_ns[-1] == market.close_ns[row]
        assert session.spot[-1] == market.close[row]
        assert len(session.quote_ns) == (7 if int(market.date[row]) in (20140703, 20171124, 20181224) else 13)


def test_quotes_lie_on_their_ticks_and_are_never_locked(chains: dict[int, SessionChains]) -> None:
    for session in chains.values():
        bid, ask = session.cents[..., BID], session.cents[..., ASK]
        assert np.all(bid < ask)
        assert np.all(bid >= 0)
        assert np.all(bid % np.where(bid < 300, 5, 10) == 0)
        assert np.all(ask % np.where(ask <= 300, 5, 10) == 0)
        assert np.array_equal(session.sizes[..., BID] == 0, bid == 0)
        assert session.sizes[..., ASK].min() >= 1


@settings(deadline=None)
@given(st.floats(0.0, 3000.0))
def test_ticks_bracket_the_price(price: float) -> None:
    low, high = bid_cents(price), ask_cents(price)
    assert low <= price * 100 + 1e-6
    assert price * 100 - 1e-6 <= high
    assert high - low <= 10 or price < 0.05


def test_middle_of_the_quotes_is_unbiased(market: Market, chains: dict[int, SessionChains]) -> None:
    errors = []
    for row, session in chains.items():
        for fair, cents in _otm_quotes(market, row, session, 3):
            traded = (fair > 0.5) & (cents[:, BID] > 0)
            errors.append(cents[traded].mean(axis=1) / 100.0 - fair[traded])
    assert abs(float(np.concatenate(errors).mean())) < 0.005


def test_parity_gives_the_stated_forward(market: Market, chains: dict[int, SessionChains]) -> None:
    for row, session in chains.items():
        for strikes, t_years, cents in _expiries(session, 2):
            if t_years < 0.5 / 365:
                continue
            rate = rate_on(int(market.date[row]))
            forward = float(session.spot[2]) * math.exp((rate - DIVIDEND_YIELD) * t_years)
            near = np.argsort(np.abs(strikes - forward))[:6]
            middle = cents[near].mean(axis=2) / 100.0
            implied = strikes[near] + (middle[:, CALL] - middle[:, PUT]) * math.exp(rate * t_years)
            assert float(np.abs(implied.mean() - forward)) < 0.1


def test_fair_prices_hold_no_static_arbitrage(market: Market, chains: dict[int, SessionChains]) -> None:
    """Butterflies cost something on every three listed strikes; total variance grows with maturity at equal ln(K/F)."""
    for row, session in chains.items():
        rate = rate_on(int(market.date[row]))
        level = float(session.level[4])
        for strikes, t_years, _ in _expiries(session, 4):
            if t_years < 0.5 / 365:
                continue
            calls = _fair_calls(float(session.spot[4]), strikes, rate, t_years, level)
            slopes = np.diff(calls) / np.diff(strikes)
            assert np.all(slopes < 0.0)
            assert np.all(np.diff(slopes) > -1e-9)
        maturities = np.linspace(0.25, 60.0, 80) / 365.0
        for k in np.linspace(-0.6, 0.25, 35):
            total = [_total_variance(float(k), float(t), level) for t in maturities]
            assert np.all(np.diff(total) > 0.0)


def test_half_spreads_are_those_of_the_index(market: Market, chains: dict[int, SessionChains]) -> None:
    """0.14-0.20 points at 16 delta and 45 days in calm markets, wider near the money, in the wings and in panic."""
    calm = _half_spread_cents(market, chains, 20171124, 1.0)
    assert 12 <= calm <= 22
    assert _half_spread_cents(market, chains, 20171124, 0.0) > 1.5 * calm
    assert _half_spread_cents(market, chains, 20171124, -1.2) <= _half_spread_cents(market, chains, 20171124, -2.5)
    assert _half_spread_cents(market, chains, 20150824, -1.2) > 1.5 * _half_spread_cents(market, chains, 20140103, -1.2)


def test_listings_only_grow_and_know_nothing_of_the_day(market: Market, expiry_close_ns: dict[int, int]) -> None:
    first, last = market.rows(20150801, 20150801).start, market.rows(20150918, 20150918).start
    before: set[int] = set()
    for row in range(first, last):
        today = set(listed_strikes(market, row, 20150918).tolist())
        assert before <= today
        close = market.close.copy()
        vix = market.vix.copy()
        close[row:], vix[row:] = 1.0, 99.0
        assert today == set(listed_strikes(replace(market, close=close, vix=vix), row, 20150918).tolist())
        before = today
    spot = market.close[last - 1]
    fine = {strike for strike in before if strike - 5 in before and strike + 5 in before}
    assert min(fine) < 0.85 * spot + 25
    assert max(fine) > spot


def test_listing_covers_the_strikes_around_spot(chains: dict[int, SessionChains]) -> None:
    for session in chains.values():
        for strikes, _, _ in _expiries(session, 0):
            spot = session.spot[0]
            near = strikes[(strikes > 0.97 * spot) & (strikes < 1.005 * spot)]
            assert np.all(np.diff(near) == 5)
            assert np.all(np.diff(strikes) > 0)
            assert np.all(strikes % 5 == 0)


def test_the_future_changes_nothing(market: Market, expiry_close_ns: dict[int, int]) -> None:
    """Other prices after a session leave its chains as they are."""
    row = market.rows(20180205, 20180205).start
    columns = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close", "vix")}
    for column in columns.values():
        column[row + 1 :] *= 0.5
    changed = replace(market, **columns)
    first = build_chains(market, row, build_day(market, row), expiry_close_ns)
    second = build_chains(changed, row, build_day(changed, row), expiry_close_ns)
    assert first.cents.tobytes() == second.cents.tobytes()
    assert first.sizes.tobytes() == second.sizes.tobytes()


def test_expired_today_is_worth_its_intrinsic_value(market: Market, expiry_close_ns: dict[int, int]) -> None:
    row = market.rows(20180316, 20180316).start
    session = build_chains(market, row, build_day(market, row), expiry_close_ns)
    strikes, t_years, cents = _expiries(session, -1)[0]
    assert t_years == 0.0
    intrinsic = 100.0 * np.maximum(np.array([1.0, -1.0]) * (market.close[row] - strikes[:, None]), 0.0)
    assert np.all(cents[..., BID] <= intrinsic + 1e-6)
    assert np.all(cents[..., ASK] >= intrinsic - 1e-6)
    assert np.all(cents[intrinsic == 0.0][:, BID] == 0)


def _expiries(session: SessionChains, moment: int) -> list[tuple[Floats, float, npt.NDArray[np.int32]]]:
    """(strikes, years, cents) of every expiry at a moment."""
    listing = session.listing
    years = (listing.expiry_ns - session.quote_ns[moment]) / YEAR_NS
    parts = [slice(a, b) for a, b in zip(listing.starts[:-1], listing.starts[1:], strict=True)]
    return [(listing.strikes[p], float(t), session.cents[moment, p]) for p, t in zip(parts, years, strict=True)]


def _otm_quotes(
    market: Market, row: int, session: SessionChains, moment: int
) -> list[tuple[Floats, npt.NDArray[np.int32]]]:
    """(fair prices, cents) of the out-of-the-money options of every expiry."""
    rate, result = rate_on(int(market.date[row])), []
    for strikes, t_years, cents in _expiries(session, moment):
        forward = float(session.spot[moment]) * math.exp((rate - DIVIDEND_YIELD) * t_years)
        variance = atm_total_variance(t_years, float(session.level[moment]))
        discount = math.exp(-rate * t_years)
        fair = np.array([fair_otm(forward, float(strike), variance, discount) for strike in strikes])
        side = np.where(strikes >= forward, CALL, PUT)
        result.append((fair, cents[np.arange(len(strikes)), side]))
    return result


def _half_spread_cents(market: Market, chains: dict[int, SessionChains], day: int, z: float) -> float:
    """Half-spread of the out-of-the-money option ``z`` deviations away, some 45 days from expiry."""
    row = market.rows(day, day).start
    session = chains[row]
    index = int(np.argmin([abs(days_between(day, expiry) - 45) for expiry in session.listing.expiry_dates]))
    strikes, t_years, _ = _expiries(session, 2)[index]
    _, cents = _otm_quotes(market, row, session, 2)[index]
    deviations = np.log(strikes / session.spot[2]) / math.sqrt(atm_total_variance(t_years, float(session.level[2])))
    near = np.argsort(np.abs(deviations - z))[:5]
    return float((cents[near, ASK] - cents[near, BID]).mean() / 2)


def _fair_calls(spot: float, strikes: Floats, rate: float, t_years: float, level: float) -> Floats:
    forward, discount = spot * math.exp((rate - DIVIDEND_YIELD) * t_years), math.exp(-rate * t_years)
    variance = atm_total_variance(t_years, level)
    otm = np.array([fair_otm(forward, float(strike), variance, discount) for strike in strikes])
    return np.asarray(otm + discount * np.where(strikes >= forward, 0.0, forward - strikes))


def _total_variance(k: float, t_years: float, level: float) -> float:
    """The published SSVI formula, written out apart from the code under test."""
    mean_reversion = (1 - math.exp(-3.0 * t_years)) / 3.0
    w = 0.0256 * t_years + (level - 0.0256) * mean_reversion
    p = 0.7 / math.sqrt(w)
    return w / 2 * (1 - 0.6 * p * k + math.sqrt((p * k - 0.6) ** 2 + 0.64))


def _vix(session: SessionChains, moment: int, day: int) -> float:
    """The VIX method, apart from the code under test: two terms around 30 days, quotes only."""
    terms = _expiries(session, moment)
    years = np.array([t for _, t, _ in terms])
    near = int(np.flatnonzero(years <= 30 / 365)[-1])
    sigma = [_term(*terms[e], rate_on(day)) for e in (near, near + 1)]
    first, second = years[near], years[near + 1]
    share = (second - 30 / 365) / (second - first)
    return 100 * math.sqrt((first * sigma[0] * share + second * sigma[1] * (1 - share)) * 365 / 30)


def _term(strikes: Floats, t_years: float, cents: npt.NDArray[np.int32], rate: float) -> float:
    middle, bid = cents.mean(axis=2) / 100.0, cents[:, :, BID]
    j = int(np.argmin(np.abs(middle[:, CALL] - middle[:, PUT])))
    forward = strikes[j] + math.exp(rate * t_years) * (middle[j, CALL] - middle[j, PUT])
    centre = int(np.flatnonzero(strikes <= forward)[-1])
    chosen = [(strikes[centre], middle[centre].mean())]
    for right, order in ((PUT, range(centre - 1, -1, -1)), (CALL, range(centre + 1, len(strikes)))):
        empty = 0
        for i in order:
            empty = empty + 1 if bid[i, right] == 0 else 0
            if empty == 2:
                break
            if bid[i, right] > 0:
                chosen.append((strikes[i], middle[i, right]))
    k, q = np.array(sorted(chosen)).T
    width = np.concatenate(([k[1] - k[0]], (k[2:] - k[:-2]) / 2, [k[-1] - k[-2]]))
    total = float(np.sum(width / k**2 * q)) * math.exp(rate * t_years)
    return float((2 * total - (forward / strikes[centre] - 1) ** 2) / t_years)

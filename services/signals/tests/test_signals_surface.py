"""Forwards and smiles as facts: when they are made, what they say, and what the strikes take from them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.risk import TradeClosed
from contango_common.events.signal import Proposal, Scan, SurfaceFitted
from contango_common.runtime.fold import evolve
from contango_quant.surface import curve
from contango_quant.surface.smile import INSIDE, vols_of
from contango_signals import chainview, fold
from support.signals_world import (
    RATE,
    START,
    Market,
    approved,
    chain,
    date_of,
    instant,
    messages_of,
    opened,
    play,
    setup,
)

MARKET = Market(spots=(2000.0, 2010.0), vix=(18.0, 18.0), expiry_days=(18, 32, 46, 74))


def surfaces(facts):
    return [(seq, fact) for seq, fact in facts if isinstance(fact, SurfaceFitted)]


def test_a_scan_is_preceded_by_the_fits_of_every_expiry():
    facts = play(fold, fold.initial(), messages_of(MARKET))
    for seq, scan in ((seq, f) for seq, f in facts if isinstance(f, Scan)):
        before = [f for at, f in facts if at == seq]
        fitted = [f for f in before if isinstance(f, SurfaceFitted)]
        assert before.index(scan) >= len(fitted) == 4
        assert [f.expiry_date for f in fitted] == sorted(f.expiry_date for f in fitted)
    scans = [seq for seq, f in facts if isinstance(f, Scan)]
    assert {seq for seq, _ in surfaces(facts)} == set(scans), "at scan times only: nothing is held"


def test_the_fact_is_the_smile():
    """Rebuilt from the fact alone, it gives the volatilities that the quotes were made of."""
    (_, fact), *_ = surfaces(play(fold, fold.initial(), messages_of(MARKET)))
    smile = curve.Smile(*fact.smile)
    assert fact.reason is None
    assert smile.forward == fact.forward
    strikes = np.arange(0.9, 1.06, 0.01) * fact.forward
    found = vols_of(smile, strikes)
    assert (found.status == INSIDE).all()
    made = 0.18 - 0.4 * np.log(strikes / fact.forward)
    assert found.vol == pytest.approx(made, abs=0.002)
    assert fact.atm_iv_annual == pytest.approx(0.18, abs=0.002)
    assert fact.rms_vol < 0.01
    assert fact.quotes > 20


@settings(max_examples=25)
@given(st.floats(0.1, 0.5), st.floats(-0.6, 0.1), st.integers(0, 40))
def test_deltas_come_from_the_smile_and_fall_with_the_strike(vol, skew, half_ticks):
    s = one_slice(replace(MARKET, vol=vol, skew=skew, half_ticks=half_ticks))
    assert s.smile is not None
    for is_call in (False, True):
        rows = np.flatnonzero((s.is_call == is_call) & np.isfinite(s.delta))
        model = vols_of(s.smile, s.strike[rows]).vol
        d1 = np.log(s.forward / s.strike[rows]) / (model * math.sqrt(s.t_years)) + 0.5 * model * math.sqrt(s.t_years)
        yield_discount = s.forward / 2000.0 * s.discount
        normal = 0.5 * (1.0 + np.array([math.erf(x / math.sqrt(2.0)) for x in d1]))
        assert s.delta[rows] == pytest.approx(yield_discount * (normal - (not is_call)), abs=1e-9)


def test_without_a_smile_the_quotes_own_volatility_gives_the_delta():
    """Four strikes are too few for a smile."""
    s = one_slice(replace(MARKET, strike_step=200))
    assert s.smile is None
    assert s.reason == "smile of 4 quotes: FEW_QUOTES"
    known = np.isfinite(s.delta)
    assert known.sum() == 4
    d1 = np.log(s.forward / s.strike[known]) / (s.vol[known] * math.sqrt(s.t_years)) + 0.5 * s.vol[known] * math.sqrt(
        s.t_years
    )
    normal = 0.5 * (1.0 + np.array([math.erf(x / math.sqrt(2.0)) for x in d1]))
    yield_discount = s.forward / 2000.0 * s.discount
    assert s.delta[known] == pytest.approx(yield_discount * (normal - ~s.is_call[known]), abs=1e-9)


def test_one_crooked_quote_does_not_move_the_deltas_beside_it():
    """What a smile is for: by its own volatility that strike would jump over its neighbours."""
    contracts, quotes = chain(MARKET, START, NOW_NS, 2000.0)
    straight = slice_from(contracts, quotes)
    row = int(straight.rows[np.flatnonzero((~straight.is_call) & (straight.strike == 1900.0))[0]])
    for name in ("bid_ticks", "ask_ticks"):
        quotes[name] = quotes[name].copy()
        quotes[name][row] += 300
    crooked = slice_from(contracts, quotes)
    at = np.flatnonzero(crooked.rows == row)[0]
    raw_jump = abs(crooked.vol[at] - straight.vol[at])
    assert raw_jump > 0.01
    assert abs(crooked.delta[at] - straight.delta[at]) < 0.01
    puts = np.flatnonzero((~crooked.is_call) & np.isfinite(crooked.delta))
    order = puts[np.argsort(crooked.strike[puts])]
    assert (np.diff(crooked.delta[order]) < 0.0).all(), "put deltas still fall with the strike"


def test_held_expiries_are_fitted_at_scan_times_and_at_the_close_and_kept_until_they_expire():
    facts, state = [], fold.initial()
    messages = messages_of(replace(MARKET, spots=(2000.0,) * 3, vix=(18.0,) * 3))
    held, opened_at = None, None
    for seq, message in enumerate(messages, start=1):
        found = play(fold, state, [message], seq)
        facts += found
        at = At(message.ts_ns, seq, "risk")
        for _, fact in found:
            if isinstance(fact, Proposal) and held is None:
                held, opened_at = fact, seq
                known = ("p1", fact.strategy, fact.underlying)
                approval = approved(*known, fact.valid_until_ns, instruments=fact.instruments, ratios=fact.ratios)
                evolve(fold, state, approval, at)
                evolve(fold, state, opened(*known), at)
    assert held is not None
    closings = [
        seq
        for seq, m in enumerate(messages, start=1)
        if seq > opened_at and any(getattr(e, "closing", False) for e in m.events)
    ]
    assert len(closings) == 3
    series = {(f.root, f.expiry_date) for seq, f in surfaces(facts) if seq in closings}
    assert len(series) == 1, "at the close only what is held"
    assert {seq for seq, _ in surfaces(facts)} >= set(closings)
    assert state.smiles[f"{held.instruments[0][:4]}:{next(iter(series))[1]}"].smile
    over = At(max(s.expiry_ns for s in state.smiles.values()), 10**6, "signals")
    (_, fresh), *_ = surfaces(facts)
    evolve(fold, state, fresh, over)
    assert len(state.smiles) == 1, "what has expired is forgotten"
    evolve(fold, state, TradeClosed.model_construct(position_id="p1"), over)
    assert not state.positions


NOW_NS = instant(START, 15 * 60)


def one_slice(market: Market):
    return slice_from(*chain(market, START, NOW_NS, 2000.0))


def slice_from(contracts, quotes):
    """The expiry of 46 days."""
    state = fold.initial()
    play(fold, state, setup(MARKET))
    expiry = next(e for e in chainview.expiries(contracts) if e.expiry_date == date_of(START + 46))
    return chainview.slice_of(
        expiry, contracts, quotes, spot=2000.0, now_ns=NOW_NS, tick_micros=10_000, rate_annual=RATE
    )

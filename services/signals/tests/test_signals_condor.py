"""The iron condor on generated chains: quoted legs, defined risk, the sign of the premium, the limit's place."""

from dataclasses import replace
from math import erf, log, sqrt

import numpy as np
import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.chain import find_row, key_of
from contango_common.domain.instrument import parse_option_id
from contango_common.events.base import Event
from contango_common.events.market import ChainFrame, RateSet
from contango_common.events.signal import Proposal, Scan
from contango_common.runtime.fold import step
from contango_signals import fold
from support.signals_world import (
    MINUTE_NS,
    OPEN_MINUTE,
    START,
    Market,
    bars,
    book,
    frame,
    instant,
    play,
    root_listed,
    setup,
)

NOW_NS = instant(START, OPEN_MINUTE + 30)
ANY = {"max_spread_to_mid": 10.0, "min_credit_to_width": 0.0, "gates_off": ["breach_odds", "vrp", "iv_rank"]}

markets = st.builds(
    Market,
    vol=st.floats(0.08, 0.6),
    skew=st.floats(-0.8, 0.2),
    half_ticks=st.integers(0, 60),
    size=st.integers(0, 50),
    strike_step=st.sampled_from((5, 10, 25, 50)),
    expiry_days=st.sampled_from(((46,), (18, 46, 74), (32, 39, 53), (10, 80), ())),
    params=st.just(book(**ANY)),
)


def look(market: Market, event: ChainFrame | None = None, extra: tuple[Event, ...] = ()) -> list[Event]:
    state = fold.initial()
    play(fold, state, setup(market))
    event = event or frame(market, START, NOW_NS, market.spots[0])
    facts = step(fold, state, (bars(900, SPX=market.spots[0], VIX=18.0), *extra, event), At(NOW_NS, 99, "md"))[0]
    return [fact for fact in facts if isinstance(fact, Scan | Proposal)]


def proposals(facts: list[Event]) -> list[Proposal]:
    return [fact for fact in facts if isinstance(fact, Proposal)]


@settings(max_examples=60, deadline=None)
@given(markets)
def test_laws_of_every_proposal(market: Market) -> None:
    event = frame(market, START, NOW_NS, market.spots[0])
    facts = look(market, event)
    assert facts == look(market, event)
    scan = facts[0]
    assert isinstance(scan, Scan)
    assert scan.proposed == (len(facts) == 2) == (scan.candidates > 0 and all(scan.gates.values()))
    note(f"proposed: {scan.proposed}")
    for proposal in proposals(facts):
        judge_proposal(proposal, event, market)


def judge_proposal(proposal: Proposal, event: ChainFrame, market: Market) -> None:
    """An independent look at the legs, from their names alone."""
    contracts, quotes = event.contract_columns(), event.quote_columns()
    found = [find_row(contracts, key_of(event.roots, name)) for name in proposal.instruments]
    rows = [row for row in found if row is not None]
    assert len(rows) == 4
    bid, ask = quotes["bid_ticks"][rows], quotes["ask_ticks"][rows]
    assert (bid > 0).all()
    assert (ask >= bid).all()
    low, put, call, high = (parse_option_id(name)[3] / 1000 for name in proposal.instruments)
    assert [parse_option_id(name)[2] for name in proposal.instruments] == ["P", "P", "C", "C"]
    assert low < put < market.spots[0] < call < high
    assert min(put - low, high - call) >= 0.01 * market.spots[0]
    assert proposal.ratios == (1, -1, -1, 1)
    natural = ask[0] - bid[1] - bid[2] + ask[3]
    assert proposal.natural_ticks == natural
    assert proposal.mid_ticks == pytest.approx(
        (ask[0] + bid[0] - ask[1] - bid[1] - ask[2] - bid[2] + ask[3] + bid[3]) / 2
    )
    assert proposal.limit_ticks < 0
    assert proposal.limit_ticks % 5 == 0
    conceded = 0.75 * natural + 0.25 * (bid[0] - ask[1] - ask[2] + bid[3])
    assert 0 <= proposal.limit_ticks - conceded < 5
    prices = np.arange(0, 2 * high, 0.5)
    worth = (
        np.maximum(low - prices, 0)
        - np.maximum(put - prices, 0)
        - np.maximum(prices - call, 0)
        + np.maximum(prices - high, 0)
    )
    assert proposal.max_loss_ticks == pytest.approx(-(worth.min() * 100 - proposal.limit_ticks))
    assert proposal.max_loss_ticks > 0
    assert all(proposal.gates.values())
    assert NOW_NS < proposal.valid_until_ns <= NOW_NS + 75 * MINUTE_NS
    for name in ("short_put_delta", "short_call_delta"):
        assert 0.08 <= abs(proposal.why[name] or 0.0) <= 0.25


def test_the_sixteen_delta_condor_by_hand() -> None:
    """Black-76 at 46 days: N(-d1) of the sold strikes, computed by another path (error function)."""
    market = Market(
        params=book(**ANY, short_delta_step=0.0, rich_weight=0.0), strike_step=5, half_ticks=0, skew=0.0, vol=0.2
    )
    (proposal,) = proposals(look(market))
    t_years = ((instant(START + 46, 21 * 60)) - NOW_NS) / (365 * 86_400e9)
    forward = market.spots[0] * np.exp(0.01 * t_years)

    def delta(strike: float, sign: int) -> float:
        d1 = (log(forward / strike) + 0.02 * t_years) / (0.2 * sqrt(t_years))
        return sign * 0.5 * (1 + erf(sign * d1 / sqrt(2)))

    put, call = proposal.why["short_put"] or 0.0, proposal.why["short_call"] or 0.0
    assert proposal.why["short_put_delta"] == pytest.approx(delta(put, -1), abs=2e-3)
    assert abs(delta(put, -1) + 0.16) == min(abs(delta(k, -1) + 0.16) for k in (put - 5, put, put + 5))
    assert abs(delta(call, 1) - 0.16) == min(abs(delta(k, 1) - 0.16) for k in (call - 5, call, call + 5))


@pytest.mark.parametrize("column", ["bid_ticks", "ask_ticks"])
def test_unusable_rows_are_never_legs(column: str) -> None:
    market = Market(params=book(**ANY))
    (first,) = proposals(look(market))
    event = frame(market, START, NOW_NS, market.spots[0])
    contracts, quotes = event.contract_columns(), event.quote_columns()
    row = find_row(contracts, key_of(event.roots, first.instruments[1]))
    spoilt = quotes[column].copy()
    spoilt[row] = 0 if column == "bid_ticks" else -1
    event.attach({event.contracts: contracts, event.quotes: {**quotes, column: spoilt}})
    (second,) = proposals(look(market, event))
    assert first.instruments[1] not in second.instruments


def gates_of(market: Market, event: ChainFrame | None = None, extra: tuple[Event, ...] = ()) -> dict[str, bool]:
    scan = look(market, event, extra)[0]
    assert isinstance(scan, Scan)
    return scan.gates


def test_am_settled_contracts_must_trade_longer_than_the_proposal_stands() -> None:
    am = Market(root="SPX", params=book(**ANY, dte_min=0, dte_target=1, dte_max=2), expiry_days=(1,))
    extra = (RateSet(underlying="SPX", rate_annual=0.01, div_yield_annual=0.0),)
    closing = frame(am, START, NOW_NS, 2000.0)
    verdicts = gates_of(replace(am, vol=0.9), frame(replace(am, vol=0.9), START, NOW_NS, 2000.0), extra)
    assert closing.rows
    assert verdicts["contract_tradable"] is False
    pm = Market(root="SPXW", params=am.params, expiry_days=(1,), vol=0.9)
    assert gates_of(pm)["contract_tradable"] is True


def test_adjusted_deliverables_are_refused() -> None:
    market = Market(params=book(**ANY))
    assert gates_of(market)["contract_tradable"] is True
    adjusted = (root_listed("SPXW", deliverable_shares=110),)
    assert gates_of(market, extra=adjusted)["contract_tradable"] is False


def test_no_candidate_is_no_proposal_and_says_so() -> None:
    facts = look(Market(params=book(**ANY), expiry_days=(10, 80)))
    assert len(facts) == 1
    assert isinstance(facts[0], Scan)
    assert facts[0].gates["legs_quoted"] is False
    assert facts[0].candidates == 0


def test_a_closing_frame_opens_nothing_unless_allowed() -> None:
    day_ns = instant(START, 21 * 60)
    shut = Market(params=book(**ANY))
    opened = Market(params=book(**ANY, allow_closing_frame=True))
    results = []
    for market in (shut, opened):
        state = fold.initial()
        play(fold, state, setup(market))
        event = frame(market, START, day_ns, 2000.0, closing=True)
        seen = (bars(900, SPX=2000.0, VIX=18.0), event)
        results.append(proposals(step(fold, state, seen, At(day_ns, 99, "md"))[0]))
    assert results[0] == []
    assert results[1][0].valid_until_ns == instant(START + 1, 21 * 60)

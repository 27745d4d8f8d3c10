"""Laws of the options strategies on random chains: quoted distinct legs, bounded loss, sign of the premium, purity."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.pricing.payoff import Leg, profits
from contango_signals.strategies.spec import View
from support.chain_views import NOW_NS, legs_of, view_of, view_of_blocks
from support.signals_world import START, Market, chain, date_of
from support.strategy_laws import BEAR, BULL, CRASH, HIGH, LAWS, LOW, Law, judge, told

REGIMES = (LOW, HIGH, BULL, BEAR, CRASH, None)

markets = st.builds(
    Market,
    spots=st.floats(400.0, 5000.0).map(lambda spot: (spot,)),
    vol=st.floats(0.06, 0.8),
    skew=st.floats(-0.8, 0.3),
    half_ticks=st.integers(0, 80),
    strike_step=st.sampled_from((1, 5, 10, 25, 50, 100)),
    expiry_days=st.sampled_from(((46,), (18, 46, 74), (32, 39, 53, 95), (25, 60), ())),
)


@pytest.mark.parametrize("name", LAWS)
@settings(max_examples=40, deadline=None)
@given(market=markets, pick=st.integers(0, 4))
def test_laws_hold_on_random_chains(name: str, market: Market, pick: int) -> None:
    law = LAWS[name]
    regime = law.regimes[pick % len(law.regimes)]
    spacious = replace(market, strike_step=max(market.strike_step, int(market.spots[0] // 400)))
    view = view_of(spacious, regime, tradable=True)
    propose, p = law.module.propose, law.module.Params()
    found = propose(view, p)
    note(f"candidates: {len(found)}")
    judge(view, law, found)
    assert told(propose(view, p)) == told(found)
    assert told(propose(view_of(spacious, regime, tradable=True), p)) == told(found)


@pytest.mark.parametrize("name", LAWS)
def test_each_strategy_finds_something_in_each_of_its_regimes(name: str) -> None:
    law = LAWS[name]
    for regime in law.regimes:
        view = view_of(Market(vol=0.2, skew=-0.1), regime, tradable=True)
        found = law.module.propose(view, law.module.Params())
        assert found, regime
        judge(view, law, found)


@pytest.mark.parametrize("name", LAWS)
def test_the_card_says_what_the_module_is(name: str) -> None:
    law = LAWS[name]
    spec, p = law.module.SPEC, law.module.Params()
    assert spec.name == name == law.module.__name__.rsplit(".", 1)[-1]
    assert (spec.on, spec.module, spec.propose, spec.params) == (
        "chain",
        "options",
        law.module.propose,
        law.module.Params,
    )
    assert spec.screen
    assert spec.credit is not law.pays
    assert p.regimes_allowed == law.regimes
    for field in law.module.Params.model_fields.values():
        assert field.description
        assert "unit" in field.json_schema_extra


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("regime", REGIMES)
def test_nothing_on_a_chain_without_forward(name: str, regime: str | None) -> None:
    """Calls alone have no parity, hence no forward; and an empty chain has nothing at all."""
    contracts, quotes = chain(Market(), START, NOW_NS, 2000.0)
    bid = np.where(contracts["is_call"] == 1, quotes["bid_ticks"], 0).astype("<i4")
    blind = _view(contracts, {**quotes, "bid_ticks": bid}, regime)
    assert blind.slices
    assert all(s.forward is None for s in blind.slices)
    law = LAWS[name]
    assert law.module.propose(blind, law.module.Params()) == []
    assert law.module.propose(view_of(Market(expiry_days=()), regime, tradable=True), law.module.Params()) == []


def _view(contracts: dict[str, np.ndarray], quotes: dict[str, np.ndarray], regime: str | None) -> View:
    return view_of_blocks(
        contracts,
        quotes,
        underlying="SPX",
        roots=("SPXW",),
        spot=2000.0,
        now_ns=NOW_NS,
        session_date=date_of(START),
        regime=regime,
        tradable=True,
    )


@pytest.mark.parametrize("name", LAWS)
def test_a_row_that_is_not_quoted_is_no_leg(name: str) -> None:
    """What was chosen first loses its bid; then its quote is crossed: neither is chosen again."""
    law = LAWS[name]
    view = view_of(Market(vol=0.2, skew=-0.1), law.regimes[0], tradable=True)
    first = law.module.propose(view, law.module.Params())[0]
    row = next(row for row in first.rows if row >= 0)
    for column, value in (("bid_ticks", 0), ("ask_ticks", -1)):
        spoilt = view.quotes[column].copy()
        spoilt[row] = value
        other = _view(view.contracts, {**view.quotes, column: spoilt}, law.regimes[0])
        for c in law.module.propose(other, law.module.Params()):
            assert row not in c.rows


@pytest.mark.parametrize("name", ["protective_put", "covered_call"])
def test_what_cannot_be_bought_is_not_part_of_a_structure(name: str) -> None:
    law = LAWS[name]
    assert law.module.propose(view_of(Market(vol=0.2), law.regimes[0]), law.module.Params()) == []


@pytest.mark.parametrize(
    ("name", "is_call"), [("broken_wing_butterfly_bull", False), ("broken_wing_butterfly_bear", True)]
)
@settings(max_examples=40, deadline=None)
@given(market=markets)
def test_the_losses_told_of_a_broken_wing_are_those_of_a_grid_of_prices(
    name: str, is_call: bool, market: Market
) -> None:
    """The trend's side: above for puts, below for calls. Prices every 0.1 % beside the strikes themselves."""
    law: Law = LAWS[name]
    step = max(market.strike_step, int(market.spots[0] // 400))
    view = view_of(replace(market, strike_step=step), law.regimes[0])
    p = law.module.Params()
    found = law.module.propose(view, p)
    note(f"candidates: {len(found)}")
    for c in found:
        legs = [Leg(ratio, strike, right == "C") for ratio, right, strike, _ in legs_of(c)]
        mids = [
            ratio * 0.005 * int(view.quotes["bid_ticks"][row] + view.quotes["ask_ticks"][row])
            for ratio, row in zip(c.ratios, c.rows, strict=True)
        ]
        body = legs[1].strike
        grid = np.union1d(np.arange(0.0, 3.0, 0.001) * body, [leg.strike for leg in legs])
        worth = profits(legs, -sum(mids), grid)
        below, above = -worth[grid <= body].min(), -worth[grid >= body].min()
        assert c.why["loss_below"] == pytest.approx(below, abs=1e-6)
        assert c.why["loss_above"] == pytest.approx(above, abs=1e-6)
        free = below if is_call else above
        assert free <= p.max_debit_to_wing * (c.why["near_wing"] or 0.0) + 1e-6
        assert (c.width or 0.0) >= p.skip_ratio * (c.why["near_wing"] or 0.0) - 1e-6

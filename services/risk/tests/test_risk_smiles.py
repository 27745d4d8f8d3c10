"""Fitted smiles in risk: a proposal's Greeks by each leg's own volatility, and one for legs without a quote."""

import math
from dataclasses import replace

import numpy as np
import pytest

from contango_common.events.signal import SurfaceFitted
from contango_quant.pricing.black import price
from contango_quant.pricing.greeks import bsm_greeks
from contango_quant.surface.smile import fit_smile
from contango_risk import smiles
from contango_risk.ledger import leg_of
from contango_risk.state import Asset, Entry
from contango_risk.unit import unit_greeks

NOW_NS, DAY_NS = 1_520_000_000_000_000_000, 86_400_000_000_000
EXPIRY_NS = NOW_NS + 45 * DAY_NS
T = 45 / 365
FORWARD, DISCOUNT = 2655.0, 0.998
LEGS = ("SPXW180416P02400000", "SPXW180416P02450000", "SPXW180416C02800000", "SPXW180416C02850000")


def skewed(strike):
    return 0.18 - 0.5 * np.log(np.asarray(strike) / FORWARD)


def fact(expiry_ns=EXPIRY_NS, smile=None, forward=FORWARD):
    strikes = np.arange(2200.0, 3000.0, 10.0)
    mid = price(
        forward=FORWARD,
        strike=strikes,
        t_years=T,
        vol=skewed(strikes),
        discount=DISCOUNT,
        is_call=strikes >= FORWARD,
    )
    found = fit_smile(
        strike=strikes,
        is_call=strikes >= FORWARD,
        bid=mid - 0.05,
        ask=mid + 0.05,
        t_years=T,
        forward=FORWARD,
        discount=DISCOUNT,
    )
    return SurfaceFitted(
        underlying="SPX",
        root="SPXW",
        expiry_date=20180416,
        expiry_ns=expiry_ns,
        forward=forward,
        atm_iv_annual=0.18,
        rms_vol=0.001,
        quotes=80,
        smile=tuple(found) if smile is None else smile,
        reason=None if smile is None else "too few quotes",
    )


def known(event=None):
    found = {}
    smiles.take(found, event or fact(), NOW_NS)
    return found


def entry(**why):
    return Entry(
        position_id="p",
        proposal_id="p",
        strategy="condor",
        kind="iron_condor",
        underlying="SPX",
        instruments=list(LEGS),
        ratios=[1, -1, -1, 1],
        multiplier=100,
        tick_micros=10_000,
        quantity=0,
        limit_ticks=-300,
        unit_max_loss_micros=0,
        defined_risk=True,
        unit_greeks=None,
        expiry_ns=EXPIRY_NS,
        last_trade_ns=EXPIRY_NS,
        valid_until_ns=EXPIRY_NS,
        regime="",
        why=why,
    )


ASSET = Asset(spy_equivalent=10.0, price=2650.0, rate_annual=0.016)


def by_hand(vols):
    """delta, gamma, vega, theta of one condor in the book's units, leg by leg."""
    rate = 0.016
    carry = (rate, rate - math.log(FORWARD / 2650.0) / T)
    total = np.zeros(4)
    for name, ratio, vol in zip(LEGS, (1, -1, -1, 1), vols, strict=True):
        leg = leg_of(name, 1)
        _, delta, gamma, vega, theta, _ = bsm_greeks(2650.0, leg.strike_millis / 1000, T, vol, *carry, leg.is_call)
        total += ratio * 100 * np.array([delta * 10.0, gamma * 100.0, vega * 0.01, theta / 365.0])
    return total


def test_a_proposals_greeks_use_each_legs_own_volatility():
    found = unit_greeks(entry(short_put_vol=0.3, short_call_vol=0.3), ASSET, known(), NOW_NS)
    want = by_hand(skewed([2400.0, 2450.0, 2800.0, 2850.0]))
    assert (found.delta, found.gamma, found.vega, found.theta) == pytest.approx(want, rel=2e-2, abs=1e-3)


def test_without_a_smile_the_sold_legs_volatilities_stand_in_and_without_them_nothing_is_made_up():
    why = {"short_put_vol": 0.21, "short_call_vol": 0.16, "forward": FORWARD}
    found = unit_greeks(entry(**why), ASSET, {}, NOW_NS)
    want = by_hand([0.21, 0.21, 0.16, 0.16])
    assert (found.delta, found.gamma, found.vega, found.theta) == pytest.approx(want, rel=1e-9)
    assert unit_greeks(entry(), ASSET, {}, NOW_NS) is None
    assert unit_greeks(entry(), replace(ASSET, price=None), known(), NOW_NS) is None


def test_a_leg_without_a_quote_takes_the_smiles_volatility():
    leg = leg_of(LEGS[0], 1)
    assert smiles.vol_of(smiles.smile_of(known(), leg), leg) == pytest.approx(float(skewed(2400.0)), abs=2e-3)
    assert smiles.smile_of(known(), leg_of("SPXW180420P02400000", 1)) is None


def test_a_fit_that_failed_leaves_the_one_before_and_what_expired_is_forgotten():
    found = known()
    before = dict(found)
    smiles.take(found, fact(smile=()), NOW_NS + 1)
    assert found == before
    smiles.take(found, fact(smile=(), forward=None), EXPIRY_NS)
    assert found == {}

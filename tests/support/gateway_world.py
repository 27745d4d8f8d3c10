"""A small house with real folds for tests of the gateway: frames, a scripted proposer, risk, execution and the venue.

Everything runs on a memory log in milliseconds: a condor is proposed on the first frame, opened on the next, marked,
and closed when volatility has fallen.
"""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from contango_common.domain.at import At
from contango_common.domain.chain import contract_key
from contango_common.domain.instrument import option_id
from contango_common.events import market, signal, system
from contango_common.events.base import Event
from contango_common.runtime.engine import Engine
from contango_common.runtime.inputs import Input
from contango_common.runtime.participant import Participant
from contango_execution import fold as execution
from contango_execution import venue
from contango_quant.pricing.black import black_price
from contango_risk import fold as risk

DAY_NS = 86_400_000_000_000
HALF_HOUR_NS = 1_800_000_000_000
OPEN_NS = 1_519_914_600_000_000_000  # 2018-03-01 14:30 UTC
DATES = (20180301, 20180302, 20180305, 20180306)
OPENS = tuple(OPEN_NS + d * DAY_NS for d in (0, 1, 4, 5))
EXPIRY, EXPIRY_NS = 20180420, 1_524_254_400_000_000_000
SPOT = 2650.0
LEGS = (("P", 2400), ("P", 2450), ("C", 2800), ("C", 2850))
IDS = tuple(option_id("SPXW", EXPIRY, right, strike * 1000) for right, strike in LEGS)
RATIOS = (1, -1, -1, 1)
PARAMS: dict[str, Any] = {
    "signals": {"forecast_max_age_hours": 40.0},
    "risk": {"limits": {"greek_caps": False}},
    "execution": {},
    "venue": {"initial_cash_usd": 1_000_000},
}


class House:
    """``engine.log`` is the log; ``blocks`` holds what its frames refer to; ``position_id`` the last proposed."""

    def __init__(self, *, proposing: bool = True) -> None:
        self.blocks: dict[str, Any] = {"c": _contracts()}
        self.proposing, self.proposed, self.count, self.ts_ns = proposing, 0, 0, OPENS[0]
        self.proposer = SimpleNamespace(
            NAME="signals",
            READS=frozenset({"log.md"}),
            initial=dict,
            EVOLVE={},
            DECIDE={market.ChainFrame: self._decide},
        )
        folds = (venue, self.proposer, risk, execution)
        self.engine = Engine([Participant(fold, self.blocks, "test") for fold in folds], "test")  # type: ignore[arg-type]
        self.put("control.research", system.ParametersChanged(params=PARAMS, reason="start"))
        self.put("reference", *_listing())
        self.put("md", market.FeedState(underlying="SPX", state="live"))
        self.put("control.research", system.TradingStarted())

    @property
    def log(self):  # type: ignore[no-untyped-def]
        return self.engine.log

    @property
    def position_id(self) -> str:
        return f"condor:SPX:{self.proposed}"

    def put(self, source: str, *events: Event) -> None:
        """One message of an edge, and everything that it causes."""
        self.count += 1
        self.engine.take(Input(source, self.ts_ns, f"{source}:{self.count}", events))

    def frame(self, vol: float = 0.2, spot: float = SPOT) -> None:
        """Half an hour later: a chain at one flat volatility."""
        self.ts_ns += HALF_HOUR_NS
        name = f"q{self.count}"
        self.blocks[name] = _quotes(spot, vol, (EXPIRY_NS - self.ts_ns) / (365 * DAY_NS))
        chain = market.ChainFrame(
            underlying="SPX", spot=spot, roots=("SPXW",), contracts="c", quotes=name, rows=4, session_date=DATES[0]
        )
        one = (spot,)
        bars = market.Bars(timeframe_s=1800, symbols=("SPX",), open=one, high=one, low=one, close=one)
        self.put("md", bars, chain)

    def trade(self) -> None:
        """Propose, fill and mark a condor; it stays open."""
        for _ in range(3):
            self.frame()

    def close(self) -> None:
        """Volatility falls until the profit target is reached and the closing order is filled."""
        self.frame(vol=0.08)
        self.frame(vol=0.08)

    def _decide(self, state: Any, event: Event, at: At) -> list[Event]:
        if not self.proposing:
            return [scan(proposed=False)]
        self.proposing, self.proposed = False, at.seq
        regime = signal.RegimeChanged(
            symbol="SPX", detector="s2", version=1, label="LOW_VOL_RANGE", previous=None, why={"vix_now": 14.0}
        )
        return [regime, scan(proposed=True), proposal(at)]


def scan(*, proposed: bool) -> signal.Scan:
    gates = {"session_time": True, "iv_rank": proposed, "max_open": proposed}
    return signal.Scan(
        underlying="SPX",
        strategy="condor",
        candidates=3,
        proposed=proposed,
        gates=gates,
        kills={} if proposed else {"iv_rank": 3, "max_open": 3},
        why={"iv_rank": 60.0 if proposed else 5.0, "vix": None},
    )


def proposal(at: At) -> signal.Proposal:
    return signal.Proposal(
        proposal_id=f"condor:SPX:{at.seq}",
        strategy="condor",
        kind="iron_condor",
        underlying="SPX",
        instruments=IDS,
        ratios=RATIOS,
        multiplier=100,
        tick_micros=10_000,
        expiry_ns=EXPIRY_NS,
        last_trade_ns=EXPIRY_NS,
        mid_ticks=-1000.0,
        natural_ticks=-800,
        limit_ticks=-700,
        max_loss_ticks=4300,
        score=1.0,
        gates={"iv_rank": True},
        why={"iv_rank": 60.0, "breach_odds_put": None},
        regime="LOW_VOL_RANGE",
        valid_until_ns=at.ts_ns + DAY_NS,
    )


def _listing() -> list[Event]:
    closes = tuple(ts + 13 * HALF_HOUR_NS for ts in OPENS)
    return [
        market.SessionTable(calendar="XNYS", date=DATES, open_ns=OPENS, close_ns=closes),
        market.AssetListed(symbol="SPX", kind="index", spy_equivalent=10.0),
        market.RootListed(root="SPXW", underlying="SPX", style="european", settlement="pm", delivery="cash"),
        market.RateSet(underlying="SPX", rate_annual=0.02, div_yield_annual=0.02),
    ]


def _contracts() -> dict[str, Any]:
    return {
        "key": np.array([contract_key(0, EXPIRY, right == "C", strike * 1000) for right, strike in LEGS]),
        "root": np.zeros(4, np.int32),
        "expiry_date": np.full(4, EXPIRY, np.int32),
        "expiry_ns": np.full(4, EXPIRY_NS),
        "last_trade_ns": np.full(4, EXPIRY_NS),
        "strike_millis": np.array([strike * 1000 for _, strike in LEGS], np.int32),
        "is_call": np.array([right == "C" for right, _ in LEGS], np.int8),
    }


def _quotes(spot: float, vol: float, t_years: float) -> dict[str, Any]:
    discount = math.exp(-0.02 * t_years)
    mids = [black_price(spot, float(strike), t_years, vol, discount, right == "C") for right, strike in LEGS]
    sizes = np.full(4, 1000, np.int32)
    return {
        "bid_ticks": np.array([max(0, math.floor(mid * 99)) for mid in mids], np.int32),
        "ask_ticks": np.array([math.ceil(mid * 101) + 5 for mid in mids], np.int32),
        "bid_size": sizes,
        "ask_size": sizes,
    }

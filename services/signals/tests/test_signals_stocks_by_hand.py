"""Stock strategies by hand, the life of each in the fold, and the two structures that hold the stock itself."""

import math
from dataclasses import replace
from typing import Any

import pytest

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.fit import OuFitted
from contango_common.events.market import AssetListed
from contango_common.events.risk import Approved, PositionOpened
from contango_common.events.signal import ExitSignal, Proposal
from contango_common.runtime.fold import evolve
from contango_signals import fold
from contango_signals.strategies import covered_call, momentum, protective_put, sector_rotation, volatility_trading
from contango_signals.strategies.spec import Leave
from support.bar_assets import DAY_NS, DAY_S, HELD, Run, asked, bar, begin, bought, context_is_whole, left, shown
from support.chain_views import legs_of, view_of
from support.signals_world import Market, Message, approved, book, messages_of, opened, play, wave

DAY_0 = 19_723 * DAY_NS

# -- one symbol, by hand -----------------------------------------------------------------------------------------------

# technical 0.5·0.64 + 0.5·(0.5 + 10·0.02) = 0.67, market 2 of 4 = 0.5, volatility 1 − 25/100 = 0.75
# confidence 0.4·0.67 + 0.4·0.5 + 0.2·0.75 = 0.618
DAY: dict[str, float | None] = {
    "sma_distance_1d": 0.02,
    "rsi_1d": 64.0,
    "atr_pctl_1d": 25.0,
    "atr_1d": 1.5,
    "sma_long_1d": 70.0,
    "ema_fast_1d": 78.0,
    "ema_slow_1d": 76.0,
    "momentum_1d": 0.08,
    "realised_vol_1d": 0.16,
    "ou_z": 1.8,
}
CONFIDENCE = 0.618


def peer(distance: float, moved: float, vol: float | None = 0.16) -> dict[str, float | None]:
    return {**DAY, "sma_distance_1d": distance, "momentum_1d": moved, "realised_vol_1d": vol}


PEERS = {"A": DAY, "B": peer(0.01, 0.05), "C": peer(-0.01, 0.02), "D": peer(-0.02, -0.01)}


def day(close: float = 80.0, **changes: Any) -> Any:
    """A at 80 among four symbols, two of which stand above their average."""
    values = {**DAY, **changes.pop("values", {})}
    return shown(values, close, **{"peers": {**PEERS, "A": values}, "closing": True, **changes})


@pytest.mark.parametrize(
    ("name", "stop_atr"), [("core_equity", 6.0), ("momentum", 3.0), ("sector_rotation", 3.0), ("leveraged_etf", 2.0)]
)
def test_votes_stop_and_size_by_hand(name: str, stop_atr: float) -> None:
    found = bought(name, day(), threshold=CONFIDENCE - 1e-9, multiplier=1.4)
    assert found.score == pytest.approx(CONFIDENCE)
    assert found.stop == pytest.approx(80.0 - stop_atr * 1.5)
    assert found.target is None
    assert found.size_factor == pytest.approx(0.4)  # 1.4 of 3.5
    assert found.why["technical_vote"] == pytest.approx(0.67)
    assert (found.why["market_vote"], found.why["volatility_vote"]) == (0.5, 0.75)
    assert asked(name, day(), threshold=CONFIDENCE + 1e-9) is None
    assert list(found.alternatives) == ["threshold"]


def test_volatility_trading_by_hand() -> None:
    """High volatility is what it looks for, so that its vote is 1: 0.268 + 0.2 + 0.2 = 0.668; target 6 ATR above."""
    found = bought("volatility_trading", day(), threshold=0.66)
    assert found.score == pytest.approx(0.668)
    assert (found.stop, found.target) == (75.5, 89.0)
    assert found.why["ou_z"] == 1.8


def test_weights_are_shares_of_their_sum() -> None:
    """Twice the same weights change nothing; one weight alone is that vote."""
    twice = {"weight_technical": 0.8, "weight_market": 0.8, "weight_volatility": 0.4}
    assert bought("core_equity", day(), threshold=0.5, **twice).score == pytest.approx(CONFIDENCE)
    for vote, score in (("technical", 0.67), ("market", 0.5), ("volatility", 0.75)):
        weights = {f"weight_{name}": float(name == vote) for name in ("technical", "market", "volatility")}
        assert bought("core_equity", day(), threshold=0.1, **weights).score == pytest.approx(score)


def test_the_technical_vote_ends_at_its_bounds() -> None:
    for distance, vote in ((0.2, 1.0), (-0.3, 0.0)):
        values = {"sma_distance_1d": distance}
        assert bought("core_equity", day(values=values), threshold=0.0).why["technical_vote"] == vote


def test_calm_that_is_not_known_is_neither_for_nor_against() -> None:
    assert bought("core_equity", day(values={"atr_pctl_1d": None}), threshold=0.1).why["volatility_vote"] == 0.5


@pytest.mark.parametrize(
    ("name", "values", "close"),
    [
        ("core_equity", {}, 70.0),
        ("momentum", {"momentum_1d": 0.0}, 80.0),
        ("momentum", {"momentum_1d": -0.02}, 80.0),
        ("volatility_trading", {"ou_z": 1.49}, 80.0),
        ("volatility_trading", {}, 78.0),
        ("volatility_trading", {"ou_z": None, "iv_percentile": 89.9}, 80.0),
        ("leveraged_etf", {"ema_fast_1d": 76.0}, 80.0),
        ("leveraged_etf", {"ema_slow_1d": 70.0}, 80.0),
        ("leveraged_etf", {"atr_pctl_1d": 60.1}, 80.0),
    ],
)
def test_outside_its_regime_nothing_is_bought(name: str, values: Any, close: float) -> None:
    assert bought(name, day(), threshold=0.0)
    assert asked(name, day(close, values=values), threshold=0.0) is None


@pytest.mark.parametrize(
    ("name", "values", "close", "reason"),
    [
        ("core_equity", {}, 68.7, None),  # 70 less 2 % is 68.6: a day's noise does not throw it out
        ("core_equity", {}, 68.5, "below_average"),
        ("momentum", {"momentum_1d": 0.0}, 80.0, None),
        ("momentum", {"momentum_1d": -0.001}, 80.0, "rank_lost"),
        ("sector_rotation", {"momentum_1d": -0.5}, 80.0, None),  # the fourth of four is still among the first five
        ("volatility_trading", {"ou_z": 0.1}, 80.0, None),
        ("volatility_trading", {"ou_z": 0.0}, 80.0, "reverted"),
        ("leveraged_etf", {"atr_pctl_1d": 60.0}, 80.0, None),
        ("leveraged_etf", {"atr_pctl_1d": 60.1}, 80.0, "trend_or_calm_over"),
        ("leveraged_etf", {"ema_fast_1d": 75.0}, 80.0, "trend_or_calm_over"),
    ],
)
def test_what_is_held_is_left_by_its_own_rule(name: str, values: Any, close: float, reason: str | None) -> None:
    assert left(name, day(close, values=values)) == reason


@pytest.mark.parametrize(
    ("module", "multiplier", "bounds"),
    [(momentum, 2.0, [1.2, 2.8]), (sector_rotation, 1.5, [1.0, 2.0]), (volatility_trading, 1.8, [1.2, 2.4])],
)
def test_published_multipliers_and_their_ranges(module: Any, multiplier: float, bounds: list[float]) -> None:
    assert module.Params().multiplier == multiplier
    assert list(module.Params.model_fields["multiplier"].json_schema_extra["tune"]) == bounds


# -- rotation ----------------------------------------------------------------------------------------------------------


def test_rotation_ranks_by_momentum_over_risk_and_momentum_by_momentum() -> None:
    """Momentum A > B > C > D; over risk D 0.5, C 0.4, B 0.3, A 0.2: the order turned round."""
    universe = {
        "A": peer(0.01, 0.08, 0.40),
        "B": peer(0.01, 0.06, 0.20),
        "C": peer(0.01, 0.04, 0.10),
        "D": peer(0.01, 0.02, 0.04),
    }
    assert [firsts(name, universe) for name in ("momentum", "sector_rotation")] == [["A", "B"], ["C", "D"]]


def firsts(name: str, universe: Any, held: bool = False, **keys: Any) -> list[str]:
    """Those bought, or where ``held`` those sold, of a universe in which two are bought and three kept."""
    found = []
    for symbol in sorted(universe):
        seen = replace(day(), symbol=symbol, values=universe[symbol], peers=universe, held=HELD if held else None)
        if asked(name, seen, **{"top": 2, "keep": 3, "threshold": 0.0, **keys}) is not None:
            found.append(symbol)
    return found


def test_rotation_sells_what_fell_out_and_not_what_merely_slipped() -> None:
    """Of five the first two are bought, the third is kept, the fourth and fifth are sold."""
    universe = {name: peer(0.01, 0.10 - 0.01 * i) for i, name in enumerate("EDCBA")}
    for name in ("momentum", "sector_rotation"):
        assert firsts(name, universe) == ["D", "E"]
        assert firsts(name, universe, held=True) == ["A", "B"]


@pytest.mark.parametrize("order", ["ABCD", "DCBA", "BDAC"])
def test_equals_are_told_apart_by_name_whatever_their_order(order: str) -> None:
    universe = {name: peer(0.01, 0.05) for name in order}
    for name in ("momentum", "sector_rotation"):
        assert firsts(name, universe) == ["A", "B"]
        assert firsts(name, universe, held=True) == ["D"]


def test_a_symbol_without_momentum_or_risk_has_no_rank_and_takes_none_from_others() -> None:
    universe = {"A": {**peer(0.01, 0.0), "momentum_1d": None}, "B": peer(0.01, 0.09, None), "C": peer(0.01, 0.05)}
    assert firsts("momentum", universe, top=1) == ["B"]
    assert firsts("sector_rotation", universe, top=1) == ["C"]
    assert firsts("sector_rotation", universe, held=True) == []  # unknown is no reason to sell


# -- in the fold -------------------------------------------------------------------------------------------------------


def session(
    run: Run, number: int, closes: dict[str, float], half: float = 0.5, vix: float | None = None
) -> list[Event]:
    """A day's last quarter of an hour, then its daily bar: trades of that close, each said once."""
    ts_ns = DAY_0 + number * DAY_NS
    intraday = bar(900, closes if vix is None else {**closes, "VIX": vix}, half)
    found = run.trades(ts_ns, intraday)
    return found + run.trades(ts_ns, bar(DAY_S, closes, half))


def test_core_equity_in_the_fold() -> None:
    """One more a day from 101: on the fifth day the average of five is 103 and that of three 104; ATR 1.5.

    RSI 100, distance 105/104 − 1 = 0.0096154, so technical 0.5 + 0.5·0.596154 = 0.798077; market 1; calm not known 0.5
    confidence 0.4·0.798077 + 0.4 + 0.1 = 0.819231; stop 105 − 6·1.5 = 96; limit 105·1.01 = 106.05 in cents
    """
    run = Run(begin({"core_equity": {"multiplier": 1.4}}))
    for number in range(1, 5):
        assert session(run, number, {"A": 100.0 + number}) == []
    (proposal,) = session(run, 5, {"A": 105.0})
    assert isinstance(proposal, Proposal)
    assert (proposal.strategy, proposal.instruments, proposal.ratios) == ("core_equity", ("A",), (1,))
    assert proposal.score == pytest.approx(0.819231, abs=1e-6)
    assert [proposal.why["sma_long"], proposal.why["stop"]] == pytest.approx([103.0, 96.0])
    assert proposal.why["target"] is None
    assert (proposal.mid_ticks, proposal.limit_ticks) == (10_500.0, 10_605)
    assert proposal.multipliers == {"strategy": pytest.approx(0.4)}
    context_is_whole(proposal)
    for number in range(6, 12):
        assert session(run, number, {"A": 100.0 + number}) == [], "held: no second purchase, no exit"
    (leaving,) = session(run, 12, {"A": 105.0})  # average of 108 … 111 and 105: 108.6, less 2 % 106.4
    assert isinstance(leaving, ExitSignal)
    assert (leaving.underlying, leaving.strategy) == ("A", "core_equity")
    assert leaving.why["left.below_average"] == 1.0


def test_a_frozen_stop_is_watched_between_the_days() -> None:
    """The daily strategy is asked on every closed bar while it holds: the stop at 96 is seen at a quarter past."""
    run = Run(begin({"core_equity": {}}))
    for number in range(1, 6):
        session(run, number, {"A": 100.0 + number})
    quarter_ns = DAY_NS // 96
    assert run.trades(DAY_0 + 5 * DAY_NS + quarter_ns, bar(900, {"A": 103.0})) == []
    (leaving,) = run.trades(DAY_0 + 5 * DAY_NS + 2 * quarter_ns, bar(900, {"A": 95.9}))
    assert isinstance(leaving, ExitSignal)
    assert leaving.underlying == "A"


GROWTH = {"A": 0.012, "B": 0.010, "C": 0.008, "D": 0.006, "E": 0.004, "F": 0.002}


def grown(number: int, **turned: float) -> dict[str, float]:
    """Closes that grow by a rate of their own, all with the same noise; ``turned`` scales a symbol's close."""
    noise = 0.004 * (-1) ** number
    return {name: 100.0 * math.exp(g * number + noise) * turned.get(name, 1.0) for name, g in GROWTH.items()}


@pytest.mark.parametrize("name", ["momentum", "sector_rotation"])
def test_the_strongest_are_held_in_the_fold_and_rotated_out(name: str) -> None:
    """Two of six are bought, four kept. The leader then loses 30 % and falls to the last place; the next moves up."""
    run = Run(begin({name: {"top": 2, "keep": 4, "threshold": 0.3, "stop_atr": 20.0}}, tuple(GROWTH)))
    first = [x for number in range(1, 26) for x in session(run, number, grown(number))]
    assert all(isinstance(x, Proposal) for x in first)
    assert sorted(x.underlying for x in first if isinstance(x, Proposal)) == ["A", "B"]
    for proposal in first:
        assert isinstance(proposal, Proposal)
        assert proposal.module_specific_params["rank"] in (1.0, 2.0)
        assert proposal.module_specific_params["universe"] == 6.0
        context_is_whole(proposal)
    later = [x for number in range(26, 32) for x in session(run, number, grown(number, A=0.7))]
    exits = [x for x in later if isinstance(x, ExitSignal)]
    assert [x.underlying for x in exits] == ["A"]
    assert exits[0].why["left.rank_lost" if name == "momentum" else "left.rotated"] == 1.0
    assert exits[0].why["rank"] == 6.0
    assert [x.underlying for x in later if isinstance(x, Proposal)] == ["C"]
    assert sorted(p.underlying for p in run.state.positions.values()) == ["B", "C"]


@pytest.mark.parametrize("order", [("A", "B", "C"), ("C", "A", "B")])
def test_a_tie_in_the_fold_goes_to_the_first_name(order: tuple[str, ...]) -> None:
    run = Run(begin({"sector_rotation": {"top": 1, "threshold": 0.3}}, order))
    found: list[Event] = []
    for number in range(1, 30):
        close = grown(number)["A"]
        found += session(run, number, dict.fromkeys(order, close))
    assert [x.underlying for x in found if isinstance(x, Proposal)] == ["A"]
    assert not any(isinstance(x, ExitSignal) for x in found)


def reverting(mean: float, sd: float) -> OuFitted:
    return OuFitted(
        symbol="VIX",
        series="log_vol_index",
        rows=500,
        identified=True,
        mean=mean,
        sd=sd,
        half_life_days=20.0,
        half_life_low_days=10.0,
        half_life_high_days=40.0,
        adf_p=0.01,
        kpss_p=0.1,
        reason=None,
        trained_until_ns=0,
    )


def test_volatility_trading_in_the_fold() -> None:
    """Log VIX around ln 20 with 0.2: at 26 it is 1.312 deviations up, not enough; at 28 it is 1.682, and it buys.

    Sold when the index closes below its mean, at 19.
    """
    run = Run(begin({"volatility_trading": {}}, ("A",), reverting(math.log(20.0), 0.2)))
    for number in range(1, 9):
        assert session(run, number, {"A": 100.0 + number}, vix=26.0) == []
    (proposal,) = session(run, 9, {"A": 109.0}, vix=28.0)
    assert isinstance(proposal, Proposal)
    assert proposal.why["ou_z"] == pytest.approx(math.log(1.4) / 0.2)
    assert [proposal.why["stop"], proposal.why["target"]] == pytest.approx([104.5, 118.0])
    assert proposal.why["volatility_vote"] == 1.0
    context_is_whole(proposal)
    assert session(run, 10, {"A": 110.0}, vix=24.0) == []
    leaving = session(run, 11, {"A": 111.0}, vix=19.0)
    assert len(leaving) == 1
    assert isinstance(leaving[0], ExitSignal)
    assert leaving[0].why["left.reverted"] == 1.0


def test_a_leveraged_fund_in_the_fold_is_bought_in_calm_and_left_in_a_storm() -> None:
    """The bars narrow while it rises: the ATR falls, at its lowest since ever. One wide day puts it at the top."""
    run = Run(begin({"leveraged_etf": {"threshold": 0.7, "stop_atr": 20.0}}))
    found: list[tuple[int, Event]] = []
    for number in range(1, 13):
        found += [(number, x) for x in session(run, number, {"A": 100.0 + number}, half=2.0 - 0.1 * number)]
    ((number, proposal),) = found
    assert isinstance(proposal, Proposal)
    assert proposal.why["atr_pctl"] == 0.0
    assert (proposal.why["ema_fast"] or 0.0) > (proposal.why["ema_slow"] or 0.0) > (proposal.why["sma_long"] or 0.0)
    context_is_whole(proposal)
    leaving = session(run, 13, {"A": 113.0}, half=6.0)
    assert len(leaving) == 1
    assert isinstance(leaving[0], ExitSignal)
    assert leaving[0].why["left.trend_or_calm_over"] == 1.0
    assert leaving[0].why["atr_pctl"] == 100.0


# -- the stock beside an option ----------------------------------------------------------------------------------------

FLAT = Market(vol=0.2, skew=0.0, half_ticks=1)


@pytest.mark.parametrize(
    ("module", "regime", "right", "ratio", "strike"),
    [(covered_call, "BULL_TREND", "C", -1, 2080.0), (protective_put, "BEAR_TREND", "P", 1, 1930.0)],
)
def test_the_stock_and_its_option_by_hand(module: Any, regime: str, right: str, ratio: int, strike: float) -> None:
    """Spot 2000, flat 20 %, 46 days: a delta of 0.30 lies at 2084.0 for calls and 1934.1 for puts, strikes every 10."""
    first = module.propose(view_of(FLAT, regime, tradable=True), module.Params())[0]
    assert legs_of(first) == [(1, "-", 0.0, 0), (ratio, right, strike, 20150220)]
    assert (first.rows[0], first.instruments[0]) == (-1, "SPX")
    side = "short_call" if ratio < 0 else "long_put"
    assert first.why[side] == strike
    assert abs(first.why[f"{side}_delta"] or 0.0) == pytest.approx(0.30, abs=0.02)
    assert first.width is None
    assert module.propose(view_of(FLAT, regime), module.Params()) == [], "an index cannot be bought"


def test_deltas_wanted_outside_the_hard_band_are_refused() -> None:
    with pytest.raises(ValueError, match="short_delta"):
        covered_call.Params(short_delta=0.45)
    assert covered_call.Params(short_delta=0.40).short_delta == 0.40


def stock_market(name: str) -> list[Message]:
    """Two sessions and a year before them that trends, of a stock on which one of the two structures may be held."""
    drift, usual_vix = (0.002, 17.0) if name == "covered_call" else (-0.002, 24.0)  # a put is bought where it is cheap
    history = tuple(2000.0 * math.exp(drift * (i - 259)) for i in range(260))
    keys: dict[str, Any] = {
        "strategies": {name: {"max_open": 1, "min_sessions_between": 0}},
        "switches": {"iron_condor": "off"},
    }
    market = Market(
        spots=(2000.0, 2000.0),
        vix=(18.0, 18.0),
        history=history,
        vix_history=tuple(wave(260, usual_vix, 0.2)),
        params=book(**keys),
    )
    messages = messages_of(market)
    listed = Message(messages[1].ts_ns, (AssetListed(symbol="SPX", kind="stock"),), "reference")
    return [*messages[:2], listed, *messages[2:]]


@pytest.mark.parametrize(("name", "regime"), [("covered_call", "BULL_TREND"), ("protective_put", "BEAR_TREND")])
def test_the_stock_and_its_option_in_the_fold(name: str, regime: str) -> None:
    """One proposal a session while nobody fills. At a price of 0 a covered call has lost what was paid for it; beside a
    put no more is lost than lies above its strike."""
    proposals = [x for _, x in play(fold, fold.initial(), stock_market(name)) if isinstance(x, Proposal)]
    assert len(proposals) == 2
    for proposal in proposals:
        assert (proposal.strategy, proposal.kind, proposal.regime) == (name, name, regime)
        assert proposal.instruments[0] == "SPX"
        assert proposal.ratios == (1, -1 if name == "covered_call" else 1)
        assert proposal.multiplier == 100
        assert proposal.mid_ticks <= proposal.limit_ticks <= proposal.natural_ticks
        strike_ticks = int(proposal.instruments[1][-8:]) // 10  # thousandths of a dollar in the option's name
        kept = 0 if name == "covered_call" else strike_ticks
        assert proposal.max_loss_ticks == proposal.limit_ticks - kept
        context_is_whole(proposal)


@pytest.mark.parametrize("name", ["covered_call", "protective_put"])
def test_the_stock_and_its_option_are_held_once(name: str) -> None:
    """Filled at once, with one position allowed, the second session proposes nothing."""
    state, proposals = fold.initial(), []
    for seq, message in enumerate(stock_market(name), 1):
        facts = play(fold, state, [message], seq)
        for _, fact in facts:
            if isinstance(fact, Proposal):
                proposals.append(fact)
                known = (fact.proposal_id, fact.strategy, fact.underlying)
                legs: dict[str, Any] = {"instruments": fact.instruments, "ratios": fact.ratios}
                answers: tuple[Approved | PositionOpened, ...] = (
                    approved(*known, fact.valid_until_ns, **legs),
                    opened(*known),
                )
                play(fold, state, [Message(message.ts_ns, answers, "risk")], seq)
    assert len(proposals) == 1
    assert [p.kind for p in state.positions.values()] == [name]


def test_an_order_that_lapses_unfilled_leaves_its_strategy_flat() -> None:
    """Approved and never filled: no exit is asked for what nobody holds, and the next day's close may buy again."""
    run = Run(begin({"core_equity": {}}), fills=False)
    found = [fact for number in range(1, 6) for fact in session(run, number, {"A": 100.0 + number})]
    (first,) = found
    assert isinstance(first, Proposal)
    lapses_ns = DAY_0 + 5 * DAY_NS + DAY_NS // 96
    evolve(fold, run.state, approved(first.proposal_id, first.strategy, "A", lapses_ns), At(lapses_ns - 1, 999, "risk"))
    assert run.trades(lapses_ns, bar(900, {"A": 50.0})) == [], "its order is at work"
    assert run.trades(lapses_ns + DAY_NS // 96, bar(900, {"A": 50.0})) == [], "nothing is held that could be sold"
    (again,) = session(run, 7, {"A": 107.0})
    assert isinstance(again, Proposal)


def test_a_book_of_daily_bars_alone_trades_at_their_closes() -> None:
    run = Run(begin({"core_equity": {}}))
    days = [run.trades(DAY_0 + number * DAY_NS, bar(DAY_S, {"A": 100.0 + number}, 0.5)) for number in range(1, 6)]
    ((proposal,),) = [day for day in days if day]
    assert isinstance(proposal, Proposal)
    assert proposal.why["price"] == 105.0


def test_between_the_days_only_stop_and_target_are_looked_at() -> None:
    """Under its average at noon, and above the stop: a day's noise."""
    run = Run(begin({"core_equity": {"stop_atr": 20.0}}))
    for number in range(1, 6):
        session(run, number, {"A": 100.0 + number})
    assert run.trades(DAY_0 + 5 * DAY_NS + DAY_NS // 96, bar(900, {"A": 90.0})) == []
    (leaving,) = session(run, 6, {"A": 90.0})
    assert isinstance(leaving, ExitSignal)
    assert leaving.why["left.below_average"] == 1.0


@pytest.mark.parametrize("name", ["core_equity", "momentum", "sector_rotation"])
def test_without_an_atr_nothing_is_bought_and_the_rules_of_leaving_hold(name: str) -> None:
    values = {"sma_long_1d": 95.0, "momentum_1d": -0.5, "realised_vol_1d": 0.2, "sma_distance_1d": -0.1, "rsi_1d": 20.0}
    peers = {**{f"P{i}": {**values, "momentum_1d": 0.1 * i} for i in range(1, 7)}, "A": values}
    seen = shown(values, close=80.0, held=HELD, peers=peers)
    assert isinstance(asked(name, seen), Leave)

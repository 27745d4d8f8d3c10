"""What a scan leaves on record: every candidate with every verdict and every score, taken or not; alerts in time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.blocks import address, encode_block
from contango_common.events.base import Event
from contango_common.events.codec import Envelope, decode, encode
from contango_common.events.market import ChainFrame
from contango_common.events.signal import GateAlert, Proposal, Scan
from contango_quant.stats.candidate_score import WEIGHTS
from contango_signals import fold
from contango_signals.feasibility import alerts, with_kills
from contango_signals.gates import CANDIDATE_GATES
from contango_signals.names import GATE_NAMES
from contango_signals.select import SelectParams
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.strategies.screen import Screen
from contango_signals.strategies.spec import Candidate, Spec, View
from support.signals_world import Market, book, messages_of, play, wave

ON_CHAIN = tuple(name for name, spec in STRATEGIES.items() if spec.on == "chain")
TICK, INCREMENT, F_LIMIT = 0.01, 5, 0.75
PARTS = ("score_iv", "score_delta", "score_credit", "score_ev")


class Looked:
    """What every strategy answered while a world was played, by strategy and instant."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, int], list[Candidate]] = {}

    def specs(self, names: Sequence[str]) -> MappingProxyType[str, Spec]:
        listening = {name: replace(STRATEGIES[name], propose=self._noting(STRATEGIES[name])) for name in names}
        return MappingProxyType({**STRATEGIES, **listening})

    def _noting(self, spec: Spec) -> Callable[[View, Any], list[Candidate]]:
        def propose(view: View, p: Any) -> list[Candidate]:
            assert spec.propose is not None
            found = spec.propose(view, p)
            self.found[spec.name, view.now_ns] = found
            return found

        return propose


def params(**keys: Any) -> dict[str, Any]:
    strategies: dict[str, Any] = {name: {} for name in ON_CHAIN if name != "iron_condor"}
    return book(strategies=strategies, min_sessions_between=0, **keys)


WORLDS: dict[str, Market] = {
    "plain": Market(spots=(2000.0,), vix=(18.0,), params=params()),
    "all regimes, nothing asked": Market(
        spots=(2000.0,), vix=(18.0,), params=params(gates_off=["regime_allowed", "iv_rank"], select={"per_scan": 5})
    ),
    "wide quotes": Market(spots=(2000.0,), vix=(18.0,), half_ticks=80, params=params()),
    "a wild forecast": Market(spots=(2000.0,), vix=(18.0,), forecast_vol=0.4, params=params()),
    "no size shown": Market(spots=(2000.0,), vix=(18.0,), size=0, params=params()),
    "a stale feed": Market(spots=(2000.0,), vix=(18.0,), feed="stale", params=params()),
    "warm-up": Market(spots=(2000.0,), vix=(18.0,), started=False, params=params()),
    "a calm year ends": Market(spots=(2000.0,), vix=(18.0,), vix_history=tuple(wave(260, 30.0, 0.2)), params=params()),
    "with confidence": Market(spots=(2000.0,), vix=(18.0,), params=params(switches={"fuzzy": "on"})),
    "a coarse chain": Market(spots=(2000.0,), vix=(18.0,), strike_step=50, half_ticks=30, params=params()),
}


Played = tuple[list[Scan], list[Proposal], ChainFrame, Looked, int]


def played(market: Market, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Scans and proposals of the only scan frame, that frame, and what the strategies answered at which instant."""
    looked = Looked()
    with monkeypatch.context() as patch:
        patch.setattr(fold, "STRATEGIES", looked.specs(ON_CHAIN))
        messages = messages_of(market)
        facts = play(fold, fold.initial(), messages)
    scans = [(seq, fact) for seq, fact in facts if isinstance(fact, Scan)]
    (seq,) = {seq for seq, _ in scans}
    message = messages[seq - 1]
    (frame,) = [event for event in message.events if isinstance(event, ChainFrame)]
    proposals = [fact for _, fact in facts if isinstance(fact, Proposal)]
    return [scan for _, scan in scans], proposals, frame, looked, message.ts_ns


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Played:
    return played(WORLDS[request.param], monkeypatch)


def test_every_candidate_generated_is_a_row_of_the_block_taken_or_not(world: Played) -> None:
    scans, proposals, _, looked, now_ns = world
    assert [scan.strategy for scan in scans] == list(dict.fromkeys(scan.strategy for scan in scans))
    assert {scan.strategy for scan in scans} == {name for name, _ in looked.found}
    for scan in scans:
        generated = looked.found[scan.strategy, now_ns]
        assert scan.candidates == len(generated)
        assert (scan.block is None) == (not generated)
        if not generated:
            assert scan.rows == ()
            assert scan.gates["legs_quoted"] is False
            continue
        columns = scan.candidate_columns()
        assert {len(column) for column in columns.values()} == {len(generated)}
        assert sorted(map(str, legs_in(columns))) == sorted(
            str(list(zip(c.rows, c.ratios, strict=True))) for c in generated
        )
        taken = [p for p in proposals if p.strategy == scan.strategy]
        assert columns["taken"].sum() == len(taken) == scan.proposed
        if taken:
            assert columns["taken"][0] == 1, "the best candidate stands first, and only it is taken"
            assert columns["limit_ticks"][0] == taken[0].limit_ticks
            assert columns["max_loss_ticks"][0] == taken[0].max_loss_ticks
            assert columns["score"][0] == taken[0].score


def legs_in(columns: Any) -> list[list[tuple[int, int]]]:
    """(row, ratio) of every leg, by candidate."""
    found = []
    for k in range(len(columns["taken"])):
        legs = [(int(columns[f"leg{i}_row"][k]), int(columns[f"leg{i}_ratio"][k])) for i in range(4)]
        assert all((row == -2) == (ratio == 0) for row, ratio in legs)
        found.append([leg for leg in legs if leg[1]])
    return found


def test_the_inline_rows_are_the_best_and_at_most_eight(world: Played) -> None:
    for scan in world[0]:
        assert len(scan.rows) == min(8, scan.candidates)
        for k, row in enumerate(scan.rows):
            columns = scan.candidate_columns()
            assert (row["mid_ticks"], row["score"]) == (columns["mid_ticks"][k], columns["score"][k])
            assert row["limit_ticks"] == columns["limit_ticks"][k]
            refusing = [name for name in GATE_NAMES if columns[f"gate_{name}"][k] == 0]
            assert str(row["refusing"]).split() == refusing


def test_the_best_stands_first(world: Played) -> None:
    """Those that pass all gates but the rank before the others, each by falling score."""
    for scan in world[0]:
        if scan.block is None:
            continue
        columns = scan.candidate_columns()
        refused = refused_before_the_rank(columns)
        order = [(bool(refused[k]), -float(columns["score"][k])) for k in range(scan.candidates)]
        assert order == sorted(order)


def refused_before_the_rank(columns: Any) -> list[int]:
    gates = [columns[f"gate_{name}"] == 0 for name in GATE_NAMES if name != "rank"]
    return [int(sum(gate[k] for gate in gates)) for k in range(len(columns["taken"]))]


def test_kills_verdicts_and_shares_are_those_of_the_columns(world: Played) -> None:
    scans, proposals, _, _, _ = world
    for scan in scans:
        if scan.block is None:
            assert scan.kills == {}
            assert scan.feasible is None
            continue
        columns = scan.candidate_columns()
        kills = {name: int((columns[f"gate_{name}"] == 0).sum()) for name in GATE_NAMES}
        assert scan.kills == {name: count for name, count in kills.items() if count}
        assert scan.gates == {
            name: bool(columns[f"gate_{name}"][0]) for name in GATE_NAMES if columns[f"gate_{name}"][0] >= 0
        }
        about = [columns[f"gate_{gate.name}"] != 0 for gate in CANDIDATE_GATES]
        assert scan.feasible == np.mean(np.logical_and.reduce(about))
        passing = np.logical_and.reduce([columns[f"gate_{name}"] != 0 for name in GATE_NAMES])
        assert passing.tolist() == (columns["taken"] == 1).tolist(), "what passes every gate is taken, and it alone"
        asked = [k for k, count in enumerate(refused_before_the_rank(columns)) if not count]
        assert [k for k in range(scan.candidates) if columns["gate_rank"][k] >= 0] == asked
    assert len(proposals) <= 5


def test_verdicts_about_the_scan_are_the_same_for_every_candidate(world: Played) -> None:
    own = {gate.name for gate in CANDIDATE_GATES} | {"entry_score", "rank"}
    for scan in world[0]:
        if scan.block is not None:
            columns = scan.candidate_columns()
            for name in GATE_NAMES:
                if name not in own:
                    assert len(np.unique(columns[f"gate_{name}"])) == 1


# Verdicts worked out again from what is on record, without the gates' own code


def test_prices_on_record_are_those_of_the_legs_quotes(world: Played) -> None:
    scans, _, frame, _, _ = world
    quotes = frame.quote_columns()
    for scan in (scan for scan in scans if scan.block is not None):
        columns = scan.candidate_columns()
        for k, legs in enumerate(legs_in(columns)):
            if any(row < 0 for row, _ in legs):
                continue
            bid, ask = ([int(quotes[name][row]) for row, _ in legs] for name in ("bid_ticks", "ask_ticks"))
            natural = sum(q * (a if q > 0 else b) for (_, q), a, b in zip(legs, ask, bid, strict=True))
            opposite = sum(q * (b if q > 0 else a) for (_, q), a, b in zip(legs, ask, bid, strict=True))
            assert columns["natural_ticks"][k] == natural
            assert columns["spread_ticks"][k] == natural - opposite
            assert columns["mid_ticks"][k] == (natural + opposite) / 2
            conceded = opposite + F_LIMIT * (natural - opposite)
            assert columns["limit_ticks"][k] % INCREMENT == 0
            assert -1e-6 <= columns["limit_ticks"][k] - conceded < INCREMENT
            size = quotes["ask_size"], quotes["bid_size"]
            shown = [int(size[0 if q > 0 else 1][row]) // abs(q) for row, q in legs]
            assert columns["displayed"][k] == min(shown)


def verdicts(scan: Scan, frame: ChainFrame, k: int, screen: Screen, spec: Spec) -> dict[str, bool]:
    """Each gate of the candidate from the columns, the legs' rows and the book's thresholds."""
    c, contracts, quotes = scan.candidate_columns(), frame.contract_columns(), frame.quote_columns()
    legs = legs_in(c)[k]
    options = [(row, q) for row, q in legs if row >= 0]
    strikes = [contracts["strike_millis"][row] / 1000.0 for row, _ in options]
    limit, mid = int(c["limit_ticks"][k]), abs(float(c["mid_ticks"][k]))
    expiry = min(int(contracts["expiry_date"][row]) for row, _ in options)
    dte = int((day_of(expiry) - day_of(frame.session_date)) / np.timedelta64(1, "D"))
    widths = wings(options, strikes, contracts)
    sold = [float(c[name][k]) for name in ("breach_put", "breach_call") if not math.isnan(c[name][k])]
    leg_spreads = [
        2.0
        * float(quotes["ask_ticks"][r] - quotes["bid_ticks"][r])
        / float(quotes["ask_ticks"][r] + quotes["bid_ticks"][r])
        for r, _ in options
    ]
    least = getattr(screen, "wing_width_min", None)
    credit_to_width = -limit * TICK / max(widths) if widths and max(widths) > 0.0 else None
    return {
        "dte_window": screen.dte_min <= dte <= screen.dte_max,
        "defined_risk": int(c["max_loss_ticks"][k]) > 0,
        "premium_sign": limit < 0 or not spec.credit,
        "wing_width": at_least(min(widths) / frame.spot if widths else None, least),
        "credit_to_width": at_least(credit_to_width, screen.min_credit_to_width),
        "spread_to_mid": at_most(float(c["spread_ticks"][k]) / mid if mid else None, screen.max_spread_to_mid),
        "leg_spread": at_most(max(leg_spreads), screen.max_leg_spread),
        "displayed_size": screen.min_displayed_size == 0 or int(c["displayed"][k]) >= screen.min_displayed_size,
        "open_interest": screen.min_open_interest is None,  # this world knows neither
        "volume": screen.min_volume is None,
        "breach_odds": at_most(sum(sold) if sold else None, screen.max_breach_odds),
        "vrp": at_least(number(c["vrp_ratio"][k]), screen.min_vrp_ratio)
        and at_most(number(c["vrp_ratio"][k]), screen.max_vrp_ratio),
        "entry_score": at_least(number(c["entry_score"][k]), screen.min_entry_score),
    }


def day_of(date: int) -> np.datetime64:
    return np.datetime64(f"{date // 10_000}-{date // 100 % 100:02d}-{date % 100:02d}")


def wings(options: list[tuple[int, int]], strikes: list[float], contracts: Any) -> list[float]:
    """Per side: from the sold strike nearest the money to the furthest strike bought against it."""
    found = []
    for is_call in (0, 1):
        side = [
            (strike, q)
            for (row, q), strike in zip(options, strikes, strict=True)
            if int(contracts["is_call"][row]) == is_call
        ]
        sold = [strike for strike, q in side if q < 0]
        bought = [strike for strike, q in side if q > 0]
        if sold and bought:
            nearest = min(sold) if is_call else max(sold)
            found.append(max(abs(strike - nearest) for strike in bought))
    return found


def number(x: float) -> float | None:
    return None if math.isnan(x) else float(x)


def at_least(x: float | None, least: float | None) -> bool:
    return least is None or (x is not None and x >= least)


def at_most(x: float | None, most: float | None) -> bool:
    return most is None or (x is not None and x <= most)


def test_gates_of_the_candidate_follow_from_what_is_on_record(world: Played) -> None:
    scans, _, frame, _, _ = world
    seen = 0
    for scan in (scan for scan in scans if scan.block is not None):
        spec = STRATEGIES[scan.strategy]
        screen = spec.params.model_validate({"min_sessions_between": 0} if scan.strategy == "iron_condor" else {})
        assert isinstance(screen, Screen)
        columns = scan.candidate_columns()
        for k in range(scan.candidates):
            for name, expected in verdicts(scan, frame, k, screen, spec).items():
                assert columns[f"gate_{name}"][k] in (int(expected), -1), (scan.strategy, k, name)
                seen += 1
    assert seen > 100


def test_gates_of_the_scan_follow_from_its_numbers(world: Played) -> None:
    scans, _, frame, _, _ = world
    for scan in scans:
        screen, why = STRATEGIES[scan.strategy].params(), scan.why
        assert isinstance(screen, Screen)
        expected = {
            "vix_cap": at_most(why["vix"], screen.max_vix),
            "iv_rank": at_least(why["iv_rank"], screen.min_iv_rank) and at_most(why["iv_rank"], screen.max_iv_rank),
            "iv_percentile": at_least(why["iv_percentile"], screen.min_iv_percentile),
            "drift": at_most(abs(why["drift"] or 0.0), screen.max_drift),
            "max_open": (why["open_positions"] or 0.0) < screen.max_open,
            "history_ready": why["history_missing"] == 0.0,
            "legs_quoted": scan.candidates > 0,
        }
        for name, ok in expected.items():
            recorded = scan.gates.get(name)
            told = why.get(f"off.{name}")
            assert recorded is ok or (recorded is None and told == float(ok)), (scan.strategy, name)
        assert why["spot"] == frame.spot


def test_all_component_scores_are_on_record_and_make_the_score(world: Played) -> None:
    """The weighted mean of the parts by one row of the published weights; missing parts are left out."""
    scans, _, frame, _, _ = world
    contracts = frame.contract_columns()
    for scan in (scan for scan in scans if scan.block is not None):
        columns = scan.candidate_columns()
        assert weights_of(columns) is not None, scan.strategy
        for k, legs in enumerate(legs_in(columns)):
            if any(row < 0 for row, _ in legs):
                continue
            strikes = [contracts["strike_millis"][row] / 1000.0 for row, _ in legs]
            widths = wings(legs, strikes, contracts)
            credit = -float(columns["limit_ticks"][k]) * TICK
            expected = None if not widths or credit <= 0.0 else 2.0 * min(credit / max(widths), 0.5)
            assert number(columns["score_credit"][k]) == (None if expected is None else pytest.approx(expected))
            percentile = scan.why["iv_percentile"]
            assert number(columns["score_iv"][k]) == (None if percentile is None else pytest.approx(percentile / 100.0))
            for part in PARTS:
                known = number(columns[part][k])
                assert known is None or 0.0 <= known <= 1.0
            assert 0.0 <= columns["entry_score"][k] <= 100.0


def weights_of(columns: Any) -> dict[str, float] | None:
    """The published weights that explain all scores of a block (its part names, without ``score_``)."""
    for weights in WEIGHTS.values():
        scores = []
        for k in range(len(columns["taken"])):
            known = [(w, x) for name, w in weights.items() if (x := number(columns[f"score_{name}"][k])) is not None]
            scores.append(sum(w * x for w, x in known) / sum(w for w, _ in known) if known else 0.0)
        if np.allclose(scores, columns["score"], rtol=1e-12):
            return dict(weights)
    return None


def test_the_record_survives_the_log_and_is_named_by_its_content(world: Played) -> None:
    for scan in (scan for scan in world[0] if scan.block is not None):
        (read,) = decode(encode(Envelope(1, "signals", 1, (scan,), (0,), "b"))).events
        assert read == scan
        assert scan.block == address(encode_block(scan.candidate_columns()))
        for column in scan.candidate_columns().values():
            assert not column.flags.writeable


# More candidates than fit inline


def many(view: View, p: Any) -> list[Candidate]:
    """Condors at fifteen wanted deltas instead of three."""
    found: dict[tuple[int, ...], Candidate] = {}
    propose = STRATEGIES["iron_condor"].propose
    assert propose is not None
    for cents in range(10, 25):
        for made in propose(view, p.model_copy(update={"short_delta": cents / 100.0, "rich_weight": 0.0})):
            found.setdefault(made.rows, made)
    return list(found.values())


@pytest.mark.parametrize("keys", [{}, {"min_credit_to_width": 0.5}, {"max_breach_odds": 0.2}])
def test_no_candidate_is_lost_beyond_the_eight_inline(monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]) -> None:
    planted = MappingProxyType({**STRATEGIES, "iron_condor": replace(STRATEGIES["iron_condor"], propose=many)})
    monkeypatch.setattr(fold, "STRATEGIES", planted)
    market = Market(spots=(2000.0,), vix=(18.0,), strike_step=5, params=book(**keys))
    (scan,) = [fact for _, fact in play(fold, fold.initial(), messages_of(market)) if isinstance(fact, Scan)]
    columns = scan.candidate_columns()
    assert scan.candidates > 10
    assert len(scan.rows) == 8
    assert len(columns["taken"]) == scan.candidates
    assert len({tuple(legs) for legs in legs_in(columns)}) == scan.candidates
    assert max(scan.kills.values()) <= scan.candidates
    assert scan.proposed == (not scan.kills or max(scan.kills.values()) < scan.candidates)


# Alerts about gates that kill nearly everything

SCAN = Scan(underlying="X", strategy="t", candidates=0, proposed=False, gates={}, kills={}, why={})
GATE = "credit_to_width"


def told(shares: Sequence[tuple[int, int]], p: SelectParams) -> list[int]:
    """Positions of the scans (candidates, killed) after which the gate is told."""
    killed: dict[str, list[float]] = {}
    alerted: dict[str, bool] = {}
    found = []
    for i, (candidates, kills) in enumerate(shares):
        scan = SCAN.model_copy(update={"candidates": candidates, "kills": {GATE: kills} if kills else {}})
        facts = alerts(killed, alerted, scan, p)  # decided on what was before, then taken in: the order of the fold
        with_kills(killed, alerted, scan, p)
        for alert in facts:
            assert (alert.gate, alert.strategy, alert.limit) == (GATE, "t", p.alert_share)
            alerted[f"t:X:{alert.gate}"] = True
            found.append(i)
    return found


def expected_alerts(shares: Sequence[tuple[int, int]], p: SelectParams) -> list[int]:
    """By counting: the first scan at which the last k with candidates were all above the share, once a run."""
    found, run = [], 0
    for i, (candidates, kills) in enumerate(shares):
        if not candidates:
            continue
        run = run + 1 if kills > p.alert_share * candidates + 1e-12 else 0
        if run == p.alert_sessions:
            found.append(i)
    return found


pairs = st.integers(0, 10).flatmap(lambda n: st.tuples(st.just(n), st.integers(max(0, n - 3), n)))


@given(st.lists(pairs, max_size=40), st.integers(1, 6))
def test_an_alert_comes_after_k_scans_above_the_limit_and_not_before(
    shares: list[tuple[int, int]], sessions: int
) -> None:
    p = SelectParams(alert_sessions=sessions)
    assert told(shares, p) == expected_alerts(shares, p)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([(10, 9)] * 4, []),
        ([(10, 9)] * 5, [4]),
        ([(10, 9)] * 12, [4]),  # told once
        ([(10, 8)] * 12, []),  # four fifths are not more than four fifths
        ([(10, 9)] * 4 + [(10, 8)] + [(10, 9)] * 4, []),
        ([(10, 9)] * 5 + [(10, 0)] + [(10, 10)] * 5, [4, 10]),  # told again after it let more pass
        ([(10, 9)] * 3 + [(0, 0)] * 3 + [(10, 9)] * 2, [7]),  # a scan without candidates says nothing about a gate
    ],
)
def test_alerts_by_hand(shares: list[tuple[int, int]], expected: list[int]) -> None:
    assert told(shares, SelectParams()) == expected


def facts_of(market: Market) -> list[tuple[int, Event]]:
    return play(fold, fold.initial(), messages_of(market))


def test_the_fold_tells_after_five_sessions_and_names_gate_strategy_and_share() -> None:
    market = Market(
        spots=(2000.0,) * 7,
        vix=(18.0,) * 7,
        every_minutes=120,
        strike_step=25,
        expiry_days=(32, 39, 46, 53),
        params=book(min_credit_to_width=0.9, min_sessions_between=0, strategies={"put_credit_spread": {}}),
    )
    facts = facts_of(market)
    scans = [seq for seq, fact in facts if isinstance(fact, Scan) and fact.strategy == "iron_condor"]
    found = [(seq, fact) for seq, fact in facts if isinstance(fact, GateAlert)]
    assert len(scans) == 7
    assert [(seq, alert.strategy, alert.gate) for seq, alert in found] == [(scans[4], "iron_condor", GATE)]
    (alert,) = [alert for _, alert in found]
    assert (alert.killed_share, alert.limit, alert.sessions) == (1.0, 0.8, 5)
    shorter = replace(market, spots=market.spots[:4], vix=market.vix[:4])
    assert not [fact for _, fact in facts_of(shorter) if isinstance(fact, GateAlert)]


def test_alerts_that_are_switched_off_are_not_told() -> None:
    params_ = book(min_credit_to_width=0.9, min_sessions_between=0, switches={"feasibility": "off"})
    market = Market(spots=(2000.0,) * 6, vix=(18.0,) * 6, every_minutes=120, strike_step=25, params=params_)
    assert not [fact for _, fact in facts_of(market) if isinstance(fact, GateAlert)]

"""One look for entries: candidates of every strategy chosen, gates, scores, and the facts that come of it.

Reads state, changes nothing. Candidates of all strategies are ranked together; the best few that pass every gate are
proposed, at most one a strategy. Every candidate stands with every verdict in the block of its strategy's ``Scan``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.blocks import named
from contango_common.domain.sessions import MINUTE_NS
from contango_common.events.base import Event
from contango_common.events.market import ChainFrame
from contango_common.events.signal import FeatureFailed, Proposal, Scan
from contango_signals.bank import DAILY, value
from contango_signals.breach import Mixture, mixture
from contango_signals.case import Case, Circumstances, case_of, scores_of
from contango_signals.chainview import atm_vol
from contango_signals.confidence import NOT_SURE, Assurance, Neural, assurance
from contango_signals.context import ON_CHAIN, alternatives, entry_parameters, flat, market_context
from contango_signals.deciding import five_state, label_of, told_by
from contango_signals.features import sigma_percentile
from contango_signals.forecasts import FEATURE as MODELS
from contango_signals.forecasts import SESSION, direction_of, forecast_of, said
from contango_signals.gates import (
    CANDIDATE_GATES,
    LAST_GATES,
    SCAN_GATES,
    Judgement,
    joined,
    judge,
    outranked,
)
from contango_signals.ledger import columns
from contango_signals.netprice import leg_quotes, net_of
from contango_signals.regimes.labels import translated
from contango_signals.score import entry
from contango_signals.sizes import factors_in_force
from contango_signals.state import ForecastSeen, State, last_opening_ns, standing
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.switches import acts, gates_off, level, runs, tried
from contango_signals.timing import before_open, session_of, sessions_between, sessions_to, valid_until
from contango_signals.unitgreeks import UnitGreeks, unit_greeks
from contango_signals.volindex import iv_rank
from contango_signals.volstate import NO_TERM, TermState, term_state

MAX_ROWS = 8
HOUR_NS = 60 * MINUTE_NS
UNKNOWN_REGIME = "UNKNOWN"
Judged = tuple[Case, Judgement]


@dataclass(frozen=True, slots=True)
class Look:
    """One strategy's part of a scan; ``judged`` holds its candidates, best first."""

    spec: Spec
    around: Circumstances
    circumstances: Judgement
    judged: list[Judged]


def due(state: State, spec: Spec, frame: ChainFrame, at: At) -> bool:
    """Whether this frame is the session's one to scan."""
    if level(state, spec.name) == "off":
        return False
    if state.scanned.get(f"{spec.name}:{frame.underlying}") == frame.session_date:
        return False
    if before_open(state.sessions, frame.session_date, at.ts_ns):
        return False
    session = session_of(state.sessions, at.ts_ns)
    return session is None or at.ts_ns >= session.open_ns + state.params.scan_after_open_minutes * MINUTE_NS


def scan(state: State, specs: Sequence[Spec], view: View, frame: ChainFrame, at: At) -> list[Event]:
    """A ``Scan`` for each strategy, and a ``Proposal`` for each candidate that is taken.

    A strategy that raises is told as ``FeatureFailed`` and the others go on.
    """
    shared = shared_of(state, view)
    facts: list[Event] = []
    looks: list[Look] = []
    for spec in specs:
        found = tried(spec.name, lambda spec=spec: _look(state, spec, view, frame, at, shared))  # type: ignore[misc]
        if isinstance(found, FeatureFailed):
            facts.append(found)
        else:
            looks.append(found)
    facts += shared.failed.values()
    best = _best(state, looks)
    for look in looks:
        facts += _facts(state, look, frame, at, best)
    return facts


@dataclass(frozen=True, slots=True)
class Shared:
    """What all strategies of one scan see of the underlying; ``failed`` collects the features that raised, by name."""

    term: TermState
    assurance: Assurance | None
    drift: float | None
    forecast: ForecastSeen | None
    said: dict[str, float | None]
    failed: dict[str, FeatureFailed]


def shared_of(state: State, view: View) -> Shared:
    """What all strategies see of the underlying, and the failures of what could not be worked out."""
    failed: dict[str, FeatureFailed] = {}
    term = tried("volatility", lambda: _term(state, view))
    if isinstance(term, FeatureFailed):
        failed["volatility"], term = term, NO_TERM
    sure = tried("fuzzy", lambda: _assured(state, view))
    if isinstance(sure, FeatureFailed):
        failed["fuzzy"], sure = sure, NOT_SURE
    close = view.values.get("close")
    return Shared(
        term=term,
        assurance=sure,
        drift=None if not close else view.spot / close - 1.0,
        forecast=forecast_of(state, view.underlying, view.now_ns),
        said=said(state, view.underlying, view.now_ns),
        failed=failed,
    )


def _term(state: State, view: View) -> TermState:
    points = [(s.t_years, vol) for s in view.slices if (vol := atm_vol(s)) is not None]
    return term_state(points, state.params.volatility) if runs(state, "volatility") else NO_TERM


def _assured(state: State, view: View) -> Assurance | None:
    """None while fuzzy confidence is off; what has failed is sure of nothing."""
    if not runs(state, "fuzzy"):
        return NOT_SURE if "fuzzy" in (*state.failed, *state.failing) else None
    symbol = state.symbols.get(view.underlying)
    sigma = None if symbol is None else sigma_percentile(state, symbol)
    seen = direction_of(state, view.underlying, SESSION, view.now_ns) if acts(state, MODELS) else None
    neural = None if seen is None else Neural(seen.confidence, seen.weight)
    return assurance(view.values, iv_rank(state.vol).rank, sigma, state.params.fuzzy, neural)


def _look(state: State, spec: Spec, view: View, frame: ChainFrame, at: At, shared: Shared) -> Look:
    assert spec.propose is not None
    candidates = spec.propose(view, state.params.strategies[spec.name])
    around = circumstances_of(state, spec, frame, at, len(candidates), shared)
    circumstances = judge(SCAN_GATES, around, gates_off(state))
    judged = [judged_of(state, view, around, circumstances, candidate, shared) for candidate in candidates]
    judged.sort(key=_order)
    return Look(spec, around, circumstances, judged)


def _order(pair: Judged) -> tuple[bool, float, float, int]:
    case, judgement = pair
    return len(judgement.refusing) > 0, -case.score, case.candidate.off_target, len(judgement.refusing)


def circumstances_of(
    state: State, spec: Spec, frame: ChainFrame, at: At, candidates: int, shared: Shared
) -> Circumstances:
    symbol, now_ns, p = frame.underlying, at.ts_ns, state.params
    session = session_of(state.sessions, now_ns)
    forecast = shared.forecast
    opened_ns = last_opening_ns(state, spec.name, symbol, now_ns)
    label = label_of(state, symbol)
    s0 = told_by(state, symbol, "s0")
    return Circumstances(
        params=p,
        screen=p.strategies[spec.name],
        spec=spec,
        trading_started=state.trading_started,
        parameters_valid=state.params_error is None,
        halted=is_halted(state, now_ns),
        switch=level(state, spec.name),
        feed=state.feeds.get(symbol),
        closing=frame.closing,
        session=session,
        minutes_since_open=None if session is None else (now_ns - session.open_ns) / MINUTE_NS,
        history_missing=_history_missing(state, symbol),
        state=five_state(state, symbol),
        label_s0=_label_s0(label, None if s0 is None else s0.label, p.select.detector),
        vix=state.vol.close,
        iv_rank=iv_rank(state.vol),
        term=shared.term,
        forecast_age_hours=(now_ns - forecast.ts_ns) / HOUR_NS if forecast and forecast.levels else None,
        assurance=shared.assurance,
        said=shared.said,
        scored=acts(state, "scoring"),
        rate_known=symbol in state.rates,
        drift=shared.drift,
        open_positions=len(standing(state, spec.name, symbol, now_ns)),
        sessions_since_opening=None if opened_ns is None else sessions_between(state.sessions, opened_ns, now_ns),
        candidates=candidates,
        valid_until_ns=valid_until(session, now_ns, p),
    )


def _label_s0(deciding: str | None, told: str | None, detector: str) -> str | None:
    """The mixture's own label; while it abstains, the deciding detector's by the mapping table."""
    if told is not None or deciding is None:
        return told
    return translated(detector, deciding, "s0")


def _history_missing(state: State, name: str) -> int:
    """How many of the daily numbers that regimes rest on are not there yet."""
    symbol = state.symbols.get(name)
    if symbol is None:
        return 3
    ready = (state.vol.close, value(symbol.bank, DAILY, "adx"), value(symbol.bank, DAILY, "sma_long"))
    return sum(number is None for number in ready)


def is_halted(state: State, now_ns: int) -> bool:
    """Whether a person or risk stopped new risk."""
    until_ns = state.halted_until_ns
    return state.halted_by_person or (state.halted_by_risk and (until_ns is None or now_ns < until_ns))


def judged_of(
    state: State, view: View, around: Circumstances, circumstances: Judgement, candidate: Candidate, shared: Shared
) -> Judged:
    """A candidate with its prices, odds and scores, and every gate's verdict but the rank."""
    off, root = gates_off(state), view.specs[candidate.expiry.root_index]
    assert root is not None  # slices exist for listed roots only
    net = net_of(
        leg_quotes(candidate.rows, view.contracts, view.quotes, view.spot, root.tick_micros),
        candidate.ratios,
        tick_micros=root.tick_micros,
        increment_ticks=root.increment_ticks,
        f_limit=state.params.f_limit,
    )
    case = case_of(around, view, candidate, root, net, _odds(state, view, around, candidate, shared))
    judgement = joined(circumstances, judge(CANDIDATE_GATES, case, off))
    case = _scored(state, case, judgement, shared)
    return case, joined(judgement, judge(LAST_GATES, case, off))


def _scored(state: State, case: Case, judgement: Judgement, shared: Shared) -> Case:
    """The case with its scores; without any where scoring is off or raises, which is told once."""
    if not runs(state, "scoring") or "scoring" in shared.failed:
        return case
    found = tried("scoring", lambda: replace(case, scores=scores_of(case), entry_score=_entry_score(case, judgement)))
    if isinstance(found, FeatureFailed):
        shared.failed["scoring"] = found
        return case
    return found


def _entry_score(case: Case, judgement: Judgement) -> float:
    sure, odds = case.around.assurance, case.breach_odds
    known = unit_greeks(case.view, case.candidate.instruments, case.candidate.ratios)
    return entry(
        None if sure is None else sure.fused,
        None if odds is None else 1.0 - odds,
        judgement.gates,
        None if known is None else known.delta,
    )


def _odds(state: State, view: View, around: Circumstances, candidate: Candidate, shared: Shared) -> Mixture | None:
    forecast, age = shared.forecast, around.forecast_age_hours
    if forecast is None or age is None or age > state.params.forecast_max_age_hours:
        return None
    per_year = state.params.sessions_per_year
    left = sessions_to(state.sessions, view.now_ns, candidate.expiry.expiry_ns, per_year)
    if left is None:
        return None
    found = mixture(forecast.horizons_sessions, forecast.levels, forecast.variance_quantiles, left, per_year)
    return found if isinstance(found, Mixture) else None


def _best(state: State, looks: Iterable[Look]) -> frozenset[str]:
    """The strategies whose best candidate is proposed: the highest scores of those that pass every gate."""
    p = state.params.select
    passing = [
        look
        for look in looks
        if look.judged and not look.judged[0][1].refusing and look.judged[0][0].score >= p.min_score
    ]
    passing.sort(key=lambda look: (-look.judged[0][0].score, look.spec.name))
    return frozenset(look.spec.name for look in passing[: p.per_scan])


def _facts(state: State, look: Look, frame: ChainFrame, at: At, best: frozenset[str]) -> list[Event]:
    off = gates_off(state)
    judged = [
        (case, outranked(j, not j.refusing and i == 0 and look.spec.name in best, off) if not j.refusing else j)
        for i, (case, j) in enumerate(look.judged)
    ]
    proposed = bool(judged) and not judged[0][1].refusing
    facts: list[Event] = [_scan_fact(frame, look, judged, proposed)]
    if proposed:
        facts.append(proposal_of(state, *judged[0], at))
    return facts


def _why(case: Case, judgement: Judgement) -> dict[str, float | None]:
    return {
        "spot": case.view.spot,
        **judgement.numbers,
        **case.candidate.why,
        **{f"score.{name}": part for name, part in case.scores.parts.items()},
        **case.around.said,
        "expected_profit_ticks": case.expected_profit_ticks,
        "off_target": case.candidate.off_target,
    }


def _scan_fact(frame: ChainFrame, look: Look, judged: Sequence[Judged], proposed: bool) -> Scan:
    kills: dict[str, int] = {}
    for _, judgement in judged:
        for name in judgement.refusing:
            kills[name] = kills.get(name, 0) + 1
    return recorded(
        judged,
        proposed,
        underlying=frame.underlying,
        strategy=look.spec.name,
        gates=judged[0][1].gates if judged else look.circumstances.gates,
        kills=kills,
        why=_why(*judged[0]) if judged else {"spot": frame.spot, **look.circumstances.numbers},
        feasible=_feasible(judged),
    )


def recorded(judged: Sequence[Judged], proposed: bool, **fields: Any) -> Scan:
    """A look at candidates, the best (which may be ``proposed``) first: all in the block, the first few inline."""
    rows = tuple(_row(case, judgement) for case, judgement in judged[:MAX_ROWS])
    if not judged:
        return Scan(candidates=0, proposed=proposed, rows=rows, block=None, **fields)
    digest, block = named(columns(judged, [proposed and i == 0 for i in range(len(judged))]))
    fact = Scan(candidates=len(judged), proposed=proposed, rows=rows, block=digest, **fields)
    fact.attach({digest: block})
    return fact


def _feasible(judged: Sequence[Judged]) -> float | None:
    """Share of the candidates that pass every gate about candidates, whatever the circumstances say."""
    if not judged:
        return None
    names = {gate.name for gate in CANDIDATE_GATES}
    return sum(not names.intersection(j.refusing) for _, j in judged) / len(judged)


def _row(case: Case, judgement: Judgement) -> dict[str, float | str | None]:
    return {
        "legs": " ".join(case.candidate.instruments),
        "mid_ticks": case.net.mid_ticks,
        "limit_ticks": float(case.net.limit_ticks),
        "score": case.score,
        "refusing": " ".join(judgement.refusing),
    }


def proposal_of(state: State, case: Case, judgement: Judgement, at: At) -> Proposal:
    """The proposal of a candidate that passed, with the whole context of the trade."""
    candidate, around, net, view = case.candidate, case.around, case.net, case.view
    assert net.max_loss_ticks is not None  # the gate for defined risk cannot be switched off
    inforce, shadow = factors_in_force(state, view.underlying, view.spot, at.ts_ns)
    sure = around.assurance if acts(state, "fuzzy") and around.screen.fuzzy_sized else None
    caps = [around.screen.max_units, None if sure is None else sure.units]
    why = _why(case, judgement)
    words = {"term_regime": around.term.regime, "session": None if around.session is None else "regular"}
    return Proposal(
        proposal_id=f"{around.spec.name}:{view.underlying}:{at.seq}",
        strategy=around.spec.name,
        kind=candidate.kind,
        underlying=view.underlying,
        instruments=candidate.instruments,
        ratios=candidate.ratios,
        multiplier=case.root.multiplier,
        tick_micros=case.root.tick_micros,
        expiry_ns=candidate.expiry.expiry_ns,
        last_trade_ns=candidate.expiry.last_trade_ns,
        mid_ticks=net.mid_ticks,
        natural_ticks=net.natural_ticks,
        limit_ticks=net.limit_ticks,
        max_loss_ticks=net.max_loss_ticks,
        score=case.score,
        gates=judgement.gates,
        why=why,
        regime=label_of(state, view.underlying) or UNKNOWN_REGIME,
        valid_until_ns=around.valid_until_ns,
        quantity_cap=min((cap for cap in caps if cap is not None), default=None),
        multipliers=inforce,
        shadow_multipliers=shadow,
        entry_parameters=entry_parameters(around.screen, state.params, ON_CHAIN),
        module_specific_params=flat({"underlying_price": view.spot, **candidate.why, **_greeks(case)}),
        market_context=market_context(view.values, view.labels, words),
        alternatives=alternatives(judgement, around.screen),
    )


def _greeks(case: Case) -> dict[str, float | None]:
    """Of one unit, as ``unit_<greek>``; None where a leg has no smile."""
    known = unit_greeks(case.view, case.candidate.instruments, case.candidate.ratios)
    return {f"unit_{name}": None if known is None else getattr(known, name) for name in UnitGreeks._fields}

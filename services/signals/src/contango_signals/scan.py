"""One look for an entry: candidates, gates, and the facts that come of it. Reads state, changes nothing."""

from collections.abc import Sequence

from contango_common.domain.at import At
from contango_common.domain.sessions import MINUTE_NS
from contango_common.events.base import Event
from contango_common.events.market import ChainFrame
from contango_common.events.signal import Proposal, Scan
from contango_signals.breach import Mixture, mixture
from contango_signals.case import Case, Circumstances, case_of
from contango_signals.features import iv_rank
from contango_signals.gates import CANDIDATE_GATES, SCAN_GATES, Judgement, joined, judge
from contango_signals.netprice import net_of
from contango_signals.state import State, last_opening_ns, standing
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.timing import before_open, session_of, sessions_between, sessions_to, valid_until

MAX_ROWS = 8
HOUR_NS = 60 * MINUTE_NS
UNKNOWN_REGIME = "UNKNOWN"


def due(state: State, spec: Spec, frame: ChainFrame, at: At) -> bool:
    """Whether this frame is the session's one to scan."""
    if state.switches.get(spec.name, "on") == "off":
        return False
    if state.scanned.get(f"{spec.name}:{frame.underlying}") == frame.session_date:
        return False
    if before_open(state.sessions, frame.session_date, at.ts_ns):
        return False
    session = session_of(state.sessions, at.ts_ns)
    return session is None or at.ts_ns >= session.open_ns + state.params.scan_after_open_minutes * MINUTE_NS


def scan(state: State, spec: Spec, view: View, frame: ChainFrame, at: At) -> list[Event]:
    """The ``Scan``, and the ``Proposal`` when a candidate passes every gate."""
    assert spec.propose is not None
    candidates = spec.propose(view, state.params)
    around = _circumstances(state, spec, frame, at, len(candidates))
    circumstances = judge(SCAN_GATES, around, state.params.gates_off)
    judged = [_judged(state, view, around, circumstances, candidate) for candidate in candidates]
    judged.sort(key=lambda pair: (len(pair[1].refusing) > 0, pair[0].candidate.off_target, len(pair[1].refusing)))
    best = judged[0] if judged else None
    proposed = best is not None and not best[1].refusing
    facts: list[Event] = [_scan_fact(frame, spec, judged, circumstances, proposed)]
    if best is not None and proposed:
        facts.append(_proposal(best[0], best[1], at))
    return facts


def _circumstances(state: State, spec: Spec, frame: ChainFrame, at: At, candidates: int) -> Circumstances:
    symbol, now_ns = frame.underlying, at.ts_ns
    session = session_of(state.sessions, now_ns)
    features = state.features.get(symbol)
    ready = (state.vol.close, *((features.daily_adx, features.daily_sma) if features else (None, None)))
    forecast = state.forecasts.get(symbol)
    opened_ns = last_opening_ns(state, spec.name, symbol, now_ns)
    return Circumstances(
        params=state.params,
        spec=spec,
        trading_started=state.trading_started,
        parameters_valid=state.params_error is None,
        halted=is_halted(state, now_ns),
        switch=state.switches.get(spec.name, "on"),
        feed=state.feeds.get(symbol),
        closing=frame.closing,
        session=session,
        minutes_since_open=None if session is None else (now_ns - session.open_ns) / MINUTE_NS,
        history_missing=sum(value is None for value in ready),
        regime=state.regimes.get(symbol),
        vix=state.vol.close,
        iv_rank=iv_rank(state.vol),
        forecast_age_hours=(now_ns - forecast.ts_ns) / HOUR_NS if forecast and forecast.levels else None,
        rate_known=symbol in state.rates,
        open_positions=len(standing(state, spec.name, symbol, now_ns)),
        sessions_since_opening=None if opened_ns is None else sessions_between(state.sessions, opened_ns, now_ns),
        candidates=candidates,
        valid_until_ns=valid_until(session, now_ns, state.params),
    )


def is_halted(state: State, now_ns: int) -> bool:
    """Whether a person or risk stopped new risk."""
    until_ns = state.halted_until_ns
    return state.halted_by_person or (state.halted_by_risk and (until_ns is None or now_ns < until_ns))


def _judged(
    state: State, view: View, around: Circumstances, circumstances: Judgement, candidate: Candidate
) -> tuple[Case, Judgement]:
    root = view.specs[candidate.expiry.root_index]
    assert root is not None  # slices exist for listed roots only
    net = net_of(
        candidate.rows,
        candidate.ratios,
        view.contracts,
        view.quotes,
        tick_micros=root.tick_micros,
        increment_ticks=root.increment_ticks,
        f_limit=state.params.f_limit,
    )
    case = case_of(around, view, candidate, root, net, _odds(state, view, around, candidate))
    return case, joined(circumstances, judge(CANDIDATE_GATES, case, state.params.gates_off))


def _odds(state: State, view: View, around: Circumstances, candidate: Candidate) -> Mixture | None:
    forecast, age = state.forecasts.get(view.underlying), around.forecast_age_hours
    if forecast is None or age is None or age > state.params.forecast_max_age_hours:
        return None
    per_year = state.params.sessions_per_year
    left = sessions_to(state.sessions, view.now_ns, candidate.expiry.expiry_ns, per_year)
    if left is None:
        return None
    found = mixture(forecast.horizons_sessions, forecast.levels, forecast.variance_quantiles, left, per_year)
    return found if isinstance(found, Mixture) else None


def _why(case: Case, judgement: Judgement) -> dict[str, float | None]:
    return {
        "spot": case.view.spot,
        **judgement.numbers,
        **case.candidate.why,
        "expected_profit_ticks": case.expected_profit_ticks,
        "off_target": case.candidate.off_target,
    }


def _scan_fact(
    frame: ChainFrame,
    spec: Spec,
    judged: Sequence[tuple[Case, Judgement]],
    circumstances: Judgement,
    proposed: bool,
) -> Scan:
    kills: dict[str, int] = {}
    for _, judgement in judged:
        for name in judgement.refusing:
            kills[name] = kills.get(name, 0) + 1
    return Scan(
        underlying=frame.underlying,
        strategy=spec.name,
        candidates=len(judged),
        proposed=proposed,
        gates=judged[0][1].gates if judged else circumstances.gates,
        kills=kills,
        why=_why(*judged[0]) if judged else {"spot": frame.spot, **circumstances.numbers},
        rows=tuple(_row(case, judgement) for case, judgement in judged[:MAX_ROWS]),
    )


def _row(case: Case, judgement: Judgement) -> dict[str, float | str | None]:
    return {
        "legs": " ".join(case.candidate.instruments),
        "mid_ticks": case.net.mid_ticks,
        "limit_ticks": float(case.net.limit_ticks),
        "score": case.score,
        "refusing": " ".join(judgement.refusing),
    }


def _proposal(case: Case, judgement: Judgement, at: At) -> Proposal:
    candidate, around, net = case.candidate, case.around, case.net
    assert net.max_loss_ticks is not None  # the gate for defined risk cannot be switched off
    return Proposal(
        proposal_id=f"{around.spec.name}:{case.view.underlying}:{at.seq}",
        strategy=around.spec.name,
        kind=candidate.kind,
        underlying=case.view.underlying,
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
        why=_why(case, judgement),
        regime=around.regime or UNKNOWN_REGIME,
        valid_until_ns=around.valid_until_ns,
    )

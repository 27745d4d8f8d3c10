"""Proposals that change open structures, from what ``adjust`` wants: the strategy's own candidates, or a hedge.

Every gate that guards against trading on nothing is asked; those that look for good moments to open are not, for the
structure is open already. Reads state, changes nothing.
"""

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.market import ChainFrame
from contango_common.events.signal import FeatureFailed, Proposal, Scan
from contango_signals.adjust import Want, wanted
from contango_signals.gates import SCAN_GATES, Judgement, judge
from contango_signals.names import ALWAYS_ON
from contango_signals.scan import Judged, circumstances_of, judged_of, proposal_of, recorded, shared_of
from contango_signals.state import State
from contango_signals.strategies.build import Pick, beyond, candidate, nearest_expiry, nearest_strike
from contango_signals.strategies.registry import STRATEGIES
from contango_signals.strategies.spec import Candidate, View
from contango_signals.switches import acts, gates_off, tried

FEATURE = "adjustments"
ASKED = ALWAYS_ON | {"premium_sign", "spread_to_mid", "displayed_size", "contract_tradable", "session_time"}


def adjusted(state: State, view: View, frame: ChainFrame, at: At) -> list[Event]:
    """A ``Scan`` for each change that is wanted, and a ``Proposal`` where it may be made."""
    names = frozenset(name for name in state.params.strategies if STRATEGIES[name].on == "chain")
    found = tried(FEATURE, lambda: wanted(view, state.params.adjust, names))
    if isinstance(found, FeatureFailed):
        return [found]
    facts: list[Event] = []
    for want in found:
        made = tried(FEATURE, lambda w=want: _facts(state, w, view, frame, at))  # type: ignore[misc]
        if isinstance(made, FeatureFailed):
            return [*facts, made]
        facts += made
    return facts


def _facts(state: State, want: Want, view: View, frame: ChainFrame, at: At) -> list[Event]:
    spec, shared = STRATEGIES[want.held.strategy], shared_of(state, view)
    candidates = [c for c in _candidates(state, want, view) if c.instruments != want.held.instruments]
    around = circumstances_of(state, spec, frame, at, len(candidates), shared)
    circumstances = judge(SCAN_GATES, around, gates_off(state))
    asked = ASKED - {"premium_sign"} if want.adjustment == "hedge_delta" else ASKED  # a hedge is paid for
    judged = [_asked(judged_of(state, view, around, circumstances, c, shared), asked) for c in candidates]
    judged.sort(key=lambda pair: (len(pair[1].refusing), pair[0].candidate.off_target))
    proposed = bool(judged) and not judged[0][1].refusing and acts(state, FEATURE)
    gates = judged[0][1].gates if judged else _only(circumstances, asked).gates
    facts: list[Event] = [_scan_fact(state, want, view, judged, gates, proposed)]
    if proposed:
        facts.append(_proposal(state, want, judged[0], at))
    return facts


def _scan_fact(
    state: State, want: Want, view: View, judged: list[Judged], gates: dict[str, bool], proposed: bool
) -> Scan:
    """What was looked at, every candidate of it in the block."""
    kills = {name: sum(name in j.refusing for _, j in judged) for name in gates}
    return recorded(
        judged,
        proposed,
        underlying=view.underlying,
        strategy=f"{want.held.strategy}:{want.adjustment}",
        gates={**gates, "switched_on": acts(state, FEATURE)},
        kills={name: count for name, count in kills.items() if count},
        why={"spot": view.spot, "wanted": want.number},
    )


def _candidates(state: State, want: Want, view: View) -> list[Candidate]:
    """The strategy's own structures now; for a hedge a debit spread on the side that hurts."""
    spec = STRATEGIES[want.held.strategy]
    if want.adjustment != "hedge_delta":
        assert spec.propose is not None
        return spec.propose(view, state.params.strategies[spec.name])
    p, screen = state.params.adjust, state.params.strategies[spec.name]
    best = nearest_expiry(view, screen.dte_target, screen.dte_min, screen.dte_max)
    if best is None or best.forward is None:
        return []
    is_call = want.side == "C"
    near = nearest_strike(best, is_call, best.forward)
    if near is None:
        return []
    width = p.hedge_width * view.spot
    far = beyond(best, is_call, float(best.strike[near]) + (width if is_call else -width))
    if far is None or far == near:
        return []
    return [candidate(view, "vertical", (Pick(1, best, near), Pick(-1, best, far)))]


def _only(judgement: Judgement, asked: frozenset[str]) -> Judgement:
    """The verdicts that count for a change of what is open."""
    gates = {name: ok for name, ok in judgement.gates.items() if name in asked}
    return Judgement(gates, judgement.numbers, tuple(name for name, ok in gates.items() if not ok))


def _asked(pair: Judged, asked: frozenset[str]) -> Judged:
    return pair[0], _only(pair[1], asked)


def _proposal(state: State, want: Want, pair: Judged, at: At) -> Proposal:
    """Sized like the position it changes: a roll never grows it."""
    made = proposal_of(state, *pair, at)
    cap = want.held.quantity if made.quantity_cap is None else min(made.quantity_cap, want.held.quantity)
    return made.model_copy(
        update={
            "proposal_id": f"{made.proposal_id}:{want.mark}:{want.held.position_id}",
            "quantity_cap": max(1, cap),
            "adjusts": want.held.position_id,
            "adjustment": want.adjustment,
            "closes": want.adjustment != "hedge_delta",
            "why": {**made.why, "wanted": want.number},
        }
    )

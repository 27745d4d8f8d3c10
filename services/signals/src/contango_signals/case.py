"""What a gate judges: the scan's circumstances, and one candidate with its prices, odds and scores. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from contango_common.domain.instrument import RootSpec
from contango_quant.pricing.black import black_price
from contango_quant.pricing.expected_near import expected_profit_near_lognormal
from contango_quant.pricing.greeks import carry_from_forward
from contango_quant.pricing.payoff import Leg
from contango_quant.pricing.payoff_near import FarLeg
from contango_signals.breach import Mixture, above, below
from contango_signals.chainview import atm_vol
from contango_signals.confidence import Assurance
from contango_signals.netprice import Net
from contango_signals.params import SignalsParams
from contango_signals.score import NO_SCORES, Scores, ev_component, scores
from contango_signals.strategies.screen import Screen
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.timing import InSession
from contango_signals.volindex import IvRank
from contango_signals.volstate import TermState


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything the gates look at that does not depend on the candidate. Ages in hours, None where unknown.

    ``scored`` says whether scores rank candidates (else they are on record only). ``assurance`` is None while fuzzy
    confidence does not act; ``state`` is the label in the five states, by the mapping table where another detector
    decides; ``label_s0`` the mixture's label, which chooses the scores' weights.
    """

    params: SignalsParams
    screen: Screen
    spec: Spec
    trading_started: bool
    parameters_valid: bool
    halted: bool
    switch: str
    feed: str | None
    closing: bool
    session: InSession | None
    minutes_since_open: float | None
    history_missing: int
    state: str | None
    label_s0: str | None
    vix: float | None
    iv_rank: IvRank
    term: TermState
    forecast_age_hours: float | None
    said: Mapping[str, float | None]
    assurance: Assurance | None
    scored: bool
    rate_known: bool
    drift: float | None
    open_positions: int
    sessions_since_opening: int | None
    candidates: int
    valid_until_ns: int


@dataclass(frozen=True, slots=True)
class Case:
    """One candidate among its circumstances. Odds and variances are None where there is no usable forecast."""

    around: Circumstances
    view: View
    candidate: Candidate
    root: RootSpec
    net: Net
    breach_put: float | None
    breach_call: float | None
    implied_variance: float | None
    forecast_variance: float | None
    expected_profit_ticks: float | None
    open_interest: int | None
    volume: int | None
    scores: Scores
    entry_score: float | None = None

    @property
    def credit_ticks(self) -> int:
        """What the limit price brings per unit (negative: what it costs)."""
        return -self.net.limit_ticks

    @property
    def credit_to_width(self) -> float | None:
        width = self.candidate.width
        return None if not width else self.credit_ticks * self.root.tick_micros / 1e6 / width

    @property
    def breach_odds(self) -> float | None:
        """Odds to end beyond either sold strike; None where nothing is sold or nothing is known."""
        odds = [x for x in (self.breach_put, self.breach_call) if x is not None]
        return sum(odds) if odds else None

    @property
    def vrp_ratio(self) -> float | None:
        if self.implied_variance is None or not self.forecast_variance:
            return None
        return self.implied_variance / self.forecast_variance

    @property
    def score(self) -> float:
        """The weighted components; without any, or while scores do not rank, 0."""
        return (self.scores.total or 0.0) if self.around.scored else 0.0


def case_of(
    around: Circumstances, view: View, candidate: Candidate, root: RootSpec, net: Net, odds: Mixture | None
) -> Case:
    """The case with what the forecast and the quotes say about it."""
    forward, vol = candidate.slice.forward, atm_vol(candidate.slice)
    put = call = expected = None
    if odds is not None and forward is not None:
        put = None if candidate.short_put is None else below(odds, forward, candidate.short_put)
        call = None if candidate.short_call is None else above(odds, forward, candidate.short_call)
        expected = _expected_ticks(around, candidate, view, odds, forward, root, net)
    return Case(
        around=around,
        view=view,
        candidate=candidate,
        root=root,
        net=net,
        breach_put=put,
        breach_call=call,
        implied_variance=None if vol is None else vol * vol,
        forecast_variance=None if odds is None else odds.median_variance_annual,
        expected_profit_ticks=expected,
        open_interest=_least(view, candidate, "open_interest"),
        volume=_least(view, candidate, "volume"),
        scores=NO_SCORES,
    )


def scores_of(case: Case) -> Scores:
    """The components of a candidate's score and their weighted sum."""
    around, net, width = case.around, case.net, case.candidate.width
    credit, delta = -net.limit_ticks * case.root.tick_micros / 1e6, _sold_delta(case.candidate)
    expected, loss, p = case.expected_profit_ticks, net.max_loss_ticks, around.params.scoring
    ev_to_loss = None if expected is None or not loss else expected / loss
    return scores(
        iv_percentile=around.iv_rank.percentile,
        delta=delta,
        credit_to_width=None if not width or credit <= 0.0 else credit / width,
        ev=ev_component(ev_to_loss, credit, width, delta, p),
        label=around.label_s0,
        p=p,
    )


def _sold_delta(candidate: Candidate) -> float | None:
    """Largest absolute delta of a sold leg at the first expiry."""
    why = candidate.why
    deltas = [abs(d) for name in ("short_put_delta", "short_call_delta") if (d := why.get(name)) is not None]
    return max(deltas, default=None)


def _least(view: View, candidate: Candidate, column: str) -> int | None:
    """Smallest value of a quotes column over the option legs; None where the frame has no such column."""
    if column not in view.quotes:
        return None
    numbers = [int(view.quotes[column][row]) for row in candidate.rows if row >= 0]
    return None if min(numbers) < 0 else min(numbers)


def _expected_ticks(
    around: Circumstances, candidate: Candidate, view: View, odds: Mixture, forward: float, root: RootSpec, net: Net
) -> float:
    """Mean profit of one unit at the first expiry under the forecast's mixture, after costs, undiscounted."""
    mean = _mean_value(candidate, view, odds, forward) * 1e6 / root.tick_micros - net.limit_ticks
    contracts = sum(abs(q) for q, row in zip(candidate.ratios, candidate.rows, strict=True) if row >= 0)
    costs_usd = around.params.scoring.cost_per_contract_usd * contracts
    return mean - costs_usd * 1e6 / (root.tick_micros * root.multiplier)


def _mean_value(candidate: Candidate, view: View, odds: Mixture, forward: float) -> float:
    """Mean value of one unit in currency at the first expiry; legs that live on count at their smile's volatility."""
    near: list[Leg] = []
    far: list[FarLeg] = []
    stock = 0.0
    for row, ratio, s in zip(candidate.rows, candidate.ratios, candidate.slices, strict=True):
        if s is None:
            stock += ratio * forward
            continue
        strike = int(view.contracts["strike_millis"][row]) / 1000.0
        is_call = bool(view.contracts["is_call"][row])
        if s is candidate.slice:
            near.append(Leg(ratio, strike, is_call))
            continue
        rate, div_yield = carry_from_forward(s.spot, s.forward or s.spot, s.discount, s.t_years)
        vol = atm_vol(s) or 0.0
        far.append(FarLeg(ratio, strike, is_call, s.t_years - candidate.slice.t_years, vol, rate, div_yield))
    total = 0.0
    for weight, variance in zip(odds.weights, odds.total_variances, strict=True):
        total += weight * _under(near, far, forward, variance)
    return float(total + stock)


def _under(near: list[Leg], far: list[FarLeg], forward: float, variance: float) -> float:
    if far:
        return expected_profit_near_lognormal(near, far, 0.0, forward=forward, t_years=1.0, vol=variance**0.5)
    parts = (leg.quantity * black_price(forward, leg.strike, 1.0, variance**0.5, 1.0, leg.is_call) for leg in near)
    return float(sum(parts))

"""What a gate judges: the scan's circumstances, and one candidate with its prices and odds. Pure."""

from dataclasses import dataclass

from contango_common.domain.instrument import RootSpec
from contango_quant.pricing.black import black_price
from contango_signals.breach import Mixture, above, below
from contango_signals.chainview import atm_vol
from contango_signals.features import IvRank
from contango_signals.netprice import Net
from contango_signals.params import SignalsParams
from contango_signals.strategies.spec import Candidate, Spec, View
from contango_signals.timing import InSession


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything the gates look at that does not depend on the candidate. Ages in hours, None where unknown."""

    params: SignalsParams
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
    regime: str | None
    vix: float | None
    iv_rank: IvRank
    forecast_age_hours: float | None
    rate_known: bool
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

    @property
    def credit_ticks(self) -> int:
        """What the limit price brings per unit (negative: what it costs)."""
        return -self.net.limit_ticks

    @property
    def score(self) -> float:
        """Expected profit over maximum loss under the forecast; without one, credit over maximum loss."""
        gain = self.credit_ticks if self.expected_profit_ticks is None else self.expected_profit_ticks
        return gain / self.net.max_loss_ticks if self.net.max_loss_ticks else 0.0


def case_of(
    around: Circumstances, view: View, candidate: Candidate, root: RootSpec, net: Net, odds: Mixture | None
) -> Case:
    """The case with what the forecast says about it."""
    forward, vol = candidate.slice.forward, atm_vol(candidate.slice)
    put = call = expected = None
    if odds is not None and forward is not None:
        put = None if candidate.short_put is None else below(odds, forward, candidate.short_put)
        call = None if candidate.short_call is None else above(odds, forward, candidate.short_call)
        expected = _expected_payoff(candidate, view, odds, forward) * 1e6 / root.tick_micros - net.limit_ticks
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
    )


def _expected_payoff(candidate: Candidate, view: View, odds: Mixture, forward: float) -> float:
    """Mean settlement value of one unit in currency, undiscounted, under the forecast's mixture."""
    total = 0.0
    for row, ratio in zip(candidate.rows, candidate.ratios, strict=True):
        strike = int(view.contracts["strike_millis"][row]) / 1000.0
        is_call = bool(view.contracts["is_call"][row])
        for weight, variance in zip(odds.weights, odds.total_variances, strict=True):
            total += ratio * weight * black_price(forward, strike, 1.0, variance**0.5, 1.0, is_call)
    return float(total)

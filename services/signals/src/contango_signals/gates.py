"""Entry gates: one row each. Every gate is evaluated, none cuts another short, and each gives the numbers it saw.

A verdict is True (lets pass) or False. What cannot be known does not pass. Gates of the scan look at the
circumstances alone; gates of the candidate look at its legs, prices and odds as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from contango_signals.case import Case, Circumstances

Numbers = dict[str, float | None]
Verdict = tuple[bool, Numbers]
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Gate(Generic[C]):
    """``meaning`` completes the sentence "it may open when …"."""

    name: str
    meaning: str
    judge: Callable[[C], Verdict]


def _plain(ok: bool) -> Verdict:
    return ok, {}


def _session_time(c: Circumstances) -> Verdict:
    minutes = c.minutes_since_open
    ok = minutes is not None and minutes >= c.params.no_opening_minutes
    return ok and (c.params.allow_closing_frame or not c.closing), {
        "minutes_since_open": minutes,
        "closing_frame": float(c.closing),
    }


def _iv_rank(c: Circumstances) -> Verdict:
    rank = c.iv_rank.rank
    numbers: Numbers = {
        "iv_rank": rank,
        "iv_percentile": c.iv_rank.percentile,
        "iv_rank_count": float(c.iv_rank.count),
    }
    return rank is not None and rank >= c.params.min_iv_rank, numbers


def _forecast_fresh(c: Circumstances) -> Verdict:
    age = c.forecast_age_hours
    return age is not None and age <= c.params.forecast_max_age_hours, {"forecast_age_hours": age}


def _entry_spacing(c: Circumstances) -> Verdict:
    since = c.sessions_since_opening
    ok = since is None or since >= c.params.min_sessions_between
    return ok, {"sessions_since_opening": None if since is None else float(since)}


SCAN_GATES: tuple[Gate[Circumstances], ...] = (
    Gate("trading_started", "warm-up is over", lambda c: _plain(c.trading_started)),
    Gate("parameters_valid", "the last parameters were valid", lambda c: _plain(c.parameters_valid)),
    Gate("not_halted", "neither a person nor risk halted trading", lambda c: _plain(not c.halted)),
    Gate("switched_on", "the strategy is not in shadow", lambda c: _plain(c.switch == "on")),
    Gate("feed_live", "the underlying's feed says live", lambda c: _plain(c.feed == "live")),
    Gate("session_time", "it is neither too soon after the open nor the last frame", _session_time),
    Gate(
        "history_ready",
        "the daily averages have their warm-up",
        lambda c: (c.history_missing == 0, {"history_missing": float(c.history_missing)}),
    ),
    Gate("regime_known", "the regime is known", lambda c: _plain(c.regime is not None)),
    Gate("regime_allowed", "the strategy trades this regime", lambda c: _plain(c.regime in c.params.regimes_allowed)),
    Gate(
        "vix_cap",
        "the volatility index is not too high",
        lambda c: (c.vix is not None and c.vix <= c.params.max_vix, {"vix": c.vix}),
    ),
    Gate("iv_rank", "volatility is not at the bottom of its year", _iv_rank),
    Gate("forecast_fresh", "a forecast is there and young enough", _forecast_fresh),
    Gate("rate_known", "a rate for discounting is known", lambda c: _plain(c.rate_known)),
    Gate(
        "max_open",
        "few enough positions are open",
        lambda c: (c.open_positions < c.params.max_open, {"open_positions": float(c.open_positions)}),
    ),
    Gate("entry_spacing", "the last opening is long enough ago", _entry_spacing),
    Gate(
        "legs_quoted",
        "the chain quotes all legs in the delta band and expiry window",
        lambda c: (c.candidates > 0, {"candidates": float(c.candidates)}),
    ),
)


def _dte_window(c: Case) -> Verdict:
    dte = c.candidate.why["dte"]
    p = c.around.params
    return dte is not None and p.dte_min <= dte <= p.dte_max, {"dte": dte}


def _contract_tradable(c: Case) -> Verdict:
    standard = c.root.deliverable_shares == c.root.multiplier
    hours = (c.candidate.expiry.last_trade_ns - c.view.now_ns) / 3.6e12
    tradable = c.candidate.expiry.last_trade_ns > c.around.valid_until_ns
    return standard and tradable, {"standard_deliverable": float(standard), "hours_to_last_trade": hours}


def _defined_risk(c: Case) -> Verdict:
    loss = c.net.max_loss_ticks
    return loss is not None and loss > 0, {"max_loss_ticks": None if loss is None else float(loss)}


def _premium_sign(c: Case) -> Verdict:
    ok = c.credit_ticks > 0 or not c.around.spec.credit
    return ok, {"mid_ticks": c.net.mid_ticks, "natural_ticks": float(c.net.natural_ticks)}


def _wing_width(c: Case) -> Verdict:
    width = c.candidate.narrow_width
    fraction = None if width is None else width / c.view.spot
    return fraction is not None and fraction >= c.around.params.wing_width_min, {"wing_width_fraction": fraction}


def _credit_to_width(c: Case) -> Verdict:
    width = c.candidate.width
    ratio = None if not width else c.credit_ticks * c.root.tick_micros / 1e6 / width
    return ratio is not None and ratio >= c.around.params.min_credit_to_width, {"credit_to_width": ratio}


def _spread_to_credit(c: Case) -> Verdict:
    mid = abs(c.net.mid_ticks)
    ratio = c.net.spread_ticks / mid if mid > 0.0 else None
    return ratio is not None and ratio <= c.around.params.max_spread_to_credit, {"spread_to_credit": ratio}


def _displayed_size(c: Case) -> Verdict:
    shown = c.net.displayed
    ok = shown is not None and shown >= c.around.params.min_displayed_size
    return ok, {"displayed_size": None if shown is None else float(shown)}


def _breach_odds(c: Case) -> Verdict:
    numbers: Numbers = {"breach_odds_put": c.breach_put, "breach_odds_call": c.breach_call}
    if c.breach_put is None and c.breach_call is None:
        return False, numbers
    return (c.breach_put or 0.0) + (c.breach_call or 0.0) <= c.around.params.max_breach_odds, numbers


def _vrp(c: Case) -> Verdict:
    implied, forecast = c.implied_variance, c.forecast_variance
    ratio = None if implied is None or forecast is None else implied / forecast
    numbers: Numbers = {"implied_variance": implied, "forecast_variance": forecast, "vrp_ratio": ratio}
    return ratio is not None and ratio >= c.around.params.min_vrp_ratio, numbers


CANDIDATE_GATES: tuple[Gate[Case], ...] = (
    Gate("dte_window", "the expiry lies in the window", _dte_window),
    Gate("contract_tradable", "it is standard and trades longer than the proposal stands", _contract_tradable),
    Gate("defined_risk", "the loss at expiry is bounded", _defined_risk),
    Gate("premium_sign", "a credit strategy is paid at the limit", _premium_sign),
    Gate("wing_width", "both wings are wide enough", _wing_width),
    Gate("credit_to_width", "the credit is worth the width", _credit_to_width),
    Gate("spread_to_credit", "the quotes are narrow enough", _spread_to_credit),
    Gate("displayed_size", "the quotes show enough size", _displayed_size),
    Gate("breach_odds", "the forecast leaves the sold strikes alone", _breach_odds),
    Gate("vrp", "implied variance is above the forecast", _vrp),
)

GATES: tuple[Gate[Circumstances] | Gate[Case], ...] = (*SCAN_GATES, *CANDIDATE_GATES)


@dataclass(frozen=True, slots=True)
class Judgement:
    """All verdicts and all numbers; ``refusing`` names the gates that say no and are not switched off."""

    gates: dict[str, bool]
    numbers: Numbers
    refusing: tuple[str, ...]


def judge(gates: tuple[Gate[C], ...], case: C, gates_off: tuple[str, ...]) -> Judgement:
    """Ask every gate. The verdict of one that is switched off stands in the numbers as ``off.<gate>``."""
    verdicts: dict[str, bool] = {}
    numbers: Numbers = {}
    for gate in gates:
        ok, seen = gate.judge(case)
        numbers.update(seen)
        if gate.name in gates_off:
            numbers[f"off.{gate.name}"] = float(ok)
        else:
            verdicts[gate.name] = ok
    return Judgement(verdicts, numbers, tuple(name for name, ok in verdicts.items() if not ok))


def joined(first: Judgement, second: Judgement) -> Judgement:
    """Verdicts of the scan and of a candidate together."""
    return Judgement(
        {**first.gates, **second.gates}, {**first.numbers, **second.numbers}, first.refusing + second.refusing
    )

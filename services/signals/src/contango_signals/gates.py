"""Entry gates: one row each. Every gate is evaluated, none cuts another short, and each gives the numbers it saw.

A verdict is True (lets pass) or False. What cannot be known does not pass, unless the strategy does not ask (its
parameter is null). Gates of the scan look at the circumstances alone; gates of the candidate look at its legs, prices
and odds as well.
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
    """``meaning`` completes the sentence "it may open when …".

    ``asks`` names the strategy's parameter behind the verdict, the number compared with it and the sense (+1: the
    number is at least the parameter, −1: at most); it says at which value the gate would have turned.
    """

    name: str
    meaning: str
    judge: Callable[[C], Verdict]
    asks: tuple[str, str, int] | None = None


def _plain(ok: bool) -> Verdict:
    return ok, {}


def _at_least(number: float | None, least: float | None) -> bool:
    return least is None or (number is not None and number >= least)


def _at_most(number: float | None, most: float | None) -> bool:
    return most is None or (number is not None and number <= most)


def _session_time(c: Circumstances) -> Verdict:
    minutes = c.minutes_since_open
    ok = minutes is not None and minutes >= c.params.no_opening_minutes
    return ok and (c.params.allow_closing_frame or not c.closing), {
        "minutes_since_open": minutes,
        "closing_frame": float(c.closing),
    }


def _iv_rank(c: Circumstances) -> Verdict:
    rank = c.iv_rank.rank
    ok = _at_least(rank, c.screen.min_iv_rank) and _at_most(rank, c.screen.max_iv_rank)
    return ok, {"iv_rank": rank, "iv_rank_count": float(c.iv_rank.count)}


def _iv_percentile(c: Circumstances) -> Verdict:
    percentile = c.iv_rank.percentile
    return _at_least(percentile, c.screen.min_iv_percentile), {"iv_percentile": percentile}


def _term(c: Circumstances) -> Verdict:
    allowed = c.screen.term_allowed
    numbers: Numbers = {"term_ratio": c.term.ratio, "iv_near": c.term.near_iv, "iv_far": c.term.far_iv}
    return allowed is None or c.term.regime in allowed, numbers


def _forecast_fresh(c: Circumstances) -> Verdict:
    """Asked by strategies whose other gates need a forecast."""
    age, s = c.forecast_age_hours, c.screen
    needed = any(x is not None for x in (s.max_breach_odds, s.min_vrp_ratio, s.max_vrp_ratio))
    fresh = age is not None and age <= c.params.forecast_max_age_hours
    return fresh or not needed, {"forecast_age_hours": age}


def _confidence(c: Circumstances) -> Verdict:
    """Without fuzzy confidence at work there is nothing to ask; with it, what has no score does not pass.

    A strategy that it does not size is asked for its least confidence alone.
    """
    a = c.assurance
    if a is None:
        return c.screen.min_confidence is None, {}
    numbers: Numbers = {
        "fuzzy": a.fuzzy.score,
        "fuzzy_coverage": a.fuzzy.coverage,
        "fuzzy_effective": a.effective,
        "confidence": a.fused,
        "sigma": a.sigma,
        "fuzzy_size": a.size,
        "fuzzy_units": None if a.units is None else float(a.units),
        **{f"fuzzy.{name}": x for name, x in a.fuzzy.contributions.items()},
    }
    sized = not c.screen.fuzzy_sized or (a.units is not None and a.units > 0)
    return sized and _at_least(a.fused, c.screen.min_confidence), numbers


def _drift(c: Circumstances) -> Verdict:
    """A book without bars has nothing to compare the spot with, and is not asked."""
    return c.drift is None or _at_most(abs(c.drift), c.screen.max_drift), {"drift": c.drift}


def _entry_spacing(c: Circumstances) -> Verdict:
    since = c.sessions_since_opening
    ok = since is None or since >= c.screen.min_sessions_between
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
    Gate("regime_known", "the regime is known", lambda c: _plain(c.state is not None)),
    Gate("regime_allowed", "the strategy trades this regime", lambda c: _plain(c.state in c.screen.regimes_allowed)),
    Gate(
        "vix_cap",
        "the volatility index is not too high",
        lambda c: (_at_most(c.vix, c.screen.max_vix), {"vix": c.vix}),
        ("max_vix", "vix", -1),
    ),
    Gate("iv_rank", "volatility stands where it should in its year", _iv_rank, ("min_iv_rank", "iv_rank", 1)),
    Gate(
        "iv_percentile",
        "enough days of the year were calmer",
        _iv_percentile,
        ("min_iv_percentile", "iv_percentile", 1),
    ),
    Gate("term_structure", "the term structure is one that the strategy trades", _term),
    Gate("forecast_fresh", "a forecast is there and young enough", _forecast_fresh),
    Gate("confidence", "enough factors are known and agree", _confidence, ("min_confidence", "confidence", 1)),
    Gate("rate_known", "a rate for discounting is known", lambda c: _plain(c.rate_known)),
    Gate("drift", "the chain's spot agrees with the last bar", _drift, ("max_drift", "drift", -1)),
    Gate(
        "max_open",
        "few enough positions are open",
        lambda c: (c.open_positions < c.screen.max_open, {"open_positions": float(c.open_positions)}),
        ("max_open", "open_positions", -1),
    ),
    Gate(
        "entry_spacing",
        "the last opening is long enough ago",
        _entry_spacing,
        ("min_sessions_between", "sessions_since_opening", 1),
    ),
    Gate(
        "legs_quoted",
        "the chain quotes all legs in the delta band and expiry window",
        lambda c: (c.candidates > 0, {"candidates": float(c.candidates)}),
    ),
)


def _dte_window(c: Case) -> Verdict:
    dte, screen = c.candidate.why["dte"], c.around.screen
    return dte is not None and screen.dte_min <= dte <= screen.dte_max, {"dte": dte}


def _contract_tradable(c: Case) -> Verdict:
    standard = c.root.deliverable_shares == c.root.multiplier
    hours = (c.candidate.expiry.last_trade_ns - c.view.now_ns) / 3.6e12
    tradable = c.candidate.expiry.last_trade_ns > c.around.valid_until_ns
    bought = all(row >= 0 for row in c.candidate.rows) or c.view.tradable
    numbers: Numbers = {"standard_deliverable": float(standard), "hours_to_last_trade": hours}
    return standard and tradable and bought, numbers


def _defined_risk(c: Case) -> Verdict:
    loss = c.net.max_loss_ticks
    return loss is not None and loss > 0, {"max_loss_ticks": None if loss is None else float(loss)}


def _premium_sign(c: Case) -> Verdict:
    ok = c.credit_ticks > 0 or not c.around.spec.credit
    return ok, {"mid_ticks": c.net.mid_ticks, "natural_ticks": float(c.net.natural_ticks)}


def _wing_width(c: Case) -> Verdict:
    width, least = c.candidate.narrow_width, getattr(c.around.screen, "wing_width_min", None)
    fraction = None if width is None else width / c.view.spot
    return _at_least(fraction, least), {"wing_width_fraction": fraction}


def _credit_to_width(c: Case) -> Verdict:
    ratio = c.credit_to_width
    return _at_least(ratio, c.around.screen.min_credit_to_width), {"credit_to_width": ratio}


def _spread_to_mid(c: Case) -> Verdict:
    mid = abs(c.net.mid_ticks)
    ratio = c.net.spread_ticks / mid if mid > 0.0 else None
    return _at_most(ratio, c.around.screen.max_spread_to_mid), {"spread_to_mid": ratio}


def _leg_spread(c: Case) -> Verdict:
    return _at_most(c.net.widest_leg, c.around.screen.max_leg_spread), {"leg_spread": c.net.widest_leg}


def _displayed_size(c: Case) -> Verdict:
    shown, least = c.net.displayed, c.around.screen.min_displayed_size
    ok = least == 0 or (shown is not None and shown >= least)
    return ok, {"displayed_size": None if shown is None else float(shown)}


def _counted(name: str, least: str) -> Callable[[Case], Verdict]:
    def judge_count(c: Case) -> Verdict:
        count: int | None = getattr(c, name)
        number = None if count is None else float(count)
        return _at_least(number, getattr(c.around.screen, least)), {name: number}

    return judge_count


def _breach_odds(c: Case) -> Verdict:
    numbers: Numbers = {
        "breach_odds_put": c.breach_put,
        "breach_odds_call": c.breach_call,
        "breach_odds": c.breach_odds,
    }
    return _at_most(c.breach_odds, c.around.screen.max_breach_odds), numbers


def _vrp(c: Case) -> Verdict:
    ratio, screen = c.vrp_ratio, c.around.screen
    numbers: Numbers = {
        "implied_variance": c.implied_variance,
        "forecast_variance": c.forecast_variance,
        "vrp_ratio": ratio,
    }
    return _at_least(ratio, screen.min_vrp_ratio) and _at_most(ratio, screen.max_vrp_ratio), numbers


def _entry_score(c: Case) -> Verdict:
    return _at_least(c.entry_score, c.around.screen.min_entry_score), {"entry_score": c.entry_score}


CANDIDATE_GATES: tuple[Gate[Case], ...] = (
    Gate("dte_window", "the expiry lies in the window", _dte_window, ("dte_min", "dte", 1)),
    Gate("contract_tradable", "it is standard and trades longer than the proposal stands", _contract_tradable),
    Gate("defined_risk", "the loss at expiry is bounded", _defined_risk),
    Gate("premium_sign", "a credit strategy is paid at the limit", _premium_sign),
    Gate("wing_width", "both wings are wide enough", _wing_width, ("wing_width_min", "wing_width_fraction", 1)),
    Gate(
        "credit_to_width",
        "the credit is worth the width",
        _credit_to_width,
        ("min_credit_to_width", "credit_to_width", 1),
    ),
    Gate("spread_to_mid", "the quotes are narrow enough", _spread_to_mid, ("max_spread_to_mid", "spread_to_mid", -1)),
    Gate("leg_spread", "no leg's quote is too wide", _leg_spread, ("max_leg_spread", "leg_spread", -1)),
    Gate(
        "displayed_size",
        "the quotes show enough size",
        _displayed_size,
        ("min_displayed_size", "displayed_size", 1),
    ),
    Gate(
        "open_interest",
        "enough contracts are open",
        _counted("open_interest", "min_open_interest"),
        ("min_open_interest", "open_interest", 1),
    ),
    Gate("volume", "enough contracts traded today", _counted("volume", "min_volume"), ("min_volume", "volume", 1)),
    Gate(
        "breach_odds",
        "the forecast leaves the sold strikes alone",
        _breach_odds,
        ("max_breach_odds", "breach_odds", -1),
    ),
    Gate("vrp", "implied variance is above the forecast", _vrp, ("min_vrp_ratio", "vrp_ratio", 1)),
)
# Judged last, on what all the others found: the entry score counts the gates passed, the rank compares candidates.
LAST_GATES: tuple[Gate[Case], ...] = (
    Gate("entry_score", "the entry score is high enough", _entry_score, ("min_entry_score", "entry_score", 1)),
)
RANK: Gate[Case] = Gate("rank", "it is among the best of the scan", lambda c: _plain(True))

GATES: tuple[Gate[Circumstances] | Gate[Case], ...] = (*SCAN_GATES, *CANDIDATE_GATES, *LAST_GATES, RANK)


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


def outranked(judgement: Judgement, within: bool, gates_off: tuple[str, ...]) -> Judgement:
    """The judgement with the verdict of the rank: whether the candidate is among the best of its scan."""
    if RANK.name in gates_off:
        return joined(judgement, Judgement({}, {f"off.{RANK.name}": float(within)}, ()))
    return joined(judgement, Judgement({RANK.name: within}, {}, () if within else (RANK.name,)))

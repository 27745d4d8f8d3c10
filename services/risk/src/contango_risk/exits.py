"""The exit table: rules in order of priority. The first that is true names the reason; all true ones are recorded.

Nothing may stand before an exit: no halt, no stale feed, no limit is looked at here. Profit target, stop and monitor
need a fresh mark of every leg (a stale quote is no evidence of a price); the others do not. Targets and stops are
fractions of an option premium, so stock and spot holdings leave by signal, by hand or in an emergency only. A structure
with a stock leg has paid for the stock too: its target and stop are fractions of that whole debit and so far away that
it leaves by what its option says (days to expiry, last trade), by signal, or by a roll. All legs are closed together.

What a settlement leaves of a structure (the far leg of a calendar, the stock of a covered call) was approved by nobody:
it is closed at the market as soon as it trades again. Until then it bears the risk of the night.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from contango_common.domain.sessions import DAY_NS, days_between
from contango_common.events.risk import ExitRequested
from contango_risk import sessions
from contango_risk.intent import ReduceRisk, reduce_all
from contango_risk.marks import closing_debit_ticks
from contango_risk.params import ExitParams, StopBasis
from contango_risk.silence import silent
from contango_risk.state import Calendar, Position, RiskState

CRASH = "CRASH_MODE"


@dataclass(frozen=True, slots=True)
class ExitView:
    """One position as the rules see it. ``pnl_micros`` is at the achievable closing price; None when not fresh."""

    position: Position
    params: ExitParams
    pnl_micros: int | None
    target_micros: float | None
    dte_days: int | None
    regimes: tuple[str, ...]
    due_before_last_trade: bool
    left_over: bool
    rolled: bool = False


Rule = tuple[str, bool, str, Callable[[ExitView], bool]]


def _profit(v: ExitView) -> bool:
    return v.pnl_micros is not None and v.target_micros is not None and v.pnl_micros >= v.target_micros


def _monitor(v: ExitView) -> bool:
    p = v.params
    if v.dte_days is None or p.monitor_dte is None or v.dte_days > p.monitor_dte:
        return False
    return v.pnl_micros is not None and v.target_micros is not None and v.pnl_micros >= p.monitor_pnl * v.target_micros


def _stop(v: ExitView) -> bool:
    return v.pnl_micros is not None and sum(v.position.stop_hits) >= v.params.stop_confirm_n


def _crash(v: ExitView) -> bool:
    """What was opened because the market crashes stays."""
    return v.params.crash and CRASH in v.regimes and v.position.entry.regime != CRASH


RULES: tuple[Rule, ...] = (
    ("emergency", True, "flatten was ordered, or legs were assigned", lambda v: v.position.flatten),
    ("remnant", True, "a leg has settled: what is left is not what was approved", lambda v: v.left_over),
    ("crash", True, "the underlying's regime turned to CRASH_MODE", _crash),
    ("profit", False, "achievable P&L reached the target", _profit),
    ("stop", False, "N of the last M marks were beyond the stop", _stop),
    (
        "dte",
        False,
        "days to the first expiry are at or under the time exit",
        lambda v: v.dte_days is not None and v.params.dte is not None and v.dte_days <= v.params.dte,
    ),
    ("monitor", False, "near expiry a part of the target is enough", _monitor),
    ("roll", False, "another position was approved in its place", lambda v: v.rolled),
    ("last_trade", False, "AM-settled or physical contracts stop trading", lambda v: v.due_before_last_trade),
    ("signal", False, "the strategy asked for it", lambda v: v.position.signal_why is not None),
    ("manual", False, "a person asked for it", lambda v: v.position.manual is not None),
)

# Of an underlying that is not seen any more: what no price decides.
UNSEEN_RULES: tuple[Rule, ...] = tuple(rule for rule in RULES if rule[0] not in ("profit", "stop", "monitor"))
SPOT_RULES: tuple[Rule, ...] = tuple(rule for rule in RULES if rule[0] in ("emergency", "roll", "signal", "manual"))


def pnl_micros(position: Position) -> int | None:
    """P&L before fees if the holding were closed at the achievable price; None with stale legs or no mark."""
    marks = position.marks
    if marks.achievable_micros is None or marks.stale_legs:
        return None
    return position.open_cash_micros + position.close_cash_micros + marks.achievable_micros


def stop_loss_micros(position: Position, params: ExitParams) -> float | None:
    """Loss (positive) from which the stop is true; None when there is no stop."""
    premium = position.open_cash_micros
    if premium <= 0:
        return None if params.stop_debit is None else -premium * params.stop_debit
    if params.stop is None:
        return None
    if params.stop_basis is StopBasis.LOSS_X_CREDIT:
        return premium * params.stop
    if params.stop_basis is StopBasis.PRICE_X_CREDIT:
        return premium * (params.stop - 1.0)
    return None if position.max_loss_micros is None else position.max_loss_micros * params.stop


def note_stop(position: Position, params: ExitParams, minutes_open: float | None) -> None:
    """Remember whether this mark is beyond the stop (not in the session's first minutes, not on stale legs)."""
    pnl, loss = pnl_micros(position), stop_loss_micros(position, params)
    if pnl is None or loss is None:
        return
    if minutes_open is not None and minutes_open < params.no_stop_minutes:
        return
    position.stop_hits = [*position.stop_hits, pnl <= -loss][-params.stop_confirm_m :]


def view(state: RiskState, position: Position, ts_ns: int) -> ExitView:
    params = state.params.exits
    target = None if params.profit_target is None else abs(position.open_cash_micros) * params.profit_target
    return ExitView(
        position=position,
        params=params,
        pnl_micros=pnl_micros(position),
        target_micros=target or None,
        dte_days=dte_days(position, state.equity.session_date),
        regimes=tuple(state.regimes.get(position.entry.underlying, {}).values()),
        due_before_last_trade=_last_trade_due(state, position, ts_ns),
        left_over=left_over(position, ts_ns),
    )


def dte_days(position: Position, session_date: int) -> int | None:
    """Calendar days from the session's date to the first expiry held; None for stocks or before the first frame."""
    dates = [leg.expiry_date for leg in position.legs if leg.lots and leg.is_option]
    return days_between(session_date, min(dates)) if dates and session_date else None


def left_over(position: Position, ts_ns: int) -> bool:
    """Whether a leg has settled and what is left lives on; not while a held leg still waits for its settlement."""
    if not position.settled:
        return False
    held = [leg for leg in position.legs if leg.lots]
    return bool(held) and all(not leg.is_option or leg.expiry_ns > ts_ns for leg in held)


def request(state: RiskState, position: Position, ts_ns: int) -> ExitRequested | None:
    """The exit of one position: once, and once more only when it becomes an emergency."""
    return _request(view(state, position, ts_ns), SPOT_RULES if position.spot else RULES)


def roll(state: RiskState, position: Position, ts_ns: int) -> ExitRequested | None:
    """The exit of a position that another one replaces; None when it is flat or its exit stands already."""
    seen = replace(view(state, position, ts_ns), rolled=True)
    return None if position.exit is not None else _request(seen, SPOT_RULES if position.spot else RULES)


def request_unseen(state: RiskState, position: Position, ts_ns: int) -> ExitRequested | None:
    """The same without a fresh mark: price rules are left out."""
    return _request(view(state, position, ts_ns), SPOT_RULES if position.spot else UNSEEN_RULES)


def _request(seen: ExitView, rules: tuple[Rule, ...]) -> ExitRequested | None:
    position = seen.position
    if position.flat or (position.exit is not None and position.exit.urgency == "emergency"):
        return None
    hits = [(name, urgent) for name, urgent, _, test in rules if test(seen)]
    if not hits or (position.exit is not None and not hits[0][1]):
        return None
    closing = reduce_all(
        position.entry.position_id, [leg.instrument for leg in position.legs], [leg.lots for leg in position.legs]
    )
    return None if closing is None else _requested(position, closing, hits)


def _requested(position: Position, closing: ReduceRisk, hits: list[tuple[str, bool]]) -> ExitRequested:
    """Made from risk that reduces, and from nothing else."""
    return ExitRequested(
        position_id=closing.position_id,
        underlying=position.entry.underlying,
        instruments=closing.instruments,
        ratios=closing.ratios,
        multiplier=position.entry.multiplier,
        tick_micros=position.entry.tick_micros,
        quantity=closing.quantity,
        reason=hits[0][0],
        all_true=tuple(name for name, _ in hits),
        closing_debit_ticks=closing_debit_ticks(position),
        urgency="emergency" if hits[0][1] else "normal",
    )


def why(state: RiskState, position: Position, ts_ns: int) -> dict[str, float | None]:
    """The numbers behind an exit, for the trade's record. The P&L of a silent underlying is not known."""
    seen = view(state, position, ts_ns)
    unknown = seen.pnl_micros is None or silent(state, position, ts_ns)
    numbers: dict[str, float | None] = {
        "achievable_pnl_usd": None if unknown else (seen.pnl_micros or 0) / 1e6,
        "target_usd": None if seen.target_micros is None else seen.target_micros / 1e6,
        "dte_days": seen.dte_days,
        "stale_legs": position.marks.stale_legs,
    }
    return numbers | (position.signal_why or {})


def _last_trade_due(state: RiskState, position: Position, ts_ns: int) -> bool:
    """Whether a held contract that must not live to its settlement stops trading within the allowed sessions."""
    for leg in position.legs:
        root = state.roots.get(leg.root)
        if not leg.lots or root is None or not (root.settlement == "am" or root.delivery == "physical"):
            continue
        last = leg.last_trade_ns or position.entry.last_trade_ns
        if last and _sessions_left(state.calendar, ts_ns, last) <= state.params.exits.last_trade_sessions:
            return True
    return False


def _sessions_left(calendar: Calendar, ts_ns: int, last_trade_ns: int) -> int:
    known = sessions.sessions_until(calendar, ts_ns, last_trade_ns)
    return known if known is not None else (last_trade_ns - ts_ns) // DAY_NS

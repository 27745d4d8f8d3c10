"""The summary of a run: one JSON object with plain numbers, their intervals, and why a number is absent."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from contango_common.domain.money import to_units
from contango_quant.stats.drawdown import time_under_water
from contango_research.benchmark_hold import Hold, hold_of
from contango_research.conservation import Twin
from contango_research.daily import Daily, daily_of
from contango_research.figures import (
    LEVEL,
    RESAMPLES,
    Figures,
    Floats,
    curve_figures,
    effective_trades,
    returns_of,
    trade_figures,
    trades_needed,
)
from contango_research.gate_ledger import GateRow, gate_ledger
from contango_research.readiness import Readiness, first_tradable
from contango_research.tally import Tally

METHOD = f"stationary block bootstrap, {RESAMPLES} resamples, {LEVEL:.0%} percentile interval"
NO_PRICES = "the log does not price the underlying on every session"


class Analysis(NamedTuple):
    """What the summary is written from and the report draws: the tally and what was worked out of it once."""

    tally: Tally
    daily: Daily
    returns: Floats
    curve: Figures
    trades: Figures
    hold: Hold | None
    gates: list[GateRow]
    ready: Readiness
    violations: list[str]
    marks_checked: int
    trades_checked: int
    sessions_per_year: float


def analyse(tally: Tally, twin: Twin, sessions_per_year: float) -> Analysis:
    daily = daily_of(tally)
    returns = returns_of(daily.before_usd, daily.equity_usd) if daily.before_usd else np.empty(0)
    return Analysis(
        tally=tally,
        daily=daily,
        returns=returns,
        curve=curve_figures(returns, sessions_per_year),
        trades=trade_figures(pnls_usd(tally)),
        hold=hold_of(daily, sessions_per_year),
        gates=gate_ledger(tally.refusals, tally.gates),
        ready=first_tradable(tally),
        violations=twin.violations(),
        marks_checked=twin.marks_checked,
        trades_checked=twin.trades_checked,
        sessions_per_year=sessions_per_year,
    )


def pnls_usd(tally: Tally) -> list[float]:
    """P&L after fees of each closed trade, in order of closing."""
    return [to_units(trade.event.pnl_micros) for trade in tally.trades]


def summarise(a: Analysis, *, name: str, digest: str, wall_s: float) -> dict[str, Any]:
    """The content of ``summary.json``. Fractions are fractions (0.01 = 1 %), money is USD, dates are yyyymmdd."""
    tally, daily = a.tally, a.daily
    values = {**a.curve.values, **a.trades.values}
    ranges = {**a.curve.intervals, **a.trades.intervals}
    absent = {**a.curve.absent, **a.trades.absent}
    summary: dict[str, Any] = {
        "name": name,
        "digest": digest,
        "first_session": daily.date[0] if len(daily) else None,
        "last_session": daily.date[-1] if len(daily) else None,
        "sessions": len(daily),
        "first_tradable_day": a.ready.date,
        "underlying": tally.underlying,
        "frames": tally.frames,
        "messages": sum(tally.subjects.values()),
        "wall_s": round(wall_s, 3),
        "frames_per_s": round(tally.frames / wall_s, 1) if wall_s > 0 else None,
        "trades": len(tally.trades),
        "refused": len(tally.refusals),
        "initial_cash_usd": daily.before_usd,
        "final_equity_usd": daily.equity_usd[-1] if len(daily) else None,
        **values,
        **_water(a),
        "intervals": {key: {"low": r.low, "high": r.high} for key, r in ranges.items()},
        "interval_method": METHOD,
        **_honesty(a),
        "buy_and_hold": _hold(a),
        "since_first_tradable_day": _since(a),
        "exposure": _exposure(tally),
        "mean_heat": float(np.mean(daily.heat_fraction)) if len(daily) else None,
        "max_heat": max(daily.heat_fraction, default=None),
        "fees_usd": to_units(tally.fees_micros),
        "settlements_usd": to_units(tally.settlement_micros),
        "pnl_mid_usd": to_units(sum(t.event.mid_pnl_micros for t in tally.trades)),
        "pnl_fill_usd": to_units(sum(t.event.pnl_micros for t in tally.trades)),
        "pnl_natural_usd": to_units(sum(t.event.natural_pnl_micros for t in tally.trades)),
        "open_at_the_end": len(tally.opened) - len(tally.trades),
        "exit_reasons": _count(t.event.exit_reason for t in tally.trades),
        "regimes": _shares(daily.regime),
        "refusals_by_gate": {row.gate: row.refused for row in a.gates if row.refused},
        "refusals_by_gate_alone": {row.gate: row.alone for row in a.gates if row.alone},
        "data_flags": dict(sorted(tally.flags.items())),
        "messages_by_subject": dict(sorted(tally.subjects.items())),
        "conservation": "violated" if a.violations else "holds",
        "conservation_violations": a.violations[:20],
        "absent": absent,
    }
    return _explained(summary)


def _water(a: Analysis) -> dict[str, Any]:
    if a.daily.before_usd is None or not len(a.daily):
        return {"under_water_longest_sessions": None, "under_water_share": None}
    water = time_under_water(a.daily.equity_usd, high_water=a.daily.before_usd)
    return {"under_water_longest_sessions": water.longest_samples, "under_water_share": water.share}


def _honesty(a: Analysis) -> dict[str, Any]:
    """How far the trades go as evidence."""
    spans = [(trade.event.opened_ns, trade.ts_ns) for trade in a.tally.trades]
    return {
        "trades_effective": round(effective_trades(spans), 1),
        "trades_needed_to_know": trades_needed(pnls_usd(a.tally)),
    }


def _hold(a: Analysis) -> dict[str, Any] | None:
    return None if a.hold is None else dict(a.hold.figures.values)


def _since(a: Analysis) -> dict[str, Any] | None:
    """The same figures without the sessions on which nothing could have been opened."""
    if a.ready.date is None:
        return None
    rest = a.daily.since(a.ready.date)
    if len(rest) < 2 or not rest.before_usd:
        return None
    figures = curve_figures(returns_of(rest.before_usd, rest.equity_usd), a.sessions_per_year)
    held = hold_of(rest, a.sessions_per_year)
    return {
        "sessions": len(rest),
        **figures.values,
        "intervals": {key: {"low": r.low, "high": r.high} for key, r in figures.intervals.items()},
        "buy_and_hold": None if held is None else dict(held.figures.values),
        "absent": figures.absent,
    }


def _exposure(tally: Tally) -> float | None:
    """Share of frames with a position, since trading may begin."""
    frames = sum(day.frames for day in tally.traded_days)
    return sum(day.exposed_frames for day in tally.traded_days) / frames if frames else None


def _count(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _shares(labels: tuple[str, ...]) -> dict[str, float]:
    return {label: count / len(labels) for label, count in _count(labels).items()}


def _explained(summary: dict[str, Any]) -> dict[str, Any]:
    """Every null at the top says why in ``absent``."""
    reasons = {
        "buy_and_hold": NO_PRICES,
        "trades_needed_to_know": "fewer than two trades, or a mean of zero",
        "first_tradable_day": "no scan had all that needs history",
        "since_first_tradable_day": "no first tradable day, or fewer than two sessions after it",
        "frames_per_s": "no time was measured",
    }
    for key, value in summary.items():
        if value is None and key not in summary["absent"]:
            summary["absent"][key] = reasons.get(key, "the log holds no session on which trading was allowed")
    return summary

"""What an advisor is told of a proposal: the log's own numbers up to the proposal, compact, rounded and bounded. Pure.

``Seen`` remembers the last reports, feature row and at-the-money volatilities of every symbol; ``context_of`` picks
what concerns one proposal. It depends on the log before the proposal and nothing else, so that the same log makes the
same question. No date, no instrument name and no strike is told: a model that was trained after a replayed period
would know what came, and would be judged by its memory. Legs are told by distance from spot and days to expiry. Levels
among the features may still give the time away: what is scored in a replay of the past flatters, a live session counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from contango_common.domain.errors import UserError
from contango_common.domain.instrument import parse_option_id
from contango_common.events.signal import FeatureRow, Proposal, RegimeReport, Scalar, SurfaceFitted

CONTEXT_LIMIT_BYTES = 12 * 1024
ENTRIES_LIMIT = 60  # of one section
WORD_LIMIT_CHARACTERS = 80
EXPIRIES_LIMIT = 12
_DAY_NS = 86_400_000_000_000
_HOUR_NS = 3_600_000_000_000
# The first group with a fitting head takes a value; what fits none is "market".
_HEADS = (
    ("term_structure", ("term_", "vix_to_", "basis")),
    ("mean_reversion", ("ou_", "divergence")),
    ("volatility", ("iv_", "vrp", "rv_", "vol_index", "realised_vol", "vix")),
)
_MARKET = "market"
# What is left out first where the whole is too large.
_DISPENSABLE = ("market", "measured", "volatility", "why", "multipliers", "term_structure", "mean_reversion", "gates")


@dataclass(slots=True)
class Seen:
    """The last word on every symbol: detector → report; feature row; expiry → (instant, at-the-money volatility)."""

    reports: dict[str, dict[str, RegimeReport]] = field(default_factory=dict)
    rows: dict[str, FeatureRow] = field(default_factory=dict)
    volatilities: dict[str, dict[int, tuple[int, float]]] = field(default_factory=dict)


def on_report(seen: Seen, event: RegimeReport, ts_ns: int) -> None:
    seen.reports.setdefault(event.symbol, {})[event.detector] = event


def on_row(seen: Seen, event: FeatureRow, ts_ns: int) -> None:
    seen.rows[event.symbol] = event


def on_surface(seen: Seen, event: SurfaceFitted, ts_ns: int) -> None:
    """Keep the volatility of an expiry; forget those that have passed."""
    of_symbol = seen.volatilities.setdefault(event.underlying, {})
    if event.atm_iv_annual is None:
        of_symbol.pop(event.expiry_ns, None)
    else:
        of_symbol[event.expiry_ns] = (ts_ns, event.atm_iv_annual)
    for expiry_ns in [each for each in of_symbol if each <= ts_ns]:
        del of_symbol[expiry_ns]


def context_of(seen: Seen, proposal: Proposal, ts_ns: int) -> dict[str, Any]:
    """JSON data of at most ``CONTEXT_LIMIT_BYTES``; ``omitted`` names the sections that did not fit."""
    row = seen.rows.get(proposal.underlying)
    values: dict[str, Scalar] = {**(row.values if row is not None else {}), **proposal.market_context}
    groups = _grouped(values)
    curve = _curve(seen.volatilities.get(proposal.underlying, {}), ts_ns)
    whole = {
        "proposal": _proposal(proposal, ts_ns),
        "regimes": _regimes(proposal, seen.reports.get(proposal.underlying, {}), ts_ns),
        "term_structure": {**groups["term_structure"], "atm_iv_annual_by_days": curve},
        "mean_reversion": groups["mean_reversion"],
        "volatility": groups["volatility"],
        "gates": dict(_first(sorted(proposal.gates.items()))),
        "why": _numbers(proposal.why),
        "measured": _numbers(proposal.module_specific_params),
        "multipliers": _numbers(proposal.multipliers),
        _MARKET: groups[_MARKET],
    }
    return _fitting(whole)


def size_bytes(context: Mapping[str, Any]) -> int:
    """Bytes of the context as it is sent."""
    return len(orjson.dumps(context))


def _fitting(whole: dict[str, Any]) -> dict[str, Any]:
    omitted: list[str] = []
    context = dict(whole)
    for name in _DISPENSABLE:
        if size_bytes(context) <= CONTEXT_LIMIT_BYTES:
            break
        del context[name]
        omitted.append(name)
        context["omitted"] = omitted
    return context


def _proposal(proposal: Proposal, ts_ns: int) -> dict[str, Any]:
    usd = proposal.tick_micros * proposal.multiplier / 1e6
    spot = proposal.module_specific_params.get("underlying_price")
    legs = zip(proposal.instruments, proposal.ratios, strict=False)
    return {
        "strategy": _word(proposal.strategy),
        "kind": _word(proposal.kind),
        "underlying": _word(proposal.underlying),
        "legs": [_leg(name, ratio, spot) for name, ratio in _first(legs)],
        "days_to_expiry": _days(proposal.expiry_ns, ts_ns),
        "mid_usd_per_unit": rounded(proposal.mid_ticks * usd),
        "limit_usd_per_unit": rounded(proposal.limit_ticks * usd),
        "max_loss_usd_per_unit": rounded(proposal.max_loss_ticks * usd),
        "score": rounded(proposal.score),
        "adjusts_a_position": proposal.adjusts is not None,
    }


def _leg(instrument: str, ratio: int, spot: Scalar) -> dict[str, Any]:
    try:
        _, _, right, strike_millis = parse_option_id(instrument)
    except UserError:  # a share, a future, a coin
        return {"ratio": ratio, "right": None, "strike_to_spot": None}
    known = isinstance(spot, float) and spot > 0.0
    return {
        "ratio": ratio,
        "right": str(right),
        "strike_to_spot": rounded(strike_millis / 1000.0 / spot) if known else None,  # type: ignore[operator]
    }


def _regimes(proposal: Proposal, reports: Mapping[str, RegimeReport], ts_ns: int) -> dict[str, Any]:
    told = {_word(name): _report(report, ts_ns) for name, report in _first(sorted(reports.items()))}
    return {"deciding_label": _word(proposal.regime), "detectors": told}


def _report(report: RegimeReport, ts_ns: int) -> dict[str, Any]:
    likeliest = sorted(report.posterior.items(), key=lambda item: (-item[1], item[0]))[:4]
    return {
        "label": None if report.label is None else _word(report.label),
        "posterior": {_word(label): rounded(p) for label, p in likeliest},
        "abstains_because": None if report.abstain is None else _word(report.abstain),
        "overlay": [_word(flag) for flag in report.overlay[:4]],
        "stands_for_hours": rounded((ts_ns - report.stable_since_ns) / _HOUR_NS),
    }


def _curve(volatilities: Mapping[int, tuple[int, float]], ts_ns: int) -> list[list[float | None]]:
    """Days to expiry and at-the-money volatility, nearest first."""
    nearest = sorted((expiry, iv) for expiry, (_, iv) in volatilities.items() if expiry > ts_ns)
    return [[_days(expiry_ns, ts_ns), rounded(iv)] for expiry_ns, iv in nearest[:EXPIRIES_LIMIT]]


def _grouped(values: Mapping[str, Scalar]) -> dict[str, dict[str, Scalar]]:
    """Values by what they speak about."""
    found: dict[str, dict[str, Scalar]] = {_MARKET: {}, **{name: {} for name, _ in _HEADS}}
    for name, value in values.items():
        group = next((group for group, heads in _HEADS if name.startswith(heads)), _MARKET)
        found[group][name] = value
    return {group: _numbers(members) for group, members in found.items()}


def _numbers(values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """At most ``ENTRIES_LIMIT`` values by name; what is not known is left out."""
    known = sorted((name, x) for name, x in values.items() if x is not None)
    return {_word(name): _value(x) for name, x in _first(known)}


def _value(value: Scalar) -> Scalar:
    if isinstance(value, bool):
        return value
    return _word(value) if isinstance(value, str) else rounded(value)


def _first(items: Iterable[Any]) -> list[Any]:
    return list(items)[:ENTRIES_LIMIT]


def _word(text: str) -> str:
    return text[:WORD_LIMIT_CHARACTERS].encode("utf-8", "replace").decode()


def _days(expiry_ns: int | None, ts_ns: int) -> float | None:
    return None if expiry_ns is None else rounded((expiry_ns - ts_ns) / _DAY_NS)


def rounded(value: float | None) -> float | None:
    """Five significant digits are enough to judge by, and cost less.

    >>> rounded(0.123456789), rounded(2650.37), rounded(None)
    (0.12346, 2650.4, None)
    """
    return None if value is None else float(f"{value:.5g}")

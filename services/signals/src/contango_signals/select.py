"""Which strategies look for entries in a session: those whose regimes hold the label of the deciding detector.

The label of another detector is read through the mapping table, so that a strategy's regimes are always said in the
five states. With the selector off every strategy looks, and its gates alone decide.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from contango_common.domain.declare import Section, param
from contango_signals.strategies.spec import Spec


class SelectParams(Section):
    """The detector that decides and how many candidates may go on from one scan."""

    detector: Literal["s0", "s1", "s2"] = param("s2", "detector whose label decides")
    per_scan: int = param(2, "proposals of one scan of an underlying, at most", unit="proposals", ge=1, le=100)
    alert_share: float = param(
        0.8, "share of candidates that one gate kills, above which it is told", unit="fraction", gt=0, lt=1
    )
    alert_sessions: int = param(5, "scans in a row for that", unit="scans", ge=1, le=60)
    min_score: float = param(0.0, "score of a candidate, at least", unit="score in [0, 1]", ge=0, le=1)


def selected(
    specs: Iterable[Spec],
    params: Mapping[str, Any],
    levels: Mapping[str, str],
    state: str | None,
    gates_off: tuple[str, ...],
) -> tuple[list[Spec], dict[str, str]]:
    """The strategies that look in a ``state`` of the five, in order, and for each of the others the reason why not.

    A book that switches off the gates ``regime_known`` and ``regime_allowed`` is not asked for a regime here either.
    """
    chosen: list[Spec] = []
    excluded: dict[str, str] = {}
    for spec in specs:
        reason = _why_not(spec, params[spec.name], levels[spec.name], state, gates_off)
        if reason is None:
            chosen.append(spec)
        else:
            excluded[spec.name] = reason
    return chosen, excluded


def _why_not(spec: Spec, params: Any, level: str, state: str | None, gates_off: tuple[str, ...]) -> str | None:
    if level == "off":
        return "switched off"
    if state is None:
        return None if "regime_known" in gates_off else "the regime is not known, or uncertain"
    if state not in params.regimes_allowed and "regime_allowed" not in gates_off:
        return f"it does not trade {state}"
    return None

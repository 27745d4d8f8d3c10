"""First tradable day: the first session whose scan had everything that needs history."""

from typing import Any, NamedTuple

from contango_research.tally import Stamped, Tally

# Gates that wait for history: by verdict, or by the number that they judge.
BY_VERDICT = ("history_ready", "regime_known", "forecast_fresh")
BY_NUMBER = {"iv_rank": "iv_rank", "vrp": "forecast_variance"}


class Readiness(NamedTuple):
    """``date`` yyyymmdd or None with ``reason``; ``ready`` is the first ready date of each gate that waits."""

    date: int | None
    ns: int | None
    reason: str
    ready: dict[str, int | None]


def first_tradable(tally: Tally) -> Readiness:
    """By the scans of the log; gates that are switched off are not waited for."""
    ready: dict[str, int | None] = {}
    for scan in tally.scans:
        date = tally.date_of(scan.ts_ns)
        waits = _waits(scan)
        for gate, ok in waits.items():
            if ready.get(gate) is None:
                ready[gate] = date if ok else None
        if waits and all(waits.values()):
            return Readiness(date, scan.ts_ns, _last_to_be_ready(ready), ready)
    if not tally.scans:
        return Readiness(None, None, "the strategies of this run make no scans", ready)
    late = [gate for gate, date in ready.items() if date is None]
    return Readiness(None, None, f"never ready: {', '.join(late) or 'the gates were not ready together'}", ready)


def _waits(scan: Stamped[Any]) -> dict[str, bool]:
    gates, why = scan.event.gates, scan.event.why
    waits = {gate: gates[gate] for gate in BY_VERDICT if gate in gates}
    for gate, number in BY_NUMBER.items():
        if gate in gates:
            waits[gate] = why.get(number) is not None
    return waits


def _last_to_be_ready(ready: dict[str, int | None]) -> str:
    latest = max((date for date in ready.values() if date is not None), default=0)
    names = [gate for gate, date in ready.items() if date == latest]
    return f"the last to be ready: {', '.join(names)}"

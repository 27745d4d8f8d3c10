"""Gates that kill nearly everything, told before a book has traded nothing for a year.

A gate of the candidate that refuses more than ``alert_share`` of a strategy's candidates for ``alert_sessions`` scans
in a row is told once; it may be told again after a scan at which it let more pass.
"""

from collections.abc import Mapping

from contango_common.events.signal import GateAlert, Scan
from contango_signals.gates import CANDIDATE_GATES
from contango_signals.select import SelectParams

KEPT = 60


def share_key(scan: Scan, gate: str) -> str:
    return f"{scan.strategy}:{scan.underlying}:{gate}"


def with_kills(killed: dict[str, list[float]], alerted: dict[str, bool], scan: Scan, p: SelectParams) -> None:
    """Note the share of its candidates that each gate killed; a scan without candidates tells nothing."""
    if not scan.candidates:
        return
    for gate in CANDIDATE_GATES:
        key, share = share_key(scan, gate.name), scan.kills.get(gate.name, 0) / scan.candidates
        if share > p.alert_share:
            killed[key] = [*killed.get(key, []), share][-KEPT:]
        else:
            killed.pop(key, None)
            alerted.pop(key, None)


def alerts(
    killed: Mapping[str, list[float]], alerted: Mapping[str, bool], scan: Scan, p: SelectParams
) -> list[GateAlert]:
    """Gates that this scan makes worth telling; ``killed`` is what was before it."""
    found = []
    for gate in CANDIDATE_GATES:
        key = share_key(scan, gate.name)
        share = scan.kills.get(gate.name, 0) / scan.candidates if scan.candidates else 0.0
        run = [*killed.get(key, []), share]
        if share > p.alert_share and len(run) >= p.alert_sessions and not alerted.get(key, False):
            mean = sum(run) / len(run)
            found.append(
                GateAlert(
                    underlying=scan.underlying,
                    strategy=scan.strategy,
                    gate=gate.name,
                    killed_share=mean,
                    limit=p.alert_share,
                    sessions=len(run),
                )
            )
    return found

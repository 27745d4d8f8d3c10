"""Whether the predictor has a say: decided by its own record, one prediction after the other. Pure.

``e_process`` (the default): it begins without a say. Evidence that its Brier score is below that of the base rate is
gathered by betting (``monitor.evidence``); at an e-value of 1/α it gets a say. From then on the opposite evidence is
gathered, and at 1/α the say is taken away. After each change, and every ``evidence_days``, both begin anew: else what
was lost in a bad year would have to be won back before a predictor that has learnt could speak again. A predictor
without skill gets a say within each such term with a chance of at most α (simulated: 2 to 4 % at α = 5 %). It is slow:
an edge of 0.05 is heard within 180 days of hours in one case of three, one of 0.10 nearly always.

Predictions of neighbouring hours share most of their future. The bets of an e-process must follow one another, so there
is one for each hour of the horizon, fed by every fourth prediction; their mean is an e-value again [1].

``source_s1``, the published rule: a say from the start, none while the last 100 predictions were right less often than
in 55 %. A coin passes that rule about one time in five and a predictor that is right in 55 % is silenced nearly every
second time it is looked at, which is why it is not the default.

References:
    [1] V. Vovk, R. Wang, "E-values: calibration, combination and applications", Annals of Statistics 49 (2021)
        1736-1754, section 3.
"""

from dataclasses import dataclass, field

from contango_inference.direction.params import DirectionParams
from contango_inference.monitor import evidence

KEPT, DAY_HOURS = 1000, 24


@dataclass(slots=True)
class Record:
    """``right``: the newest predictions, oldest first. ``forward`` and ``against`` hold one wealth an offset, gathered
    since ``since`` predictions were resolved."""

    on: bool = False
    resolved: int = 0
    since: int = 0
    right: list[bool] = field(default_factory=list)
    forward: list[list[float]] = field(default_factory=list)
    against: list[list[float]] = field(default_factory=list)


def begun(p: DirectionParams) -> Record:
    """Before the first prediction."""
    found = Record(on=p.rule == "source_s1")
    _anew(found, p)
    return found


def resolve(record: Record, hour: int, prob: float, base: float, rose: bool, p: DirectionParams) -> None:
    """One prediction of ``prob`` has come due, made at ``hour``, with the base rate ``base`` known then."""
    if record.resolved - record.since >= p.evidence_days * DAY_HOURS:
        _anew(record, p)
    y = 1.0 if rose else 0.0
    gain = (base - y) ** 2 - (prob - y) ** 2
    bound = max(abs((base - z) ** 2 - (prob - z) ** 2) for z in (0.0, 1.0))
    offset = hour % p.horizon_hours
    record.forward[offset] = evidence.take(record.forward[offset], gain, bound)
    record.against[offset] = evidence.take(record.against[offset], -gain, bound)
    record.resolved += 1
    record.right = [*record.right, (prob > 0.5) == rose][-KEPT:]


def wants(record: Record, p: DirectionParams) -> bool:
    """Whether it should have a say now."""
    if p.rule == "source_s1":
        share = accuracy(record, p)
        return record.on if share is None else share >= p.source_accuracy
    value = e_value(record.against if record.on else record.forward)
    return record.on != (value >= 1.0 / p.alpha)


def switched(record: Record, on: bool, p: DirectionParams) -> None:
    """The say was given or taken: all evidence begins anew."""
    record.on = on
    _anew(record, p)


def accuracy(record: Record, p: DirectionParams) -> float | None:
    """Share of right answers among the newest; None before there are enough."""
    newest = record.right[-p.source_window :]
    return sum(newest) / len(newest) if len(newest) == p.source_window else None


def e_value(wealths: list[list[float]]) -> float:
    """The mean over the offsets."""
    return sum(evidence.e_value(wealth) for wealth in wealths) / len(wealths)


def _anew(record: Record, p: DirectionParams) -> None:
    record.since = record.resolved
    record.forward = [evidence.no_evidence() for _ in range(p.horizon_hours)]
    record.against = [evidence.no_evidence() for _ in range(p.horizon_hours)]

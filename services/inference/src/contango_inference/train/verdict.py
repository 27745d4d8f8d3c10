"""From what was judged to the weight that is earned, and the reason in words. Pure.

The network earns weight for a target when it beats the better of its baselines: a one-sided Diebold-Mariano test, a
bootstrap interval of the skill above 0, and both still after allowing for two targets having been tested. Then its
weight is the one with which the pool lost least on the same walk forward, capped.
"""

from contango_inference.models.manifest import Target, Verdict
from contango_inference.train.evaluate import BY_VOLATILITY, HAR, PERSISTENCE, SHARES, Judged
from contango_quant.stats.skill_test import Skill, corrected

NAMES = {
    PERSISTENCE: "persistence",
    HAR: "HAR",
    SHARES: "the base rate",
    BY_VOLATILITY: "the base rate by volatility",
}
CAPS: dict[Target, float] = {"variance": 0.5, "direction": 0.2}


def verdicts_of(judged: dict[Target, Judged]) -> tuple[Verdict, ...]:
    """One verdict a target, in the order given."""
    skills = corrected({target: found.skills[found.better] for target, found in judged.items()})
    return tuple(_verdict(target, found, skills[target]) for target, found in judged.items())


def _verdict(target: Target, found: Judged, skill: Skill) -> Verdict:
    return Verdict(
        target=target,
        weight=min(found.weight, CAPS[target]) if skill.earns else 0.0,
        baseline=found.better,
        rows=skill.n,
        skill=skill.skill,
        low=skill.low,
        high=skill.high,
        p_value=skill.p_value,
        reason=f"against {NAMES[found.better]}: {skill.reason}",
    )

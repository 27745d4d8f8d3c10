"""The promotion test: has a model shown that it forecasts better than the baseline?

    gain_t = baseline's loss − model's loss            skill = 1 − Σ loss / Σ baseline's loss

Two witnesses, for each can be fooled alone: a one-sided test of Diebold and Mariano that the mean gain is above 0 (a
worse model earns nothing either), and the stationary bootstrap's interval of the skill. Both know that successive
targets overlap, and both look at how long the gains remember (`skill_interval.mean_block_for`).

A model earns its weight only when all hold: enough effective rows (n/overlap), p below alpha, an interval of the skill
that lies above 0, and a skill of at least a thousandth. Of several targets tested together `corrected` lets stand what
survives the false discovery rate. A model that is much better for a while and worse now may pass: drift is another
test's matter.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from contango_quant.stats.diebold_mariano import diebold_mariano, lags_for
from contango_quant.stats.fdr import benjamini_hochberg
from contango_quant.stats.lines import count, line, same_length, share
from contango_quant.stats.skill_interval import skill_interval

ALPHA = 0.025
MIN_EFFECTIVE = 250
RESAMPLES = 1000
LEAST_SKILL = 0.001  # a gain of the size of rounding may be certain, and is of no use


@dataclass(frozen=True, slots=True)
class Skill:
    """What the record of n forecasts says; losses are means, skill is a share of the baseline's loss.

    None where undefined: skill and its interval without any baseline loss, statistic and p-value when the two losses
    never differ or there are too few. ``reason`` says in words why the model earns its weight or does not.
    """

    n: int
    loss: float
    baseline_loss: float
    skill: float | None
    low: float | None
    high: float | None
    statistic: float | None
    p_value: float | None
    earns: bool
    reason: str


def skill_test(
    losses: ArrayLike,
    baseline_losses: ArrayLike,
    *,
    overlap: int = 1,
    alpha: float = ALPHA,
    min_effective: int = MIN_EFFECTIVE,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Skill:
    """Test of losses (n,) against those of the baseline for the same outcomes (n,), both in order of time.

    overlap: how many successive targets share data (horizon over step, at least 1); alpha: of the one-sided test, and
    of each side of the interval; seed: of the bootstrap, so that a verdict can be had again. Raises ValueError.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> base = rng.uniform(0.2, 0.3, 400)
    >>> skill_test(base - 0.01 + 0.02 * rng.normal(size=400), base).reason
    'skill 4.0 % [3.2 %, 4.7 %], p = 6.8e-22: earns its weight'
    >>> skill_test(base[:50], base[:50] + 0.1).earns
    False
    """
    model, base = line("losses", losses), line("baseline_losses", baseline_losses)
    same_length(losses=model, baseline_losses=base)
    window, least = count("overlap", overlap, 1), count("min_effective", min_effective, 1)
    share("alpha", alpha)
    if model.size == 0:
        raise ValueError("losses must have at least one row")
    gains = base - model
    statistic, p = diebold_mariano(gains, lags=lags_for(gains, window))
    low, high = skill_interval(model, base, overlap=window, tail=alpha, seed=seed, resamples=resamples)
    found = Skill(
        n=model.size,
        loss=float(model.mean()),
        baseline_loss=float(base.mean()),
        skill=_skill(float(model.sum()), float(base.sum())),
        low=low,
        high=high,
        statistic=statistic,
        p_value=p,
        earns=False,
        reason="",
    )
    against = _against(found, model.size / window, least, alpha)
    return replace(found, earns=against is None, reason=_words(found, against))


def corrected(skills: Mapping[str, Skill], *, rate: float = ALPHA) -> dict[str, Skill]:
    """The same verdicts after the false discovery rate's correction for having tested them all.

    Benjamini and Hochberg's q takes the place of p: whoever earned loses it again when q is above `rate`. An undefined
    p counts as 1, for it was a try as well. Raises ValueError.

    >>> one = Skill(900, 0.2, 0.21, 0.048, 0.001, 0.09, 2.0, 0.02, True, "skill 4.8 % [0.1 %, 9.0 %], p = 0.02")
    >>> corrected({"a": one, "b": replace(one, p_value=0.6, earns=False)})["a"].earns
    False
    """
    p_values = [1.0 if s.p_value is None else s.p_value for s in skills.values()]
    verdicts = benjamini_hochberg(p_values, rate=rate)
    out = {}
    for i, (name, found) in enumerate(skills.items()):
        if found.earns and not bool(verdicts.rejected[i]):
            q = _figure(float(verdicts.adjusted[i]))
            against = f"q = {q} among {len(skills)} tested, {_figure(rate)} is needed"
            found = replace(found, earns=False, reason=_words(found, against))
        out[name] = found
    return out


def _skill(loss: float, baseline_loss: float) -> float | None:
    return 1.0 - loss / baseline_loss if baseline_loss > 0.0 else None


def _against(found: Skill, effective: float, least: int, alpha: float) -> str | None:
    """The first thing that speaks against the model; None when nothing does."""
    if effective < least:
        return f"{_figure(math.floor(effective))} effective forecasts, {least} are needed"
    if found.skill is None or found.low is None:
        return "the baseline's losses are 0, skill is undefined"
    if found.p_value is None:
        return "its losses hardly differ from the baseline's"
    if found.p_value >= alpha or found.low <= 0.0:
        return ""
    return "less than a thousandth of the loss is saved" if found.skill < LEAST_SKILL else None


def _words(found: Skill, against: str | None) -> str:
    """All figures there are, the verdict, and what it rests on where the figures do not say it themselves."""
    figures = []
    if found.skill is not None:
        limits = f" [{_percent(found.low)}, {_percent(found.high)}]" if found.low is not None else ""
        figures.append(f"skill {_percent(found.skill)}{limits}")
    if found.p_value is not None:
        figures.append(f"p = {_figure(found.p_value)}")
    said = ", ".join(figures) or "no figures"
    if against is None:
        return f"{said}: earns its weight"
    return f"{said}: stays at 0" + (f" ({against})" if against else "")


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100.0 * value + 0.0:.1f} %"


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 100.0 else f"{value:.0f}"

"""From a network's outputs to calibrated probabilities and variance quantiles, the same for every backend. Pure.

    p = softmax(logits / temperature)
    ln variance quantile (h, q) = 2 ln(anchor) + base_h + Σ_{j ≤ q} softplus(step_{h,j}) + shift_{h,q}

The first output of a horizon is the lowest quantile, each further one a step above it, so that quantiles never cross.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contango_inference.models.manifest import DIRECTIONS, Calibration, Contract

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """``prob`` of bull, bear, neutral; ``variance`` (H, Q) annual."""

    prob: tuple[float, float, float]
    variance: tuple[tuple[float, ...], ...]


def logits_of(raw: npt.ArrayLike) -> Floats:
    """The direction's outputs (B, 3) of ``raw`` (B, O)."""
    return np.asarray(raw, dtype=np.float64)[..., : len(DIRECTIONS)]


def log_ratios_of(raw: npt.ArrayLike, contract: Contract) -> Floats:
    """Quantiles (B, H, Q) of ln(variance / anchor²) of ``raw`` (B, O), before calibration."""
    outputs = np.asarray(raw, dtype=np.float64)[..., len(DIRECTIONS) :]
    shaped = outputs.reshape(*outputs.shape[:-1], len(contract.horizons_sessions), len(contract.levels))
    steps = np.concatenate([shaped[..., :1], np.logaddexp(0.0, shaped[..., 1:])], axis=-1)
    return np.asarray(np.cumsum(steps, axis=-1))


def probabilities(logits: npt.ArrayLike, temperature: float) -> Floats:
    """softmax(logits / temperature) over the last axis, (…, 3)."""
    x = np.asarray(logits, dtype=np.float64)
    with np.errstate(over="ignore"):  # of a logit too far below the highest the probability is 0
        e = np.exp((x - x.max(axis=-1, keepdims=True)) / temperature)
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def answer_of(raw: npt.ArrayLike, anchor_annual: float, contract: Contract, calibration: Calibration) -> Answer | str:
    """The answer to one window from its outputs (O,); a reason where they are no numbers."""
    outputs = np.asarray(raw, dtype=np.float64)
    if outputs.shape != (contract.outputs,):
        return f"the model answered with shape {outputs.shape}, {(contract.outputs,)} is due"
    if not np.isfinite(outputs).all():
        return "the model answered with a number that is not finite"
    bull, bear, neutral = probabilities(logits_of(outputs), calibration.temperature).tolist()
    ratios = log_ratios_of(outputs, contract)
    if calibration.shift:
        # Shifts of neighbouring levels may differ: an order that they break is restored by the running maximum.
        ratios = np.maximum.accumulate(ratios + np.asarray(calibration.shift), axis=-1)
    variance = np.exp(np.clip(ratios, -40.0, 40.0)) * anchor_annual * anchor_annual
    return Answer((bull, bear, neutral), tuple(tuple(row) for row in variance.tolist()))

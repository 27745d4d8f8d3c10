"""SSVI and its extension eSSVI: SVI smiles of all expiries that are free of arbitrage by construction.

    w(k) = ½ (θ + ρ ψ k + √(ψ²k² + 2 ρ ψ θ k + θ²)),   θ = w(0)

θ: total variance at the forward; −ρψ/2: −slope there; ψ = θφ(θ): how much the smile opens. One smile has no butterfly
arbitrage where [1, th. 4.2]

    ψ (1 + |ρ|) ≤ 4   and   ψ² (1 + |ρ|) ≤ 4 θ.

A later smile (θ₂, ρ₂, ψ₂) is nowhere below an earlier one (θ₁, ρ₁, ψ₁) where [2, 3]

    θ₂ ≥ θ₁,   ψ₂/θ₂ ≤ ψ₁/θ₁,   ψ₂(1 ± ρ₂) ≥ ψ₁(1 ± ρ₁).

SSVI has one ρ for all expiries; its power law φ(θ) = η θ^(−γ) (1 + θ)^(γ − 1) meets all conditions where
0 < γ ≤ ½ and η (1 + |ρ|) ≤ 2.

References:
    [1] J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71.
    [2] S. Hendriks, C. Martini, "The extended SSVI volatility surface", J. Computational Finance 22 (2019) 25-39.
    [3] J. Corbetta, P. Cohort, I. Laachir, C. Martini, "Robust calibration and arbitrage-free interpolation of SSVI
        slices", Decisions in Economics and Finance 42 (2019) 665-677.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from contango_quant.broadcast import Floats
from contango_quant.surface.linear import add_row, solve_damped
from contango_quant.surface.svi import RawSvi

BEND = 2.0  # half quoted spreads beyond which a residual counts linearly
MAX_STEPS = 20
RHO_LIMIT = 0.98


class Essvi(NamedTuple):
    """One smile: theta (θ) and psi (ψ) in total variance, rho (ρ) without unit."""

    theta: float
    rho: float
    psi: float


@njit(cache=True, error_model="numpy")
def essvi_variance(k: float, theta: float, rho: float, psi: float) -> float:
    """w(k), total variance at log moneyness k = ln(K/F).

    >>> essvi_variance(0.0, 0.04, -0.7, 0.2)
    0.04
    """
    lean = rho * psi * k
    return 0.5 * (theta + lean + math.sqrt(psi * psi * k * k + 2.0 * lean * theta + theta * theta))


@njit(cache=True, error_model="numpy")
def essvi_to_raw(theta: float, rho: float, psi: float) -> tuple[float, float, float, float, float]:
    """(a, b, ρ, m, σ) of the same smile; theta and psi above 0."""
    flat = (1.0 - rho) * (1.0 + rho)
    return 0.5 * theta * flat, 0.5 * psi, rho, -rho * theta / psi, math.sqrt(flat) * theta / psi


@njit(cache=True, error_model="numpy")
def essvi_widest(theta: float, rho: float) -> float:
    """The largest ψ without butterfly arbitrage.

    >>> essvi_widest(0.04, 0.0)
    0.4
    """
    lean = 1.0 + abs(rho)
    return min(4.0 / lean, 2.0 * math.sqrt(theta / lean))


@njit(cache=True, error_model="numpy")
def essvi_is_above(
    theta: float, rho: float, psi: float, theta_before: float, rho_before: float, psi_before: float
) -> bool:
    """Whether the smile meets the conditions for being nowhere below the one before it.

    >>> essvi_is_above(0.05, -0.7, 0.22, 0.04, -0.7, 0.2), essvi_is_above(0.05, -0.7, 0.26, 0.04, -0.7, 0.2)
    (True, False)
    """
    return (
        theta >= theta_before
        and psi * theta_before <= psi_before * theta
        and psi * (1.0 + rho) >= psi_before * (1.0 + rho_before)
        and psi * (1.0 - rho) >= psi_before * (1.0 - rho_before)
    )


@njit(cache=True, error_model="numpy")
def essvi_project(
    theta: float, rho: float, psi: float, theta_before: float, rho_before: float, psi_before: float
) -> tuple[float, float, float]:
    """The smile moved as little as the conditions demand: θ up, ρ towards the one before, ψ into what is left."""
    theta = max(theta, theta_before)
    for step in range(33):
        part = step / 32.0
        tilt = rho + part * (rho_before - rho)
        least = psi_before * max((1.0 + rho_before) / (1.0 + tilt), (1.0 - rho_before) / (1.0 - tilt))
        most = min(psi_before * theta / theta_before, essvi_widest(theta, tilt))
        if least <= most:
            return theta, tilt, min(max(psi, least), most)
    return theta, rho_before, psi_before


@njit(cache=True, error_model="numpy")
def _cost(theta: float, rho: float, psi: float, k: Floats, w: Floats, weight: Floats) -> float:
    total = 0.0
    for i in range(k.shape[0]):
        r = weight[i] * (essvi_variance(k[i], theta, rho, psi) - w[i]) / BEND
        total += math.sqrt(1.0 + r * r) - 1.0
    return total


@njit(cache=True, error_model="numpy")
def fit_essvi(k: Floats, w: Floats, weight: Floats, at_forward: float) -> tuple[float, float, float]:
    """(θ, ρ, ψ) nearest to total variances w (n,) at k (n,) without butterflies; `at_forward` starts θ.

    Levenberg-Marquardt in ln θ, artanh ρ and ln ψ; residuals weight·(model − w), large ones count linearly.
    """
    theta, rho, psi = at_forward, -0.3, math.sqrt(at_forward)
    psi = min(psi, essvi_widest(theta, rho))
    cost = _cost(theta, rho, psi, k, w, weight)
    normal, slope, step, row = np.empty((3, 3)), np.empty(3), np.empty(3), np.empty(3)
    damp = 1e-3
    for _ in range(MAX_STEPS):
        normal[:], slope[:] = 0.0, 0.0
        for i in range(k.shape[0]):
            x = k[i]
            root = math.sqrt(psi * psi * x * x + 2.0 * rho * psi * theta * x + theta * theta)
            row[0] = 0.5 * theta * (1.0 + (rho * psi * x + theta) / root)
            row[1] = 0.5 * (1.0 - rho * rho) * psi * x * (1.0 + theta / root)
            row[2] = 0.5 * psi * x * (rho + (psi * x + rho * theta) / root)
            miss = 0.5 * (theta + rho * psi * x + root) - w[i]
            r = weight[i] * miss / BEND
            add_row(row, miss, weight[i] * weight[i] / math.sqrt(1.0 + r * r), normal, slope)
        gain = 0.0
        for _ in range(8):
            if solve_damped(normal, slope, damp, step):
                new_theta = theta * math.exp(min(max(step[0], -1.0), 1.0))
                new_rho = math.tanh(math.atanh(rho) + min(max(step[1], -1.0), 1.0))
                new_rho = min(max(new_rho, -RHO_LIMIT), RHO_LIMIT)
                new_psi = min(psi * math.exp(min(max(step[2], -1.0), 1.0)), essvi_widest(new_theta, new_rho))
                trial = _cost(new_theta, new_rho, new_psi, k, w, weight)
                if trial < cost:
                    gain = cost - trial
                    theta, rho, psi, cost = new_theta, new_rho, new_psi, trial
                    damp = max(0.1 * damp, 1e-9)
                    break
            damp *= 10.0
        if gain <= 1e-4 * cost:
            break
    return theta, rho, psi


def essvi_raw(smile: Essvi) -> RawSvi:
    """The raw form of a checked smile. Raises ValueError naming the condition that it breaks.

    >>> raw = essvi_raw(Essvi(theta=0.04, rho=-0.7, psi=0.2))
    >>> round(raw.b, 3), round(raw.m, 3)
    (0.1, 0.14)
    >>> essvi_raw(Essvi(theta=0.04, rho=-0.7, psi=0.4))
    Traceback (most recent call last):
        ...
    ValueError: psi must be above 0 and at most 0.3067859955389482 without butterfly arbitrage, got 0.4
    """
    theta, rho, psi = (float(x) for x in smile)
    if not (math.isfinite(theta) and theta > 0.0):
        raise ValueError(f"theta must be finite and above 0, got {theta!r}")
    if not -1.0 < rho < 1.0:
        raise ValueError(f"rho must be between -1 and 1, got {rho!r}")
    most = essvi_widest(theta, rho)
    if not 0.0 < psi <= most:
        raise ValueError(f"psi must be above 0 and at most {most!r} without butterfly arbitrage, got {psi!r}")
    return RawSvi(*essvi_to_raw(theta, rho, psi))


def ssvi_power_law(*, theta: float, rho: float, eta: float, gamma: float) -> Essvi:
    """The smile of SSVI with the power law at θ = `theta`. Raises ValueError where arbitrage is not excluded.

    eta above 0 with η(1 + |ρ|) ≤ 2; gamma in (0, ½].

    >>> round(ssvi_power_law(theta=0.04, rho=-0.5, eta=1.0, gamma=0.5).psi, 6)
    0.196116
    """
    if not (math.isfinite(theta) and theta > 0.0):
        raise ValueError(f"theta must be finite and above 0, got {theta!r}")
    if not -1.0 < rho < 1.0:
        raise ValueError(f"rho must be between -1 and 1, got {rho!r}")
    if not 0.0 < gamma <= 0.5:
        raise ValueError(f"gamma must be above 0 and at most 0.5, got {gamma!r}")
    if not 0.0 < eta <= 2.0 / (1.0 + abs(rho)):
        raise ValueError(f"eta must be above 0 and at most {2.0 / (1.0 + abs(rho))!r}, got {eta!r}")
    return Essvi(theta, rho, eta * theta ** (1.0 - gamma) * (1.0 + theta) ** (gamma - 1.0))

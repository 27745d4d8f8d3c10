"""The natural and the jump-wing form of SVI, and the way from each form to the raw one and back.

Natural, parameters (Δ, μ, ρ, ω, ζ):

    w(k) = Δ + ω/2 (1 + ζ ρ (k − μ) + √((ζ (k − μ) + ρ)² + 1 − ρ²))

Jump wings, at time t, in quantities a trader reads off the smile: variance v = w(0)/t; skew ψ = d√w/dk at k = 0;
slopes p = b(1 − ρ)/√w(0) of the left and c = b(1 + ρ)/√w(0) of the right wing; least variance ṽ. Back from them,

    b = √w(0) (p + c)/2,   ρ = (c − p)/(c + p),   β = ρ − 2ψ√w(0)/b = m/√(m² + σ²),
    √(m² + σ²) = (v − ṽ) t / (b (1 − cos(arcsin ρ − arcsin β)))

where β = ρ (the smile is lowest at the forward, ψ = 0) leaves σ open: jump wings then name no smile.

References:
    [1] J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71.
"""

import math
from typing import NamedTuple

from contango_quant.surface.svi import RawSvi, raw_svi, svi_derivatives, svi_lowest


class NaturalSvi(NamedTuple):
    """delta (Δ), mu (μ), rho (ρ), omega (ω), zeta (ζ)."""

    delta: float
    mu: float
    rho: float
    omega: float
    zeta: float


class JumpWings(NamedTuple):
    """At time `t_years`: variances per year at the forward (v) and least (lowest), skew ψ, wing slopes p and c."""

    v: float
    psi: float
    p: float
    c: float
    lowest: float
    t_years: float


def natural_from_raw(raw: RawSvi) -> NaturalSvi:
    """The same smile in the natural form.

    >>> n = natural_from_raw(RawSvi(a=0.02, b=0.1, rho=-0.6, m=0.1, sigma=0.2))
    >>> [round(x, 6) for x in n]
    [0.004, -0.05, -0.6, 0.05, 4.0]
    """
    a, b, rho, m, sigma = raw_svi(**raw._asdict())
    flat = math.sqrt((1.0 - rho) * (1.0 + rho))
    omega = 2.0 * b * sigma / flat
    return NaturalSvi(a - 0.5 * omega * flat * flat, m + rho * sigma / flat, rho, omega, flat / sigma)


def raw_from_natural(natural: NaturalSvi) -> RawSvi:
    """The same smile in the raw form. Raises ValueError unless ω ≥ 0, ζ > 0, |ρ| < 1 and total variance ≥ 0.

    >>> raw = raw_from_natural(NaturalSvi(delta=0.004, mu=-0.05, rho=-0.6, omega=0.05, zeta=4.0))
    >>> [round(x, 6) for x in raw]
    [0.02, 0.1, -0.6, 0.1, 0.2]
    """
    delta, mu, rho, omega, zeta = (float(x) for x in natural)
    if not (math.isfinite(zeta) and zeta > 0.0):
        raise ValueError(f"zeta must be finite and above 0, got {zeta!r}")
    if not -1.0 < rho < 1.0:
        raise ValueError(f"rho must be between -1 and 1, got {rho!r}")
    flat = (1.0 - rho) * (1.0 + rho)
    return raw_svi(
        a=delta + 0.5 * omega * flat, b=0.5 * omega * zeta, rho=rho, m=mu - rho / zeta, sigma=math.sqrt(flat) / zeta
    )


def jump_wings_from_raw(raw: RawSvi, *, t_years: float) -> JumpWings:
    """The same smile in jump wings. Raises ValueError where w(0) is not above 0 or t_years not above 0.

    >>> vogt = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
    >>> [round(x, 6) for x in jump_wings_from_raw(vogt, t_years=1.0)]
    [0.017426, -0.175211, 0.699738, 1.316798, 0.011625, 1.0]
    """
    a, b, rho, m, sigma = raw_svi(**raw._asdict())
    _check_years(t_years)
    at, first, _ = svi_derivatives(0.0, a, b, rho, m, sigma)
    if not at > 0.0:
        raise ValueError(f"total variance at the forward must be above 0, got {at!r}")
    root = math.sqrt(at)
    lowest = svi_lowest(a, b, rho, sigma) / t_years
    return JumpWings(
        at / t_years, 0.5 * first / root, b * (1.0 - rho) / root, b * (1.0 + rho) / root, lowest, float(t_years)
    )


def raw_from_jump_wings(wings: JumpWings) -> RawSvi:
    """The same smile in the raw form. Raises ValueError for wings that name no smile, or more than one.

    >>> raw = raw_from_jump_wings(JumpWings(v=0.04, psi=-0.2, p=0.8, c=0.3, lowest=0.03, t_years=0.5))
    >>> back = jump_wings_from_raw(raw, t_years=0.5)
    >>> [round(x, 12) for x in back]
    [0.04, -0.2, 0.8, 0.3, 0.03, 0.5]
    """
    v, psi, p, c, lowest, t_years = (float(x) for x in wings)
    _check_years(t_years)
    for name, value in (("v", v), ("p", p), ("c", c)):
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"{name} must be finite and above 0, got {value!r}")
    if not 0.0 <= lowest < v:
        raise ValueError(f"lowest must be from 0 to below v {v!r}, got {lowest!r}: equal, they leave sigma open")
    root = math.sqrt(v * t_years)
    b, rho = 0.5 * root * (p + c), (c - p) / (c + p)
    beta = rho - 2.0 * psi * root / b
    if not -1.0 < beta < 1.0 or beta == rho:
        raise ValueError(f"psi must be between {-0.5 * p!r} and {0.5 * c!r} and not 0, got {psi!r}")
    half = math.sin(0.5 * (math.asin(rho) - math.asin(beta)))
    radius = (v - lowest) * t_years / (2.0 * b * half * half)
    sigma = radius * math.sqrt((1.0 - beta) * (1.0 + beta))
    a = lowest * t_years - b * sigma * math.sqrt((1.0 - rho) * (1.0 + rho))
    return raw_svi(a=a, b=b, rho=rho, m=beta * radius, sigma=sigma)


def _check_years(t_years: float) -> None:
    if not (math.isfinite(t_years) and t_years > 0.0):
        raise ValueError(f"t_years must be finite and above 0, got {float(t_years)!r}")

"""Time to fit the volatility surface of a full chain, and one smile of it.

The chain is made: 40 expiries of 250 strikes, both sides quoted, an SSVI smile with noise inside the spread.
"""

import math
from typing import Any

import numpy as np

from contango_common.edge.clock import monotonic_s
from contango_quant.pricing.black import price
from contango_quant.surface.essvi import essvi_variance, ssvi_power_law
from contango_quant.surface.smile import fit_smile
from contango_quant.surface.surface import fit_surface
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

EXPIRIES, STRIKES = 40, 250
SEED = 20_230_207
_HALF_SPREAD = 0.002  # in vol
_BOUND = "one thread: implied volatilities, then damped least squares of each expiry"


def measure(setting: Setting) -> list[Result]:
    """Each figure is the middle of the runs after one that compiles."""
    chain = synthetic_chain()
    first = _expiry(chain, EXPIRIES // 2)
    setting.say(f"surface: {EXPIRIES} expiries of {STRIKES} strikes, compiled first")
    fit_surface(**chain)
    fit_smile(**first)
    surfaces = [_timed_ms(fit_surface, chain) for _ in range(max(setting.runs, 5))]
    smiles = [_timed_ms(fit_smile, first) for _ in range(max(setting.runs, 5))]
    return [
        Result("surface_fit_ms", middle(surfaces), "ms", bound_by=_BOUND, samples=tuple(surfaces)),
        Result("smile_fit_ms", middle(smiles), "ms", bound_by=_BOUND, samples=tuple(smiles)),
    ]


def synthetic_chain() -> dict[str, Any]:
    """The arguments of `fit_surface`; equal at every call."""
    rng = np.random.default_rng(SEED)
    t_years = np.geomspace(2.0 / 365.0, 3.0, EXPIRIES)
    forward = 4000.0 * np.exp(0.02 * t_years)
    discount = np.exp(-0.04 * t_years)
    columns: dict[str, list[Any]] = {"strike": [], "is_call": [], "bid": [], "ask": []}
    for t, f, d in zip(t_years, forward, discount, strict=True):
        smile = ssvi_power_law(theta=0.2**2 * float(t), rho=-0.65, eta=1.0, gamma=0.45)
        k = math.sqrt(smile.theta) * np.linspace(-4.5, 3.0, STRIKES)
        vol = np.sqrt([essvi_variance(float(x), *smile) for x in k]) / math.sqrt(t)
        vol = vol + rng.uniform(-0.5, 0.5, STRIKES) * _HALF_SPREAD
        for is_call in (True, False):
            terms = {"forward": f, "strike": f * np.exp(k), "t_years": t, "discount": d, "is_call": is_call}
            columns["strike"].append(terms["strike"])
            columns["is_call"].append(np.full(STRIKES, is_call))
            columns["bid"].append(price(vol=vol - _HALF_SPREAD, **terms))
            columns["ask"].append(price(vol=vol + _HALF_SPREAD, **terms))
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    expiry = np.repeat(np.arange(EXPIRIES), 2 * STRIKES)
    return {**joined, "expiry": expiry, "t_years": t_years, "forward": forward, "discount": discount}


def _expiry(chain: dict[str, Any], index: int) -> dict[str, Any]:
    """The arguments of `fit_smile` for one expiry of the chain."""
    rows = chain["expiry"] == index
    quotes = {name: chain[name][rows] for name in ("strike", "is_call", "bid", "ask")}
    return {**quotes, **{name: float(chain[name][index]) for name in ("t_years", "forward", "discount")}}


def _timed_ms(function: Any, arguments: dict[str, Any]) -> float:
    began_s = monotonic_s()
    function(**arguments)
    return 1e3 * (monotonic_s() - began_s)

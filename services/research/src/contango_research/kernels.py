"""Compile what a run needs once, before the processes that would each do so start.

The compiled code lies in the cache on disk (``contango_common.edge.environment``); with it there, this takes a moment.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_common.domain.timeframe import Bar
from contango_inference.mamba.forward import Network
from contango_inference.mamba.shape import Shape
from contango_quant.pricing.black import price
from contango_quant.pricing.greeks import bsm_greeks, greeks
from contango_quant.pricing.implied import implied, implied_vol
from contango_quant.stream import basis, volume_profile
from contango_quant.surface.curve import COLUMNS
from contango_quant.surface.forward import forward_from_parity
from contango_quant.surface.smile import fit_smile, smile_vol, vols_of
from contango_signals import volindex
from contango_signals.bank import BankParams, new_bank, with_bar, with_daily

Floats = npt.NDArray[np.float64]
_T_YEARS, _DISCOUNT, _FORWARD = 0.1, 0.99, 100.0
_STRIKES = np.arange(70.0, 131.0, 2.0)
_CALLS = _STRIKES >= _FORWARD


def compile_kernels() -> None:
    """Run every kernel of signals, risk and inference on a made-up chain of one expiry, a made-up bar and window."""
    load("signals")
    load("risk")
    load("inference")


def load(service: str) -> None:
    """Have a service's kernels in memory before the first message waits for them."""
    for kernels in _OF.get(service, ()):
        kernels()


def _smile() -> None:
    bid, ask = _quotes()
    smile = fit_smile(
        strike=_STRIKES, is_call=_CALLS, bid=bid, ask=ask, t_years=_T_YEARS, forward=_FORWARD, discount=_DISCOUNT
    )
    vols_of(smile, _STRIKES)


def _columns() -> None:
    bid, ask = _quotes()
    args: dict[str, Any] = {"strike": _STRIKES, "t_years": _T_YEARS, "is_call": _CALLS}
    solved = implied(price=0.5 * (bid + ask), forward=_FORWARD, discount=_DISCOUNT, **args)
    greeks(spot=_FORWARD, vol=solved.vol, rate=0.0, div_yield=0.0, **args)


def _forward() -> None:
    args: dict[str, Any] = {"strike": _STRIKES, "t_years": _T_YEARS, "discount": _DISCOUNT, "vol": 0.2}
    call, put = (price(forward=_FORWARD, is_call=is_call, **args) for is_call in (True, False))
    forward_from_parity(
        strike=_STRIKES, call_bid=call, call_ask=call + 0.1, put_bid=put, put_ask=put + 0.1, discount=_DISCOUNT
    )


def _one_leg() -> None:
    implied_vol(1.0, _FORWARD, 110.0, _T_YEARS, _DISCOUNT, True)
    bsm_greeks(_FORWARD, 110.0, _T_YEARS, 0.2, 0.0, 0.0, True)
    smile_vol(_FORWARD, np.full(COLUMNS, 1.0))


def _bars() -> None:
    bar = Bar(1, 100.0, 101.0, 99.0, 100.0, 10.0)
    bank = with_bar(new_bank(BankParams(), 900, 252), bar, 900, None)
    with_daily(bank, bar)
    volindex.take_daily(volindex.new_vol_index(252, None), 20.0, 1)
    ring = volume_profile.init(volume_profile.Params(bars=64))
    volume_profile.step(ring, 101.0, 99.0, 10.0)
    volume_profile.profile_of(ring)
    basis.step(basis.init(basis.Params()), 100.0, 1000.0, 0.0)


def _network() -> None:
    shape = Shape(layers=1, d_model=4, d_state=2, headdim=4)
    tensors = {name: np.zeros(size, dtype=np.float32) for name, size in shape.tensors(1, 4).items()}
    Network.of(tensors, shape).run(np.zeros((1, 2, 1), dtype=np.float32))


def _quotes() -> tuple[Floats, Floats]:
    fair = price(forward=_FORWARD, strike=_STRIKES, t_years=_T_YEARS, vol=0.2, discount=_DISCOUNT, is_call=_CALLS)
    return fair - 0.01, fair + 0.01


_OF: dict[str, tuple[Callable[[], None], ...]] = {
    "signals": (_smile, _columns, _forward, _bars),
    "risk": (_forward, _one_leg),
    "inference": (_network,),
}

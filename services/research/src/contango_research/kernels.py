"""Compile what a run needs once, before the processes that would each do so start.

The compiled code lies in the cache on disk (``contango_common.edge.environment``); with it there, this takes a moment.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from contango_quant.pricing.black import price
from contango_quant.pricing.greeks import bsm_greeks, greeks
from contango_quant.pricing.implied import implied, implied_vol
from contango_quant.surface.forward import forward_from_parity
from contango_quant.surface.smile import fit_smile, smile_vol, vols_of
from contango_signals.features import new_symbol, new_vol_index, take_bar, take_daily, take_vol_daily
from contango_signals.params import SignalsParams

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_T_YEARS, _DISCOUNT, _FORWARD = 0.1, 0.99, 100.0


def compile_kernels() -> None:
    """Run every kernel of signals and risk on a made-up chain of one expiry and a made-up bar."""
    strikes = np.arange(70.0, 131.0, 2.0)
    calls = strikes >= _FORWARD
    args: dict[str, Any] = {"strike": strikes, "t_years": _T_YEARS, "discount": _DISCOUNT}
    otm = price(forward=_FORWARD, vol=0.2, is_call=calls, **args)
    _chain(strikes, calls, otm - 0.01, otm + 0.01)
    _forward(strikes, args)
    _bars()


def _chain(strikes: Floats, calls: Flags, bid: Floats, ask: Floats) -> None:
    smile = fit_smile(
        strike=strikes, is_call=calls, bid=bid, ask=ask, t_years=_T_YEARS, forward=_FORWARD, discount=_DISCOUNT
    )
    vols_of(smile, strikes)
    smile_vol(_FORWARD, np.array(smile))
    solved = implied(
        price=0.5 * (bid + ask), forward=_FORWARD, strike=strikes, t_years=_T_YEARS, discount=_DISCOUNT, is_call=calls
    )
    greeks(spot=_FORWARD, strike=strikes, t_years=_T_YEARS, vol=solved.vol, rate=0.0, div_yield=0.0, is_call=calls)
    implied_vol(1.0, _FORWARD, 110.0, _T_YEARS, _DISCOUNT, True)
    bsm_greeks(_FORWARD, 110.0, _T_YEARS, 0.2, 0.0, 0.0, True)


def _forward(strikes: Floats, args: dict[str, Any]) -> None:
    call = price(forward=_FORWARD, vol=0.2, is_call=True, **args)
    put = price(forward=_FORWARD, vol=0.2, is_call=False, **args)
    forward_from_parity(
        strike=strikes, call_bid=call, call_ask=call + 0.1, put_bid=put, put_ask=put + 0.1, discount=_DISCOUNT
    )


def _bars() -> None:
    params = SignalsParams()
    symbol = new_symbol(params)
    take_bar(symbol, 101.0, 99.0, 100.0, 1)
    take_daily(symbol, 101.0, 99.0, 100.0, 1)
    take_vol_daily(new_vol_index(params), 20.0, 1)

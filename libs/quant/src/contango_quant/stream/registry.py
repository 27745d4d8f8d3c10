"""Every streaming kernel by name; the laws in the tests run on all of them."""

from types import MappingProxyType

from contango_quant.stream import (
    adx,
    atr,
    basis,
    bollinger,
    cmf,
    ema,
    ew_beta,
    macd,
    obv,
    psar,
    range_vol,
    rank,
    realised_vol,
    rolling_moments,
    rolling_quantile,
    rsi,
    rvol,
    sma,
    sma_distance,
    squeeze,
    stoch_rsi,
    stochastic,
    volume_profile,
    vwap,
)
from contango_quant.stream.kernel import KernelModule

KERNELS: MappingProxyType[str, KernelModule] = MappingProxyType(
    {
        "sma": sma,
        "ema": ema,
        "rsi": rsi,
        "atr": atr,
        "adx": adx,
        "realised_vol": realised_vol,
        "range_vol": range_vol,
        "rank": rank,
        "macd": macd,
        "bollinger": bollinger,
        "stochastic": stochastic,
        "stoch_rsi": stoch_rsi,
        "psar": psar,
        "vwap": vwap,
        "obv": obv,
        "cmf": cmf,
        "rolling_moments": rolling_moments,
        "rolling_quantile": rolling_quantile,
        "sma_distance": sma_distance,
        "rvol": rvol,
        "squeeze": squeeze,
        "ew_beta": ew_beta,
        "basis": basis,
        "volume_profile": volume_profile,
    }
)

"""Every streaming kernel by name; the laws in the tests run on all of them."""

from types import MappingProxyType

from contango_quant.stream import adx, atr, ema, range_vol, rank, realised_vol, rsi, sma
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
    }
)

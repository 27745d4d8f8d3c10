"""An index (or fund) against its future, measured from the basis they have had, not from a fixed ratio.

    deviation = −(ln(F/S) − (r − q)·τ − mean of the last samples)      z = deviation/standard deviation

Positive: the fund is rich. See ``contango_quant.stream.basis``, which also recognises a roll of the future.
"""

from dataclasses import dataclass, replace

from contango_common.domain.arrays import Array
from contango_quant.stream import basis


@dataclass(slots=True)
class Divergence:
    """The kernel's record, the last prices seen of both, and what they say; None before the basis is known."""

    record: Array
    spot: float | None = None
    future: float | None = None
    spot_ns: int = 0
    future_ns: int = 0
    deviation: float | None = None
    z: float | None = None
    plain: float | None = None


def new_divergence(window: int) -> Divergence:
    return Divergence(basis.init(basis.Params(window=window)))


def with_prices(d: Divergence, spot: float | None, future: float | None, ts_ns: int, carry: float) -> Divergence:
    """After a bar of either; the pair is looked at when both have closed at the same instant."""
    d = replace(
        d,
        spot=d.spot if spot is None else spot,
        spot_ns=d.spot_ns if spot is None else ts_ns,
        future=d.future if future is None else future,
        future_ns=d.future_ns if future is None else ts_ns,
    )
    if d.spot is None or d.future is None or d.spot_ns != d.future_ns:
        return d
    record = d.record.copy()
    deviation, z = basis.step(record, d.spot, d.future, carry)
    plain = float(basis.plain_divergence(d.spot, d.future))
    return replace(d, record=record, deviation=_defined(deviation), z=_defined(z), plain=plain)


def _defined(x: float) -> float | None:
    return None if x != x else float(x)

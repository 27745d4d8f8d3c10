"""An index (or fund) against its future, measured from the basis they have had, not from a fixed ratio.

    deviation = −(ln(F/S) − (r − q)·τ − mean of the last samples)      z = deviation/standard deviation

Positive: the fund is rich. τ runs to the future's expiry: the third Friday of March, June, September or December that
is at least ``roll_days`` away, for a continuous series passes to the next contract then. See
``contango_quant.stream.basis``, which also recognises a roll that came on another day.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from contango_common.domain.arrays import Array
from contango_common.domain.sessions import DAY_NS
from contango_quant.stream import basis

EPOCH = date(1970, 1, 1).toordinal()


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


def years_to_expiry(ts_ns: int, roll_days: int) -> float:
    """ACT/365 to the expiry of the quarterly future that a continuous series holds at ``ts_ns``.

    >>> round(365 * years_to_expiry(1_710_288_000_000_000_000, 0))  # 13 March 2024: two days before the expiry
    2
    >>> round(365 * years_to_expiry(1_710_288_000_000_000_000, 8))  # passed on to June
    100
    """
    today = date.fromordinal(EPOCH + ts_ns // DAY_NS)
    least = today + timedelta(days=roll_days)
    months = ((least.year + (month > 12), (month - 1) % 12 + 1) for month in (3, 6, 9, 12, 15))
    expiry = next(day for year, month in months if (day := _third_friday(year, month)) >= least)
    return (expiry - today).days / 365.0


def _third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


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

"""One row a session: equity, the underlying's close, regime and heat. What daily figures and charts are made of."""

from bisect import bisect_right
from dataclasses import dataclass

from contango_common.domain.money import to_units
from contango_research.tally import Tally

UNKNOWN = "UNKNOWN"
ABSTAINS = "ABSTAINS"
DECIDES = "s2"


@dataclass(frozen=True, slots=True)
class Daily:
    """Columns of equal length, one entry per session on which trading was allowed.

    ``regime`` is the label of the detector that decided, ``regimes`` that of every detector that reported: UNKNOWN
    before its first word, ABSTAINS while it gives no label. ``equity_usd`` is the last mark of the session; a
    session without one carries the mark before (``unmarked`` counts those). ``before_usd`` is the equity before the
    first session, ``price_before`` the price then.
    """

    date: tuple[int, ...]
    close_ns: tuple[int, ...]
    equity_usd: tuple[float, ...]
    price: tuple[float | None, ...]
    regime: tuple[str, ...]
    regimes: dict[str, tuple[str, ...]]
    heat_fraction: tuple[float, ...]
    realised_variance: tuple[float | None, ...]
    before_usd: float | None
    price_before: float | None
    unmarked: int

    def __len__(self) -> int:
        return len(self.date)

    def since(self, date: int) -> "Daily":
        """The sessions from ``date`` on; what lay before gives the starting values."""
        row = next((i for i, day in enumerate(self.date) if day >= date), len(self.date))
        return Daily(
            date=self.date[row:],
            close_ns=self.close_ns[row:],
            equity_usd=self.equity_usd[row:],
            price=self.price[row:],
            regime=self.regime[row:],
            regimes={name: labels[row:] for name, labels in self.regimes.items()},
            heat_fraction=self.heat_fraction[row:],
            realised_variance=self.realised_variance[row:],
            before_usd=self.equity_usd[row - 1] if row else self.before_usd,
            price_before=self.price[row - 1] if row else self.price_before,
            unmarked=self.unmarked,
        )


def daily_of(tally: Tally) -> Daily:
    """The sessions of a run, by its marks, bars and regime reports."""
    days = tally.traded_days
    mark_ns = [mark.ts_ns for mark in tally.marks]
    before = None if tally.initial_cash_micros is None else to_units(tally.initial_cash_micros)
    symbol = tally.underlying or ""
    equity: list[float] = []
    heat: list[float] = []
    price: list[float | None] = []
    unmarked, last = 0, 0
    for day in days:
        at = bisect_right(mark_ns, day.last_ns)
        unmarked += at == last
        last = at
        mark = tally.marks[at - 1].event if at else None
        equity.append(to_units(mark.equity_micros) if mark else before or 0.0)
        heat.append(mark.max_loss_micros / mark.equity_micros if mark and mark.equity_micros > 0 else 0.0)
        price.append(day.prices.get(symbol, price[-1] if price else None))
    ends = [day.last_ns for day in days]
    regimes = {name: _labels(tally, name, ends) for name in _detectors(tally)}
    return Daily(
        date=tuple(day.date for day in days),
        close_ns=tuple(day.last_ns for day in days),
        equity_usd=tuple(equity),
        price=tuple(price),
        regime=regimes.get(tally.detector or DECIDES, (UNKNOWN,) * len(days)),
        regimes=regimes,
        heat_fraction=tuple(heat),
        realised_variance=tuple(day.realised_variance for day in days),
        before_usd=before,
        price_before=tally.first_prices.get(symbol),
        unmarked=unmarked,
    )


def _detectors(tally: Tally) -> list[str]:
    return sorted({r.event.detector for r in tally.regimes if r.event.symbol == tally.underlying})


def _labels(tally: Tally, detector: str, ends: list[int]) -> tuple[str, ...]:
    """The detector's label at each of these instants."""
    told = [r for r in tally.regimes if r.event.symbol == tally.underlying and r.event.detector == detector]
    told_ns = [r.ts_ns for r in told]
    found = []
    for end_ns in ends:
        known = bisect_right(told_ns, end_ns)
        found.append((told[known - 1].event.label or ABSTAINS) if known else UNKNOWN)
    return tuple(found)

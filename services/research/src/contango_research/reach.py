"""Rules and features of a book that can never do anything, found before it runs."""

from collections.abc import Iterator

from contango_research.book import Book
from contango_risk.rules import unreachable
from contango_signals.strategies.registry import STRATEGIES


def dead_rules(book: Book) -> list[str]:
    """One line per rule that can never be true, or strategy that can never open."""
    return [*unreachable(book.risk, book.signals.model_dump(mode="json")), *_idle(book)]


def _idle(book: Book) -> Iterator[str]:
    s = book.signals
    states = ("CRASH_MODE", "BULL_TREND", "BEAR_TREND", "HIGH_VOL_RANGE", "LOW_VOL_RANGE")
    for name, params in s.strategies.items():
        spec = STRATEGIES[name]
        if s.switch(name) == "off":
            yield f"signals.strategies.{name} never opens: signals.switches has it off"
        if spec.on == "bars" and not s.assets:
            yield f"signals.strategies.{name} never opens: signals.assets names no symbol"
        if spec.on == "chain" and book.market_data.underlying is None:
            yield f"signals.strategies.{name} never opens: market_data.underlying is null, there are no chains"
        if spec.on == "chain" and "regime_allowed" not in s.gates_off and not set(params.regimes_allowed) & set(states):
            yield f"signals.strategies.{name} never opens: none of its regimes_allowed exists"
    if s.volatility.far_days > book.market_data.max_dte:
        yield (
            f"signals.volatility.far_days {s.volatility.far_days:g} is never known: "
            f"market_data.max_dte frames {book.market_data.max_dte} days"
        )
    if s.bar_timeframe_s > 900 and s.switch("regime_s1") != "off":
        yield f"signals.regimes.s1 never reports: bars of {s.bar_timeframe_s} s give no 15-minute bars"

"""The only place that reads time: wall clock for facts, a monotonic deadline for waiting."""

import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """Whatever can say the wall time in nanoseconds since 1970 UTC."""

    def now_ns(self) -> int: ...


class WallClock:
    """The machine's own clock.

    >>> WallClock().now_ns() > 1_700_000_000_000_000_000
    True
    """

    def now_ns(self) -> int:
        return time.time_ns()


@dataclass
class FakeClock:
    """A clock for tests that moves only when told to.

    >>> clock = FakeClock(ts_ns=5)
    >>> clock.advance(2)
    7
    """

    ts_ns: int = 0

    def now_ns(self) -> int:
        return self.ts_ns

    def advance(self, by_ns: int) -> int:
        """Move by `by_ns` (negative steps are allowed: real clocks step back too) and return the new time."""
        self.ts_ns += by_ns
        return self.ts_ns


def now_ns() -> int:
    """Wall time in nanoseconds since 1970 UTC."""
    return time.time_ns()


def monotonic_s() -> float:
    """Seconds that never step back, for durations only."""
    return time.monotonic()


def sleep_s(seconds: float) -> None:
    """Block the calling thread; never call it from an event loop."""
    time.sleep(seconds)


@dataclass
class Deadline:
    """A bound on a wait: `while deadline.pause(): try again`.

    >>> deadline = Deadline(limit_s=0.0)
    >>> deadline.pause(0.0)
    False
    """

    limit_s: float
    started_s: float = field(default_factory=time.monotonic)

    def left_s(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.started_s + self.limit_s - time.monotonic())

    def pause(self, step_s: float = 0.02) -> bool:
        """Sleep at most `step_s`; False as soon as the time is over."""
        left_s = self.left_s()
        if left_s <= 0.0:
            return False
        time.sleep(min(step_s, left_s))
        return True

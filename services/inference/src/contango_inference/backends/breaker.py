"""A circuit breaker: after enough failures in a row nobody asks until one probe has been answered. Pure.

    closed ──k failures in a row──▶ open ──cool-down over──▶ half open ──answered──▶ closed
                                     ▲                           │
                                     └───────────failed──────────┘

While it is open, or half open with its probe on the way, nothing is let through. The time is an argument.

References:
    [1] M. Nygard, "Release It!", 2nd edition, 2018, chapter 5, "Circuit Breaker".
"""

from dataclasses import dataclass, replace
from typing import Literal

Position = Literal["closed", "open", "half open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """``failures`` in a row so far, of ``limit``; open until ``until_s`` on the caller's clock.

    >>> breaker = Breaker(limit=2, cool_down_s=1.0)
    >>> breaker = failed(failed(breaker, 10.0), 10.1)
    >>> breaker.position, admitted(breaker, 10.5)[1], admitted(breaker, 11.2)[1]
    ('open', False, True)
    """

    limit: int = 5
    cool_down_s: float = 1.0
    position: Position = "closed"
    failures: int = 0
    until_s: float = 0.0

    def __post_init__(self) -> None:
        if self.limit < 1 or not self.cool_down_s > 0.0:
            raise ValueError(f"a breaker needs a limit of at least 1 and a cool-down above 0 s: {self}")


def admitted(breaker: Breaker, now_s: float) -> tuple[Breaker, bool]:
    """Whether a call may go out now; the first one after the cool-down is the probe."""
    if breaker.position == "closed":
        return breaker, True
    if breaker.position == "open" and now_s >= breaker.until_s:
        return replace(breaker, position="half open"), True
    return breaker, False


def answered(breaker: Breaker) -> Breaker:
    """The server spoke. A late answer to a call from before it opened closes nothing: only the probe does."""
    return breaker if breaker.position == "open" else replace(breaker, position="closed", failures=0)


def failed(breaker: Breaker, now_s: float) -> Breaker:
    """A call failed. Failures that come in while it is open do not prolong it."""
    if breaker.position == "open":
        return breaker
    failures = breaker.failures + 1
    if breaker.position == "closed" and failures < breaker.limit:
        return replace(breaker, failures=failures)
    return replace(breaker, position="open", failures=failures, until_s=now_s + breaker.cool_down_s)

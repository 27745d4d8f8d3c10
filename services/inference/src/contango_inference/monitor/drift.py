"""Whether a model's losses are still what they were: ADWIN of the library `river`, over plain lists. No I/O, no clock.

ADWIN looks at every way of cutting the losses since the last change in two and says "changed" when the means of the
two parts differ by more than chance allows at ``delta``. Its own state is no JSON; here the state is the list of losses
that it has seen since the last change, and the detector is built anew by playing that list back. Equal lists give equal
answers, and up to ``MOST`` losses the answers are those of a detector that never stopped; beyond, the oldest quarter is
forgotten and the detector is as one that began there.

Losses above 1 count as 1: the bound is about values from 0 to 1. It is a careful test. For losses of mean 0.6 and
spread 0.1 a rise by 0.25 takes some fifty losses to be seen, a rise by 0.1 some hundreds; slow decay is the e-value's
matter. Losses that hang together (those of volatility do) make it fire more often than ``delta`` promises.

References:
    [1] A. Bifet, R. Gavaldà, "Learning from time-changing data with adaptive windowing", SIAM International Conference
        on Data Mining 2007, 443-448.
"""

from collections.abc import Sequence
from dataclasses import dataclass

DELTA = 0.002
CLOCK = 8  # losses between two looks; `river` looks each 32nd time, which for one loss a session is six weeks
MOST = 1024
LOSS_TOP = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """Mean loss ``before`` and ``after`` the cut, clipped to 1, of ``seen`` losses since the last change.

    ``rows_after`` of them lie after the cut, which falls between the detector's buckets: near the change, not on it.
    """

    before: float
    after: float
    seen: int
    rows_after: int


def take(
    losses: Sequence[float], loss: float, *, delta: float = DELTA, clock: int = CLOCK, most: int = MOST
) -> tuple[list[float], Change | None]:
    """The list with the new ``loss`` (at least 0), and the change that it shows; at a change the list begins anew.

    ``most`` bounds the list, a multiple of four times ``clock``.

    >>> losses, changes = [], []
    >>> for loss in [0.2] * 100 + [0.9] * 30:
    ...     losses, change = take(losses, loss)
    ...     changes += [change] if change else []
    >>> [(round(c.before, 2), round(c.after, 2), c.seen) for c in changes], len(losses)
    ([(0.2, 0.51, 128)], 2)
    """
    kept = list(losses) if len(losses) < most else list(losses[most // 4 :])
    kept.append(min(max(loss, 0.0), LOSS_TOP))
    # Between two looks nothing can be found; the list's beginning is the clock's.
    change = replay(kept, delta=delta, clock=clock) if len(kept) % clock == 0 else None
    return ([] if change else kept), change


def replay(losses: Sequence[float], *, delta: float = DELTA, clock: int = CLOCK) -> Change | None:
    """The first change that a new detector finds in ``losses``, each from 0 to 1; None when it finds none.

    >>> replay([0.5] * 200) is None
    True
    """
    from river.drift import ADWIN  # brings pandas along: only who watches a model pays for it

    detector = ADWIN(delta=delta, clock=clock)
    for seen, loss in enumerate(losses, start=1):
        detector.update(loss)
        if detector.drift_detected:
            rows_after = min(int(detector.width), seen - 1)
            before, after = losses[: seen - rows_after], losses[seen - rows_after : seen]
            return Change(_mean(before), _mean(after), seen, rows_after)
    return None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)

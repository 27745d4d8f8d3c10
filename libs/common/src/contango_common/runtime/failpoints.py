"""Places where a test may kill the process: ``CONTANGO_TEST_FAILPOINT=name:participant:nth[,…]`` in the environment.

Without the variable nothing happens. The kill is SIGKILL to ourselves: no handler, no flush, no goodbye. Each planned
kill happens once: it is noted in the file ``CONTANGO_TEST_FAILPOINT_MARKER``, which also shows that it was reached.
"""

import os
import signal

NAMES = ("after-decide", "after-publish", "before-snapshot", "mid-snapshot")
_PLAN = "CONTANGO_TEST_FAILPOINT"
_MARKER = "CONTANGO_TEST_FAILPOINT_MARKER"
_planned = os.environ.get(_PLAN, "")
_hits: dict[str, int] = {}


def failpoint(name: str, participant: str) -> None:
    """Die here if the environment says so, and this is the nth time."""
    if _planned:
        _count(f"{name}:{participant}")


def _count(place: str) -> None:
    _hits[place] = _hits.get(place, 0) + 1
    plan = f"{place}:{_hits[place]}"
    if plan not in _planned.split(","):
        return
    marker = os.environ[_MARKER]
    if os.path.exists(marker):
        with open(marker) as handle:
            if plan in handle.read().splitlines():
                return
    with open(marker, "a") as handle:
        handle.write(plan + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    os.kill(os.getpid(), signal.SIGKILL)

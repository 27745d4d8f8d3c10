"""Places where a test may kill the process: ``CONTANGO_TEST_FAILPOINT=name:participant:nth`` in the environment.

Without the variable nothing happens. The kill is SIGKILL to ourselves: no handler, no flush, no goodbye.
"""

import os
import signal

NAMES = ("after-decide", "after-publish", "before-snapshot", "mid-snapshot")
_hits: dict[tuple[str, str], int] = {}


def failpoint(name: str, participant: str) -> None:
    """Die here if the environment says so, and this is the nth time."""
    planned = os.environ.get("CONTANGO_TEST_FAILPOINT")
    if not planned:
        return
    wanted_name, wanted_participant, nth = planned.split(":")
    if (name, participant) != (wanted_name, wanted_participant):
        return
    _hits[name, participant] = _hits.get((name, participant), 0) + 1
    if _hits[name, participant] == int(nth):
        marker = os.environ.get("CONTANGO_TEST_FAILPOINT_MARKER")
        if marker:
            with open(marker, "a") as handle:
                handle.write(planned + "\n")
        os.kill(os.getpid(), signal.SIGKILL)

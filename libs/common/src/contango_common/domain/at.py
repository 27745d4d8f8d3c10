"""Where an event stands on the log. The clock is an argument: folds are told the instant and can read no other."""

from typing import NamedTuple


class At(NamedTuple):
    """Event time in UTC nanoseconds, sequence of the message, and the name of its writer."""

    ts_ns: int
    seq: int
    source: str

"""Parts of a day in a market that never shuts, by UTC hour: Asia 0-8, Europe 8-16, US 16-24."""

HOUR_NS = 3_600_000_000_000
PARTS = ("asia", "europe", "us")


def session_at(ts_ns: int) -> str:
    """The part in which a bar that closed at ``ts_ns`` lay; its close belongs to the part that it ends.

    >>> session_at(8 * HOUR_NS), session_at(8 * HOUR_NS + 1)
    ('asia', 'europe')
    """
    return PARTS[(ts_ns - 1) // HOUR_NS % 24 // 8]

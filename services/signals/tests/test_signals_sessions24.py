"""Parts of a day in a market that never shuts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_signals.sessions24 import HOUR_NS, PARTS, session_at

DAY_NS = 24 * HOUR_NS
instants = st.integers(1, 4 * 10**18)


@pytest.mark.parametrize(
    ("hours", "part"),
    [(0.25, "asia"), (8.0, "asia"), (8.25, "europe"), (16.0, "europe"), (16.25, "us"), (24.0, "us"), (24.25, "asia")],
)
def test_a_close_belongs_to_the_part_that_it_ends(hours: float, part: str) -> None:
    assert session_at(int(hours * HOUR_NS)) == part


@given(instants)
def test_every_day_is_alike(ts_ns: int) -> None:
    assert session_at(ts_ns) == session_at(ts_ns + DAY_NS)


@given(instants)
def test_parts_are_eight_hours_and_follow_one_another(ts_ns: int) -> None:
    at = PARTS.index(session_at(ts_ns))
    assert session_at(ts_ns + 8 * HOUR_NS) == PARTS[(at + 1) % 3]


def test_a_day_of_quarter_hours_has_as_many_in_each_part() -> None:
    found = [session_at(i * HOUR_NS // 4) for i in range(1, 97)]
    assert [found.count(part) for part in PARTS] == [32, 32, 32]

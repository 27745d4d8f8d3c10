"""The clock is an argument: the real one and the fake are the same kind of thing."""

from contango_common.edge.clock import Clock, Deadline, FakeClock, WallClock, now_ns


def test_both_clocks_are_clocks() -> None:
    clocks: list[Clock] = [WallClock(), FakeClock(ts_ns=3)]
    assert [isinstance(clock.now_ns(), int) for clock in clocks] == [True, True]


def test_wall_clock_is_in_nanoseconds_of_this_century() -> None:
    assert 1_700_000_000 < now_ns() / 1e9 < 4_000_000_000


def test_fake_clock_moves_only_when_told_and_also_back() -> None:
    clock = FakeClock(ts_ns=100)
    assert (clock.now_ns(), clock.now_ns()) == (100, 100)
    assert clock.advance(5) == clock.now_ns() == 105
    assert clock.advance(-50) == 55


def test_deadline_ends_a_wait() -> None:
    deadline, rounds = Deadline(0.05), 0
    while deadline.pause(0.01):
        rounds += 1
    assert rounds >= 1
    assert deadline.left_s() == 0.0

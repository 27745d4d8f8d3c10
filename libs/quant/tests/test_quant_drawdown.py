"""Drawdowns against slow twins; a mark that is carried on gives what the whole curve gives."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_quant.stats import drawdown, performance

EQUITY = st.lists(st.integers(1, 12).map(float), min_size=1, max_size=40)


@given(EQUITY)
def test_depth_is_what_is_lost_of_the_highest_value_so_far(equity):
    want = [1.0 - equity[i] / max(equity[: i + 1]) for i in range(len(equity))]
    assert drawdown.underwater(equity).tolist() == want
    assert max(want) == performance.max_drawdown(equity).depth


@given(EQUITY, st.integers(0, 40))
def test_a_curve_cut_anywhere_and_carried_on_is_the_whole_curve(equity, cut):
    whole = drawdown.underwater(equity).tolist()
    mark, depths = None, []
    for value in equity:
        mark, depth = drawdown.carry(value, high_water=mark)
        depths.append(depth)
    assert depths == whole
    head, tail = equity[:cut], equity[cut:]
    carried = max(head) if head else None
    assert drawdown.underwater(tail, high_water=carried).tolist() == whole[cut:]


@given(EQUITY, st.floats(0.01, 100.0))
def test_currency_does_not_matter(equity, rate):
    other = drawdown.underwater([e * rate for e in equity])
    np.testing.assert_allclose(other, drawdown.underwater(equity), atol=1e-12)


def slow_episodes(equity):
    found, peak, i = [], 0, 0
    while i < len(equity):
        if equity[i] >= equity[peak]:
            peak = i
        else:
            j = i
            while j < len(equity) and equity[j] < equity[peak]:
                j += 1
            trough = min(range(i, j), key=lambda k: equity[k])
            back = j if j < len(equity) else None
            depth = 1.0 - equity[trough] / equity[peak]
            found.append((peak, trough, back, depth, min(j, len(equity) - 1) - peak))
            i = j - 1
        i += 1
    return found


@given(EQUITY)
def test_episodes_are_the_slow_ones(equity):
    assert [tuple(e) for e in drawdown.episodes(equity)] == slow_episodes(equity)


@given(EQUITY)
def test_episodes_and_time_under_water_tell_the_same(equity):
    found, water = drawdown.episodes(equity), drawdown.time_under_water(equity)
    below = sum((e.recovery or len(equity)) - e.peak - 1 for e in found)
    assert water.share == pytest.approx(below / len(equity))
    assert water.longest_samples == max(((e.recovery or len(equity)) - e.peak - 1 for e in found), default=0)
    still_open = found[-1] if found and found[-1].recovery is None else None
    assert water.open_samples == (len(equity) - 1 - still_open.peak if still_open else 0)


def test_a_mark_from_before_counts():
    assert drawdown.time_under_water([90.0, 95.0, 101.0], high_water=100.0) == (2, 0, pytest.approx(2 / 3))
    assert drawdown.carry(-5.0, high_water=100.0).depth == pytest.approx(1.05)


def test_slow_losses_are_not_hidden_by_a_new_morning():
    """1 % a day for 20 days: a mark since the morning never sees more than 1 %."""
    equity = 100.0 * 0.99 ** np.arange(21)
    daily = [drawdown.underwater(equity[i : i + 2]).max() for i in range(20)]
    assert max(daily) == pytest.approx(0.01)
    assert drawdown.underwater(equity)[-1] == pytest.approx(1.0 - 0.99**20)


def test_empty_and_bad_input():
    assert drawdown.episodes([]) == []
    assert drawdown.time_under_water([]) == (0, 0, 0.0)
    with pytest.raises(ValueError, match=r"equity must begin above 0, got 0.0"):
        drawdown.underwater([0.0, 1.0])
    with pytest.raises(ValueError, match=r"high_water must be finite and above 0, got -1.0"):
        drawdown.carry(1.0, high_water=-1.0)
    with pytest.raises(ValueError, match=r"equity must be finite, got nan at position 1"):
        drawdown.underwater([1.0, math.nan])

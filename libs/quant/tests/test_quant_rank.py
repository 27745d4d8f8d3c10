"""IV rank and percentile with reasons: batch, stream and a list-based twin agree."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.surface import rank

HISTORIES = st.lists(st.floats(0.01, 2.0), min_size=1, max_size=60)


def slow(history, window, least):
    held = history[-window:]
    if len(held) < least:
        return None, None, len(held)
    now, low, high = held[-1], min(held), max(held)
    place = 50.0 if high - low < 1e-8 else 100 * (now - low) / (high - low)
    return place, 100 * sum(x < now for x in held[:-1]) / (len(held) - 1), len(held)


@settings(deadline=None)
@given(HISTORIES, st.integers(2, 40), st.data())
def test_batch_stream_and_slow_twin_agree(history, window, data):
    least = data.draw(st.integers(2, window))
    state = rank.new_history(window=window, min_count=least)
    for i, x in enumerate(history):
        streamed = rank.push(state, x)
        assert streamed == rank.iv_rank_of(history[: i + 1], window=window, min_count=least)
        want = slow(history[: i + 1], window, least)
        assert streamed.samples == want[2]
        if want[0] is None:
            assert (streamed.iv_rank, streamed.iv_percentile) == (None, None)
            assert streamed.reason == f"{want[2]} samples, {least} needed"
        else:
            assert streamed.iv_rank == pytest.approx(want[0], abs=1e-9)
            assert streamed.iv_percentile == pytest.approx(want[1])
            assert 0.0 <= streamed.iv_rank <= 100.0


def test_no_range_is_the_middle_rank_and_percentile_zero():
    for history in ([0.2] * 5, [0.2, 0.2 + 5e-9, 0.2, 0.2 + 5e-9]):
        found = rank.iv_rank_of(history, window=4)
        assert found.iv_rank == 50.0
    assert rank.iv_rank_of([0.2] * 5, window=4).iv_percentile == 0.0
    assert rank.iv_rank_of([0.2, 0.2 + 2e-8, 0.2], window=3).iv_rank == 0.0


def test_samples_that_are_not_finite_are_passed_over():
    good = [0.1, 0.2, 0.3, 0.15]
    assert rank.iv_rank_of([math.nan, 0.1, 0.2, math.inf, 0.3, 0.15], window=4) == rank.iv_rank_of(good, window=4)
    state = rank.new_history(window=4)
    for x in good:
        rank.push(state, x)
    assert rank.push(state, math.nan) == rank.IvRank(None, None, 4, "sample is nan")
    assert rank.push(state, 0.15) == rank.iv_rank_of([*good, 0.15], window=4)
    assert rank.iv_rank_of([math.nan], window=4).reason == "0 samples, 4 needed"


def test_rank_and_percentile_differ_after_one_spike():
    history = np.r_[np.linspace(0.10, 0.20, 250), 0.80, 0.20]
    found = rank.iv_rank_of(history)
    assert found.iv_rank < 20.0
    assert found.iv_percentile > 95.0


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="line"):
        rank.iv_rank_of([[0.1]])
    with pytest.raises(ValueError, match="window"):
        rank.new_history(window=1)
    with pytest.raises(ValueError, match="min_count"):
        rank.new_history(window=10, min_count=11)

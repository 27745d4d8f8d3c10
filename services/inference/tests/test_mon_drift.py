"""Drift of losses: playing the list back is the detector that never stopped; quiet streams stay quiet."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.drift import ADWIN

from contango_inference.monitor import drift


def stream(seed, most=1024):
    """Losses whose mean changes now and then."""
    rng = np.random.default_rng(seed)
    parts = [rng.normal(m, 0.1, rng.integers(20, 300)) for m in rng.uniform(0.1, 0.9, 4)]
    return np.clip(np.concatenate(parts), 0.0, 1.0).tolist()[:most]


def played(losses, **options):
    """Positions of changes found by `take`, with the number of losses after the cut."""
    kept, found = [], []
    for i, loss in enumerate(losses):
        kept, change = drift.take(kept, loss, **options)
        found += [(i, change.rows_after)] if change else []
    return found


def streamed(losses, clock):
    detector, found = ADWIN(clock=clock, delta=drift.DELTA), []
    for i, loss in enumerate(losses):
        detector.update(loss)
        found += [(i, int(detector.width))] if detector.drift_detected else []
    return found


@settings(max_examples=40)
@given(st.integers(0, 100_000), st.sampled_from([1, 3, 8, 32]))
def test_replay_is_the_stream(seed, clock):
    losses = stream(seed)
    assert played(losses, clock=clock) == streamed(losses, clock)


def test_the_law_has_changes_to_speak_of():
    assert sum(len(streamed(stream(seed), 8)) for seed in range(20)) > 20


@settings(max_examples=20)
@given(st.integers(0, 100_000), st.integers(0, 1023))
def test_a_snapshot_in_between_changes_nothing(seed, cut):
    """The state is the list: written as JSON and read again, the rest goes the same way."""
    losses = stream(seed)
    plain, halfway = [], []
    for i, loss in enumerate(losses):
        if i == cut:
            halfway = json.loads(json.dumps(halfway))
        (plain, one), (halfway, other) = drift.take(plain, loss), drift.take(halfway, loss)
        assert one == other
    assert plain == halfway


@settings(max_examples=20)
@given(st.lists(st.floats(0.0, 5.0), max_size=200), st.sampled_from([32, 64]))
def test_the_list_is_bounded_and_clipped(losses, most):
    kept = []
    for loss in losses:
        kept, _ = drift.take(kept, loss, most=most)
        assert len(kept) <= most
        assert all(0.0 <= x <= drift.LOSS_TOP for x in kept)


def test_beyond_its_bound_it_is_a_detector_that_began_later():
    losses = np.random.default_rng(0).normal(0.5, 0.1, 64 + 8).tolist()
    kept = []
    for loss in losses:
        kept, change = drift.take(kept, loss, most=64)
        assert change is None
    assert kept == losses[16:]


def test_quiet_losses_stay_quiet_and_a_jump_is_found():
    found, false = [], 0
    for seed in range(50):
        x = np.random.default_rng(seed).normal(0.6, 0.1, 500)
        x[250:] += 0.25
        changes = played(x.tolist())
        false += sum(i < 250 for i, _ in changes)
        found.append(min((i - 250 for i, _ in changes if i >= 250), default=None))
    assert false == 0
    assert None not in found
    assert 20 < np.median(found) < 100


def test_a_change_says_what_it_saw():
    losses = [0.2] * 200 + [0.8] * 200
    kept, changes = [], []
    for loss in losses:
        kept, change = drift.take(kept, loss)
        changes += [(change, len(kept))] if change else []
    change, left = changes[0]
    assert left == 0
    assert change.before == pytest.approx(0.2)
    assert change.before < change.after <= 0.8
    assert change.seen > 200
    assert 0 < change.rows_after < change.seen
    assert drift.replay(losses) == change
    assert drift.replay(losses[: change.seen - 1]) is None

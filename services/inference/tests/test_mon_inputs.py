"""Drift of inputs: what is like the training rows is not told, what is not is told once, until it was quiet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy import stats

from contango_inference.monitor import inputs as watch

DECILES = stats.norm.ppf(np.arange(1, 10) / 10).tolist()
EDGES = {"a": DECILES, "b": DECILES, "c": ()}


def fed(state, rows, told=True):
    """All facts on the way; with `told` each is taken back in, as the log does."""
    facts = []
    for row in rows:
        watch.observe(state, row, EDGES)
        found = watch.drifted(state, "SPX", "m")
        for fact in found if told else []:
            watch.told(state, fact.name)
        facts += [(state.rows, fact) for fact in found]
    return facts


def rows(values, other=None):
    rng = np.random.default_rng(0)
    return [{"a": float(v), "b": float(rng.normal()) if other is None else other, "c": 1.0} for v in values]


def test_like_the_training_rows_is_not_told():
    for seed in range(20):
        assert fed(watch.Inputs(), rows(np.random.default_rng(seed).normal(size=600))) == []


def test_a_shift_is_told_once_and_again_only_after_quiet():
    rng = np.random.default_rng(1)
    state = watch.Inputs()
    normal, moved = rng.normal(size=(2, 2, 400))
    path = np.concatenate([normal[0], moved[0] + 1.5, normal[1], moved[1] - 1.5])
    facts = fed(state, rows(path))
    assert [fact.name for _, fact in facts] == ["a", "a"]
    assert 400 < facts[0][0] < 600
    assert facts[1][0] > 1200
    fact = facts[0][1]
    assert (fact.subject, fact.test, fact.symbol, fact.model) == ("feature", "psi", "SPX", "m")
    assert fact.value > fact.limit >= watch.PSI_LIMIT
    assert state.alarmed == ["a"]


def test_untold_it_is_said_again():
    """What was decided and never reached the log is decided anew."""
    moved = rows(np.random.default_rng(2).normal(size=300) + 3.0)
    assert len(fed(watch.Inputs(), moved, told=False)) > len(fed(watch.Inputs(), moved)) == 1


def test_a_feature_that_stands_still_is_told_and_a_slow_one_is_given_time():
    stuck = fed(watch.Inputs(), rows(np.zeros(200)))
    assert [fact.name for _, fact in stuck] == ["a"]
    rng, slow = np.random.default_rng(3), [0.0]
    for shock in rng.normal(size=999):
        slow.append(0.98 * slow[-1] + shock * np.sqrt(1.0 - 0.98**2))
    state = watch.Inputs()
    assert fed(state, rows(slow)) == []
    # Taken as independent rows it would have been told: the window is a few months of one level.
    assert state.looks["a"].value > 0.25


def test_missing_values_are_skipped_and_few_are_not_judged():
    state = watch.Inputs()
    assert fed(state, [{"a": 9.0 if i % 10 == 0 else None} for i in range(400)]) == []
    assert len(state.values["a"]) == 40
    assert "b" not in state.values
    assert state.looks == {}


@settings(max_examples=20)
@given(st.lists(st.floats(-9.0, 9.0), min_size=1, max_size=400))
def test_state_is_bounded_plain_and_survives_its_json(values):
    state = watch.Inputs()
    fed(state, rows(values, other=0.5))
    assert all(len(kept) <= watch.WINDOW for kept in state.values.values())
    assert "c" not in state.values
    adapter = TypeAdapter(watch.Inputs)
    again = adapter.validate_json(adapter.dump_json(state))
    assert again == state
    more = rows(values[:40], other=0.5)
    assert fed(again, more) == fed(state, more)


@given(st.floats(-0.9, 0.95), st.integers(0, 100))
def test_dependent_rows_are_worth_fewer(rho, seed):
    rng, x = np.random.default_rng(seed), np.zeros(4000)
    for t in range(1, 4000):
        x[t] = rho * x[t - 1] + rng.normal()
    got = watch.effective_rows(x.tolist())
    assert got == pytest.approx(4000 * (1 - max(rho, 0)) / (1 + max(rho, 0)), rel=0.35, abs=60)

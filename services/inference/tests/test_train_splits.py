"""Purged walk-forward cuts: no session of a part's targets lies in a later part."""

from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from contango_inference.train.settings import Walking
from contango_inference.train.splits import fold_before, folds_of

cuts = st.builds(
    Walking,
    first_sessions=st.integers(100, 400),
    test_sessions=st.integers(10, 100),
    embargo_sessions=st.integers(0, 30),
    validation_share=st.floats(0.05, 0.45),
)


@given(cuts, st.integers(0, 50), st.integers(100, 900), st.integers(1, 42))
def test_parts_share_no_session_and_the_embargo_lies_between(w, first, length, longest):
    for fold in folds_of(first, first + length, longest, w):
        parts = [fold.train.reach(longest), fold.validation.reach(longest), fold.test.reach(0)]
        assert all(len(part) for part in parts)
        for earlier, later in pairwise(parts):
            assert max(earlier) + w.embargo_sessions < min(later)
        assert fold.train.start == first  # an expanding past


@given(cuts, st.integers(0, 50), st.integers(100, 900), st.integers(1, 42))
def test_every_session_after_the_first_past_is_tested_once(w, first, length, longest):
    stop = first + length
    tested = [row for fold in folds_of(first, stop, longest, w) for row in range(fold.test.start, fold.test.stop)]
    assert tested == sorted(set(tested))
    if tested:
        assert tested[-1] == stop - 1
        assert tested == list(range(tested[0], stop))


@given(cuts, st.integers(100, 900), st.integers(1, 42), st.integers(1, 300))
def test_more_history_changes_no_earlier_fold(w, length, longest, more):
    before, after = folds_of(0, length, longest, w), folds_of(0, length + more, longest, w)
    assume(before)
    assert after[: len(before) - 1] == before[:-1]
    last, grown = before[-1], after[len(before) - 1]
    assert (last.train, last.validation, last.test.start) == (grown.train, grown.validation, grown.test.start)


def test_the_model_that_ships_learns_from_everything_and_is_tested_on_nothing():
    w = Walking(first_sessions=100, embargo_sessions=5, validation_share=0.2)
    fold = fold_before(9, 10, 510, 42, w)
    assert (fold.validation.start, fold.validation.stop, len(fold.test)) == (410, 510, 0)
    assert fold.train.stop == 410 - 42 - 5

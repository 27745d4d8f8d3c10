"""Purged and embargoed walk-forward cuts of a history of sessions: an expanding past, then a test. Pure.

    past ────────────┤ purge + embargo ├ validation ┤ purge + embargo ├ test ─┤

A row's target reaches ``longest`` sessions beyond it. The purge takes away as many rows before each part, so that no
session of an earlier part's targets lies in a later part; the embargo widens it.

References:
    [1] M. López de Prado, "Advances in financial machine learning", Wiley 2018, chapter 7.
"""

from dataclasses import dataclass

from contango_inference.train.settings import Walking


@dataclass(frozen=True, slots=True)
class Part:
    """Positions of sessions, the last one excluded."""

    start: int
    stop: int

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    def reach(self, longest: int) -> range:
        """Every session that rows of the part or their targets touch.

        >>> list(Part(3, 5).reach(2))
        [3, 4, 5, 6]
        """
        return range(self.start, self.stop + longest) if len(self) else range(0)


@dataclass(frozen=True, slots=True)
class Fold:
    """``train`` learns, ``validation`` stops and calibrates, ``test`` judges (empty for the model that ships)."""

    number: int
    train: Part
    validation: Part
    test: Part


def folds_of(first: int, stop: int, longest: int, w: Walking) -> tuple[Fold, ...]:
    """All folds over the rows from ``first`` to before ``stop``; none where the history is too short.

    >>> w = Walking(first_sessions=100, test_sessions=50, embargo_sessions=2, validation_share=0.2)
    >>> [(f.train.stop, f.validation.start, f.validation.stop, f.test.start) for f in folds_of(0, 200, 5, w)]
    [(67, 74, 93, 100), (107, 114, 143, 150)]
    """
    found: list[Fold] = []
    for start in range(first + w.first_sessions, stop, w.test_sessions):
        past = fold_before(len(found), first, start - longest - w.embargo_sessions, longest, w)
        found.append(Fold(past.number, past.train, past.validation, Part(start, min(start + w.test_sessions, stop))))
    return tuple(fold for fold in found if len(fold.train) and len(fold.validation))


def fold_before(number: int, first: int, stop: int, longest: int, w: Walking) -> Fold:
    """All rows from ``first`` to before ``stop`` as training and validation; no test."""
    begins = stop - max(1, round((stop - first) * w.validation_share))
    train = Part(first, max(first, begins - longest - w.embargo_sessions))
    return Fold(number, train, Part(begins, stop), Part(stop, stop))

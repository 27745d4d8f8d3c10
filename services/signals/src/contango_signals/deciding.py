"""Whose labels count: those of detectors that act. One in shadow, switched off or failed decides nothing.

Of the rules' labels UNCERTAIN means that nothing opens, whatever the table between the sets reads it as; their overlay
VOLATILE hides a range that lies under it, but no trend.
"""

from collections.abc import Mapping
from types import MappingProxyType

from contango_signals.regimes import s1
from contango_signals.regimes.labels import translated
from contango_signals.state import State, Told
from contango_signals.switches import acts

UNCERTAIN = "UNCERTAIN"


def told_by(state: State, underlying: str, detector: str) -> Told | None:
    """The last report of a detector that acts; None when it has said nothing, or does not act."""
    symbol = state.symbols.get(underlying)
    return symbol.told.get(detector) if symbol is not None and acts(state, f"regime_{detector}") else None


def labels_of(state: State, underlying: str) -> Mapping[str, str | None]:
    """The label of every detector that acts and has reported."""
    symbol = state.symbols.get(underlying)
    told = {} if symbol is None else {name: told_by(state, underlying, name) for name in symbol.told}
    return MappingProxyType({name: one.label for name, one in told.items() if one is not None})


def label_of(state: State, underlying: str) -> str | None:
    """The label of the detector that decides."""
    told = told_by(state, underlying, state.params.select.detector)
    return None if told is None else told.label


def five_state(state: State, underlying: str) -> str | None:
    """The deciding label read into the five states, in which strategies say their regimes; None where none is known or
    the rules are uncertain."""
    detector = state.params.select.detector
    told = told_by(state, underlying, detector)
    if told is None or told.label is None or told.label == UNCERTAIN:
        return None
    label = s1.five_label(told.label, told.overlay) if detector == s1.DETECTOR else told.label
    return translated(detector, label, "s2")


def is_uncertain(state: State, underlying: str) -> bool:
    """Whether the deciding detector failed, or is the rules and they are uncertain: then nothing opens on bars."""
    feature = f"regime_{state.params.select.detector}"
    return feature in state.failed or feature in state.failing or label_of(state, underlying) == UNCERTAIN

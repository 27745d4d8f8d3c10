"""Which features run, and how one that raises is stopped without leaving anything half-changed.

A feature's state is swapped in when its step has succeeded: ``attempt`` takes a function that *returns* the new state.
If it raises, nothing was changed; the feature is off from that instant, the reason is told as ``FeatureFailed``, and
everything else goes on. A person who switches it on again starts it again.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from contango_common.events.signal import FeatureFailed
from contango_signals.names import Switch
from contango_signals.state import State

T = TypeVar("T")
GATES_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"fuzzy": ("confidence",), "volatility": ("term_structure",), "scoring": ("entry_score",)}
)


def level(state: State, feature: str) -> Switch:
    """off, shadow or on: a failure counts most, then the last command, then the book."""
    if feature in state.failed or feature in state.failing:
        return "off"
    return state.switches.get(feature) or state.params.switch(feature)


def runs(state: State, feature: str) -> bool:
    """Whether it computes: on or in shadow."""
    return level(state, feature) != "off"


def acts(state: State, feature: str) -> bool:
    """Whether decisions follow it."""
    return level(state, feature) == "on"


def gates_off(state: State) -> tuple[str, ...]:
    """Gates that do not refuse: those of the book, and those of features that a person put in shadow or off.

    A feature that failed is another matter: what it would have said is unknown, and its gates do not pass.
    """
    silent = [
        gate
        for feature, gates in GATES_OF.items()
        if feature not in state.failed and feature not in state.failing and level(state, feature) != "on"
        for gate in gates
    ]
    return (*state.params.gates_off, *silent)


def attempt(state: State, feature: str, make: Callable[[], T]) -> T | None:
    """What ``make`` returns; None when the feature is off, or when it raised (which switches it off)."""
    if not runs(state, feature):
        return None
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - any failure of one feature must leave the others running
        state.failing[feature] = reason_of(error)
        return None


def tried(feature: str, make: Callable[[], T]) -> T | FeatureFailed:
    """The same for what is decided, where no state may be changed: the failure itself is the answer."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - told as a fact, which switches the feature off
        return FeatureFailed(feature=feature, reason=reason_of(error))


def reason_of(error: Exception) -> str:
    """One line, the same on every machine."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]

"""The factors that scale a proposal's size now, apart those in force and those that only say what they would do."""

from contango_signals.direction import word_of
from contango_signals.multipliers import by_label, by_vix
from contango_signals.profile import size_factor
from contango_signals.regimes.s1 import effects
from contango_signals.state import State
from contango_signals.switches import acts, runs

Factors = dict[str, float]


def factors_in_force(state: State, name: str, price: float, now_ns: int) -> tuple[Factors, Factors]:
    """(in force, in shadow) by name; a factor of 1 is left out."""
    inforce: Factors = {}
    shadow: Factors = {}
    word = word_of(state, name, now_ns)
    if word is not None and word.size < 1.0:
        (inforce if word.counts else shadow)["direction"] = word.size
    for feature, factor_name, factor in _factors(state, name, price):
        if factor < 1.0 and runs(state, feature):
            (inforce if acts(state, feature) else shadow)[factor_name] = factor
    return inforce, shadow


def with_own(factors: Factors, own: float) -> Factors:
    """The factors on top of a strategy's own size, which is one of them: risk takes the smallest, and so a halving
    halves that size whatever it is.

    >>> with_own({"volatile": 0.5}, 0.6)
    {'volatile': 0.3, 'strategy': 0.6}
    """
    own = min(own, 1.0)
    return {name: factor * own for name, factor in factors.items()} | ({"strategy": own} if own < 1.0 else {})


def _factors(state: State, name: str, price: float) -> list[tuple[str, str, float]]:
    symbol, found = state.symbols.get(name), []
    if symbol is not None:
        told = symbol.told.get("s0")
        if told is not None and told.label is not None and runs(state, "regime_s0"):
            found.append(("multipliers", "regime_s0", by_label(told.label, state.params.multipliers)))
        if symbol.levels is not None:
            found.append(("profile", "low_volume_area", size_factor(symbol.levels, price, state.params.profile)))
        s1 = symbol.told.get("s1")
        if s1 is not None:
            size, _ = effects(s1.label, tuple(s1.overlay))
            found.append(("regime_s1", "volatile", size))
    if state.vol.close is not None and not state.crypto.get(name):
        found.append(("multipliers", "vix", by_vix(state.vol.close, state.params.multipliers)))
    return found

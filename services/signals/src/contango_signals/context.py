"""The context of a trade: what was configured, what the strategy measured, how the market stood, and what would have
triggered. It travels with the proposal into the trade's record. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from contango_common.domain.declare import Section
from contango_common.events.signal import Scalar
from contango_signals.gates import GATES, Judgement

Numbers = Mapping[str, float | None]


COMMON = ("valid_minutes", "bar_timeframe_s", "sessions_per_year", "select.detector")
ON_CHAIN = (*COMMON, "f_limit", "no_opening_minutes", "forecast_max_age_hours", "select.per_scan")
ON_BARS = (*COMMON, "limit_slippage", "thresholds.adx_base", "thresholds.rvol_base", "feature_row_every_s")


def entry_parameters(params: Section, common: Section, names: Sequence[str]) -> dict[str, Scalar]:
    """The strategy's own parameters, and those common ones (``names``) that shape entries; groups as ``key.name``."""
    shared = {}
    for name in names:
        value: Any = common
        for part in name.split("."):
            value = getattr(value, part)
        shared[name] = value
    return flat({**params.model_dump(mode="json"), **shared})


def flat(values: Mapping[str, Any]) -> dict[str, Scalar]:
    """Scalars as they are, groups as ``key.name``, lists as words with spaces between.

    >>> flat({"dte": 45, "wing": {"low": 0.01}, "regimes": ["A", "B"], "off": None})
    {'dte': 45.0, 'wing.low': 0.01, 'regimes': 'A B', 'off': None}
    """
    found: dict[str, Scalar] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found.update({f"{name}.{key}": inner for key, inner in flat(value).items()})
        elif isinstance(value, list | tuple):
            found[name] = " ".join(str(item) for item in value)
        elif isinstance(value, bool) or value is None or isinstance(value, str):
            found[name] = value
        else:
            found[name] = float(value)
    return found


def market_context(values: Numbers, labels: Mapping[str, str | None], words: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Features that are known, the label of each detector, and words such as the term structure's regime."""
    known: dict[str, Scalar] = {name: x for name, x in values.items() if x is not None}
    return {**known, **{f"regime_{detector}": label for detector, label in labels.items()}, **words}


def alternatives(judgement: Judgement, params: Section) -> dict[str, Scalar]:
    """For each parameter that a gate compared with a number: the value at which its verdict would have turned."""
    found: dict[str, Scalar] = {}
    for gate in GATES:
        if gate.asks is None:
            continue
        name, number, sense = gate.asks
        value, asked = judgement.numbers.get(number), getattr(params, name, None)
        if value is None or asked is None:
            continue
        word = "up to" if sense > 0 else "down to"
        passed = judgement.gates.get(gate.name, True)
        found[name] = f"would {'still ' if passed else ''}have triggered {word} {abs(value):.6g} (was {float(asked):g})"
    return found

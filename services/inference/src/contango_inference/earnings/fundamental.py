"""Features of reported earnings per share, of announcements before this one only.

A surprise is (reported − estimated)/price before that announcement, so that symbols can be compared.

    surprise_last, surprise_mean_4   of the last one, mean of the last four
    beat_share_4                     share of the last four at or above the estimate
    surprise_abs_mean_4              mean size of the last four

References:
    [1] J. Livnat, R. Mendenhall, "Comparing the post-earnings announcement drift for surprises calculated from analyst
        and time series forecasts", Journal of Accounting Research 44 (2006) 177-205: surprises over price.
"""

from collections.abc import Sequence

import numpy as np

from contango_inference.earnings.events import Event, Reaction
from contango_inference.earnings.group import Row

NAME = "fundamental_features"
NAMES = ("surprise_last", "surprise_mean_4", "surprise_abs_mean_4", "beat_share_4")


def row(earlier: Sequence[tuple[Event, Reaction]], until_ns: int) -> Row:
    """Features from ``earlier`` announcements with their reactions, oldest first, known by ``until_ns``."""
    found = [
        ((each.eps - each.eps_estimate) / seen.before_close, seen.after_ns)
        for each, seen in earlier
        if each.eps is not None and each.eps_estimate is not None and seen.after_ns <= until_ns
    ][-4:]
    if not found:
        return Row(dict.fromkeys(NAMES), None, ("no earlier announcement with an estimate",))
    surprises = np.array([value for value, _ in found])
    values: dict[str, float | None] = {
        "surprise_last": float(surprises[-1]),
        "surprise_mean_4": float(surprises.mean()),
        "surprise_abs_mean_4": float(np.abs(surprises).mean()),
        "beat_share_4": float(np.mean(surprises >= 0.0)),
    }
    return Row(values, max(ns for _, ns in found))

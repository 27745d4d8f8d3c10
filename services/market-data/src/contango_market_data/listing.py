"""Which listed contracts a frame shows. Pure.

A contract enters when its expiry is near enough and its strike inside the window around the first spot of a session;
once in, an expiry's range of strikes only grows, so that a held leg is quoted until it expires.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(slots=True)
class Window:
    """``ranges`` maps expiry (yyyymmdd) to the lowest and highest strike (thousandths) shown so far.

    ``days`` maps it to its day since 1970.
    """

    max_dte: int
    low: float
    high: float
    ranges: dict[int, tuple[int, int]] = field(default_factory=dict)
    days: dict[int, int] = field(default_factory=dict)

    def widen(self, spot: float, session_day: int, expiries: dict[int, int]) -> None:
        """Begin a session: ``expiries`` maps yyyymmdd to days since 1970, like ``session_day``."""
        low, high = int(spot * (1 + self.low) * 1000), int(spot * (1 + self.high) * 1000) + 1
        for expiry, day in expiries.items():
            known = self.ranges.get(expiry)
            if known is not None:
                self.ranges[expiry] = (min(known[0], low), max(known[1], high))
            elif 0 <= day - session_day <= self.max_dte:
                self.ranges[expiry] = (low, high)
            self.days[expiry] = day
        # An expiry that is missing from one session (a hole in the data) is remembered until its day has passed.
        for expired in [expiry for expiry, day in self.days.items() if day < session_day]:
            del self.days[expired]
            self.ranges.pop(expired, None)

    def shows(self, expiry: npt.NDArray[np.int32], strike_millis: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Row mask of the contracts inside."""
        mask = np.zeros(len(expiry), dtype=np.bool_)
        for date, (low, high) in self.ranges.items():
            mask |= (expiry == date) & (strike_millis >= low) & (strike_millis <= high)
        return mask

"""A path of the index within one day that reproduces the day's real open, high, low and close.

Many Brownian bridges from open to close are drawn in logarithms, on a clock that runs fast after the opening and
before the close; the one whose highest and lowest point come nearest to the real ones is kept, and its excursions
beyond open and close are stretched (folded where the day has none) until they fit exactly. Choosing by range
approximates the law of a Brownian motion given its four prices (approximate Bayesian computation).

A path to a known close is conditioned on that close; no law avoids it. What can be had is that a day says no more, on
the average over the days, than a Brownian motion would: the return so far, overnight gap included, does not predict
the rest of the day: E[(gap + x(t)) (x(1) - x(t))] = 0. Real days move further from open to close than Brownian motions
of the same range, and their stale opens leave part of the gap to the day, so that bridges chosen by range alone leave a
correlation of +0.12. The choice therefore also weighs TREND_WEIGHT times the day's mean of that product over its range,
with weights 1/(EDGE + t) + LATE_SHARE/(EDGE + 1 - t), as what is left of a gap comes early. At 0.12 the correlation is
within two standard errors of nought from 10:00 to 15:00, and the 5-minute bars have the variance that the ranges imply
(+3 %).
"""

import numpy as np

from contango_market_data.sample.jit import compiled
from contango_market_data.sample.market import Floats

CANDIDATES = 256
STEPS_PER_BAR = 10
TREND_WEIGHT = 0.12
EDGE, LATE_SHARE = 0.08, 0.4
"""Weight of the trend in the choice of a candidate, and of which hours (shares of a day)."""
VOL_SPREAD = 0.35
"""Standard deviation of the logarithm of the candidates' volatility around the range estimate."""
OPENING_WEIGHT, OPENING_LENGTH = 1.6, 0.08
CLOSING_WEIGHT, CLOSING_LENGTH = 0.9, 0.06


def variance_clock(steps: int) -> Floats:
    """Share of a session's variance that has passed after each step: shape (steps + 1,), from 0 to 1, U-shaped.

    >>> clock = variance_clock(780)
    >>> bool(clock[60] > 60 / 780), bool(1 - clock[-60] > 60 / 780)
    (True, True)
    """
    middle = (np.arange(steps) + 0.5) / steps
    opening = OPENING_WEIGHT * np.exp(-middle / OPENING_LENGTH)
    closing = CLOSING_WEIGHT * np.exp(-(1.0 - middle) / CLOSING_LENGTH)
    clock = np.concatenate(([0.0], np.cumsum(0.7 + opening + closing)))
    return np.asarray(clock / clock[-1])


def price_path(rng: np.random.Generator, day: tuple[float, float, float, float], gap: float, clock: Floats) -> Floats:
    """Prices at the steps of ``clock``, shape (steps + 1,).

    ``day`` is open, high, low, close in index points, ``gap`` the log return from the close before to the open.

    The first is the open and the last the close, the highest the high and the lowest the low, bit for bit; the others
    are rounded to 0.01.
    """
    open_, high, low, close = day
    shocks = rng.standard_normal((CANDIDATES, len(clock) - 1))
    vols = np.log(high / low) / np.sqrt(4.0 * np.log(2.0)) * np.exp(VOL_SPREAD * rng.standard_normal(CANDIDATES))
    ends = np.log(np.array([max(open_, close), min(open_, close), close]) / open_)
    room_up, room_down = float(np.log(high / max(open_, close))), float(np.log(min(open_, close) / low))
    path = _nearest_bridge(shocks, vols, np.sqrt(np.diff(clock)), clock, ends[2], (room_up, room_down), gap)
    _fit_above(path, ends[0], room_up)
    np.negative(path, out=path)
    _fit_above(path, -ends[1], room_down)
    np.negative(path, out=path)
    return _to_prices(path, day)


def _to_prices(path: Floats, day: tuple[float, float, float, float]) -> Floats:
    """Index points on the cent grid and within the range; the four real prices where they belong."""
    open_, high, low, close = day
    top = 1 + int(np.argmax(path[1:-1]))
    bottom = 1 + int(np.argmin(path[1:-1]))
    prices = np.clip(np.round(open_ * np.exp(path), 2), low, high)
    if high > max(open_, close):
        prices[top] = high
    if low < min(open_, close):
        prices[bottom] = low
    prices[0], prices[-1] = open_, close
    return np.asarray(prices)


@compiled
def _nearest_bridge(
    shocks: Floats, vols: Floats, root_dt: Floats, clock: Floats, end: float, room: tuple[float, float], gap: float
) -> Floats:
    """The candidate whose excursions above and below open and close are nearest to the real ones."""
    candidates, steps = shocks.shape
    room_up, room_down = room
    best = np.empty(steps + 1)
    path = np.empty(steps + 1)
    best_distance = np.inf
    above, below = max(end, 0.0), min(end, 0.0)
    for k in range(candidates):
        level = 0.0
        path[0] = 0.0
        for i in range(steps):
            level += vols[k] * root_dt[i] * shocks[k, i]
            path[i + 1] = level
        drift = end - level
        highest, lowest, trend = above, below, 0.0
        for i in range(1, steps + 1):
            path[i] += drift * clock[i]
            highest = max(highest, path[i])
            lowest = min(lowest, path[i])
            here = (gap + path[i]) * (end - path[i]) * (clock[i] - clock[i - 1])
            trend += here * (1.0 / (EDGE + clock[i]) + LATE_SHARE / (EDGE + 1.0 - clock[i]))
        distance = abs(highest - above - room_up) + abs(below - lowest - room_down)
        distance += TREND_WEIGHT * trend / (above - below + room_up + room_down)
        if (room_up > 0.0 and highest == above) or (room_down > 0.0 and lowest == below):
            distance += 1.0  # nothing to stretch: only when no candidate has an excursion
        if distance < best_distance:
            best_distance = distance
            best[:] = path
    return best


@compiled
def _fit_above(path: Floats, base: float, room: float) -> None:
    """Stretch what lies above ``base`` to reach ``base + room``; with no room, fold it back."""
    highest = base
    for x in path:
        highest = max(highest, x)
    factor = room / (highest - base) if highest > base else 0.0
    if room <= 0.0:
        factor = -1.0
    for i in range(path.shape[0]):
        if path[i] > base:
            path[i] = base + factor * (path[i] - base)

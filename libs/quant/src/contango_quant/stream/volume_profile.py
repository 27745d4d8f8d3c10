"""Rolling volume profile: how much was traded at which price over the last `bars` bars.

A bar's volume is spread evenly over its range in log price: what happened inside a bar is not known, and this is the
assumption. Bin k holds the prices in [exp(k·b), exp((k + 1)·b)) with b = ln(1 + bin_fraction): one grid for every price
level, so that no absolute width is too coarse for a coin below a cent. `step` keeps the bars; `profile_of` builds:

    point of control   the bin with most volume, the lower one of two
    value area         grown from the point of control, each time by the neighbour with more volume (of equal ones
    the one
                       nearer to the middle of the profile, then the lower), until it holds `share` of the volume
    low volume         bins between the lowest and the highest traded whose volume is below the median of all of them

Levels are the bins' geometric middles, edges of the value area the bins' own edges.

References:
    [1] J. P. Steidlmayer, S. B. Hawkins, "Steidlmayer on Markets", 2nd ed. 2003, ch. 4 and the Chicago Board of Trade's
        value-area method.

>>> from contango_quant.stream import volume_profile
>>> state = volume_profile.init(volume_profile.Params(bars=100, bin_fraction=0.01))
>>> for price, volume in ((100.0, 1.0), (101.5, 5.0), (103.0, 2.0)):
...     _ = volume_profile.step(state, price, price, volume)
>>> found = volume_profile.profile_of(state)
>>> round(found.poc, 2), found.volume, found.bars
(101.69, 8.0, 3)
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from contango_quant.stream import kernel

INPUTS = ("high", "low", "volume")
OUTPUTS = ("volume",)
SHARE = 0.70
MAX_BINS = 1_000_000


@dataclass(frozen=True, slots=True)
class Params:
    """bars: looked back on; bin_fraction: width of a bin as a fraction of its price."""

    bars: int = 2016
    bin_fraction: float = 0.001

    def __post_init__(self) -> None:
        kernel.check_window(self.bars)
        if not 1e-5 <= self.bin_fraction <= 0.1:
            raise ValueError(f"bin_fraction must be from 1e-5 to 0.1, got {self.bin_fraction!r}")


class Profile(NamedTuple):
    """poc: price of the fullest bin; value_low, value_high: edges of the value area; volume: of all bars.

    low_volume_below: median volume of the bins between lowest and highest traded; low_areas: prices (low, high) of the
    runs of bins below it; bars: how many there are.
    """

    poc: float
    value_low: float
    value_high: float
    volume: float
    low_volume_below: float
    low_areas: tuple[tuple[float, float], ...]
    bars: int


def WARM_UP(params: Params) -> int:
    """One bar."""
    return 1


def state_dtype(params: Params) -> np.dtype[np.void]:
    """Rings of highs, lows and volumes, and the width of a bin in log price."""
    size = (kernel.capacity(params.bars),)
    rings = [(name, "<f8", size) for name in ("high", "low", "volume")]
    return np.dtype([*kernel.HEADER, ("bars", "<i8"), ("width", "<f8"), *rings])


def init(params: Params) -> kernel.State:
    """A record that has seen nothing."""
    return kernel.new_state(state_dtype(params), bars=params.bars, width=math.log1p(params.bin_fraction))


@njit(cache=True)
def step(state, high, low, volume):  # type: ignore[no-untyped-def]
    """Take one bar with volume ≥ 0 and 0 < low ≤ high; the bar's volume, or nan."""
    s = state[0]
    if not (0.0 < low <= high < math.inf and 0.0 <= volume < math.inf):
        s.rejected += 1
        return math.nan
    i = s.count % s.bars
    s.high[i], s.low[i], s.volume[i] = high, low, volume
    s.count += 1
    return volume


@njit(cache=True)
def batch(state, high, low, volume, out):  # type: ignore[no-untyped-def]
    """`step` for every row of the columns (n,) into `out` (n,)."""
    for i in range(volume.shape[0]):
        out[i] = step(state, high[i], low[i], volume[i])


@njit(cache=True)
def span(state):  # type: ignore[no-untyped-def]
    """(first bin, number of bins) of the bars that traded; (0, 0) without volume."""
    s = state[0]
    n = min(s.count, s.bars)
    lowest, highest = math.inf, 0.0
    for i in range(n):
        if s.volume[i] > 0.0:
            lowest, highest = min(lowest, s.low[i]), max(highest, s.high[i])
    if highest == 0.0:
        return 0, 0
    first = math.floor(math.log(lowest) / s.width)
    return first, math.floor(math.log(highest) / s.width) - first + 1


@njit(cache=True)
def fill(state, first, out):  # type: ignore[no-untyped-def]
    """Volumes of the bins from `first` on into `out`, which is zeros."""
    s = state[0]
    for i in range(min(s.count, s.bars)):
        if s.volume[i] <= 0.0:
            continue
        low, high = math.log(s.low[i]) / s.width, math.log(s.high[i]) / s.width
        a, b = math.floor(low) - first, math.floor(high) - first
        if a == b:
            out[a] += s.volume[i]
            continue
        per_bin = s.volume[i] / (high - low)
        out[a] += per_bin * (a + first + 1 - low)
        for k in range(a + 1, b):
            out[k] += per_bin
        out[b] += per_bin * (high - b - first)


@njit(cache=True)
def value_area(volumes, poc, share):  # type: ignore[no-untyped-def]
    """(lowest, highest) bin of the value area grown from `poc`."""
    n, low, high = volumes.shape[0], poc, poc
    wanted, held, middle = share * volumes.sum(), volumes[poc], 0.5 * (volumes.shape[0] - 1)
    while held < wanted and (low > 0 or high < n - 1):
        below = volumes[low - 1] if low > 0 else -1.0
        above = volumes[high + 1] if high < n - 1 else -1.0
        down = below > above or (below == above and abs(low - 1 - middle) <= abs(high + 1 - middle))
        if down:
            low -= 1
            held += below
        else:
            high += 1
            held += above
    return low, high


def volumes_of(state: kernel.State) -> tuple[int, NDArray[np.float64]]:
    """(first bin, volume of each bin from there on); empty where nothing traded. ValueError beyond a million bins."""
    first, bins = span(state)
    if bins > MAX_BINS:
        raise ValueError(f"the bars span {bins} bins, more than {MAX_BINS}")
    volumes = np.zeros(bins)
    if bins:
        fill(state, first, volumes)
    return first, volumes


def profile_of(state: kernel.State, share: float = SHARE) -> Profile | None:
    """The profile of the bars held; None where nothing traded."""
    first, volumes = volumes_of(state)
    if not len(volumes):
        return None
    width, poc = float(state["width"][0]), int(np.argmax(volumes))
    low, high = value_area(volumes, poc, share)
    median = float(np.median(volumes))
    return Profile(
        poc=math.exp((first + poc + 0.5) * width),
        value_low=math.exp((first + low) * width),
        value_high=math.exp((first + high + 1) * width),
        volume=float(volumes.sum()),
        low_volume_below=median,
        low_areas=_runs(volumes < median, first, width),
        bars=int(min(state["count"][0], state["bars"][0])),
    )


def _runs(flags: NDArray[np.bool_], first: int, width: float) -> tuple[tuple[float, float], ...]:
    """Prices (low, high) of each run of marked bins."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    runs = edges.reshape(-1, 2).tolist()
    return tuple((math.exp((first + a) * width), math.exp((first + b) * width)) for a, b in runs)

"""Random numbers that depend on what they are for and on nothing else.

Every (date, purpose, index) has its own Philox stream, so any session can be generated alone, in any order and in any
process, and comes out the same.
"""

from enum import IntEnum

import numpy as np

SEED = 4
"""One of six that were compared; the laws of the paths hold on the average over seeds, and in this one too."""


class Purpose(IntEnum):
    """What a stream is drawn for; a number that is used is never used again for something else."""

    PRICE_PATH = 1
    VIX_PATH = 2
    SIZES = 3
    VOLUME = 4


def stream(date: int, purpose: Purpose, index: int = 0) -> np.random.Generator:
    """The generator of one session (``date`` yyyymmdd) and purpose.

    >>> float(stream(20180205, Purpose.SIZES, 3).random()) == float(stream(20180205, Purpose.SIZES, 3).random())
    True
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([SEED, date, int(purpose), index])))

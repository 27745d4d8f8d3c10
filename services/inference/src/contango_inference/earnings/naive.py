"""The forecast to beat: the mean |move| of the symbol's last announcements. Pure.

As a distribution it is that mean times quantiles of |move|/mean found in training, so that it is as well calibrated as
one number can be. Where a symbol has no past, the training mean of all stands in.
"""

from collections.abc import Sequence

import numpy as np

from contango_inference.earnings.dataset import Dataset
from contango_inference.earnings.events import Floats
from contango_inference.earnings.linear import LEAST_MOVE

FEATURE = "abs_move_mean_8q"


def quantiles(train: Dataset, asked: Dataset, levels: Sequence[float]) -> Floats:
    """Quantiles (m, Q) of |move| for the asked events."""
    scale = train.size.mean()
    ratios = train.size / _mean_move(train, scale)
    return np.outer(_mean_move(asked, scale), np.quantile(ratios, levels))


def _mean_move(data: Dataset, otherwise: float) -> Floats:
    seen = data.columns([FEATURE])[:, 0]
    return np.where(np.isfinite(seen), np.maximum(seen, LEAST_MOVE), otherwise)

"""Fitting the model that is shipped, on everything known."""

import numpy as np

from contango_inference.earnings import fit, linear
from contango_inference.earnings.dataset import Dataset
from contango_inference.earnings.model import EarningsModel
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.walk import direction_of

USUAL = 0.5
"""A feature that this share of training rows had is expected in a request."""


def train(data: Dataset, params: EarningsParams, *, shows_direction: bool) -> EarningsModel:
    """Fit on all of ``data``. Raises ValueError when there are fewer events than ``least_training``."""
    if len(data.move) < params.least_training:
        raise ValueError(f"{len(data.move)} labelled events, need at least {params.least_training}")
    rate = float(np.mean(data.move > 0.0))
    return EarningsModel(
        names=data.names,
        usual=tuple((np.isfinite(data.values).mean(axis=0) >= USUAL).tolist()),
        forest=fit.fit_forest(data.values, data.size, params),
        direction=direction_of(data, params) if shows_direction else linear.constant_direction(rate, len(data.names)),
        shows_direction=shows_direction,
        events=len(data.move),
        first=int(data.date.min()),
        last=int(data.date.max()),
        last_label_ns=int(data.label_ns.max()),
    )

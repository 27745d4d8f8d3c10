"""What a training has found, before it is written down."""

from collections.abc import Mapping
from dataclasses import dataclass

from contango_inference.models.manifest import Target
from contango_inference.train.evaluate import Judged
from contango_inference.train.fitting import Model
from contango_inference.train.rows import Data
from contango_inference.train.splits import Fold
from contango_inference.train.walk import Walk


@dataclass(frozen=True, slots=True)
class Trained:
    """``shipped`` is the model of the first seed on the whole history; ``folds`` are those of the walk forward."""

    data: Data
    folds: tuple[Fold, ...]
    models: Mapping[tuple[int, int], Model]
    last: Fold
    shipped: Model
    walk: Walk
    judged: dict[Target, Judged]

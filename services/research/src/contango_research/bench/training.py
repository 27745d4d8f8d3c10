"""Speed of training: windows that the small forecaster learns from in a second, with the loss and the step counted.

Rows are made: eight rows of twelve features, six horizons of five levels, as the shipped model has them.
"""

import math
from importlib.util import find_spec

import numpy as np

from contango_common.edge.clock import monotonic_s
from contango_inference.models.manifest import DIRECTIONS
from contango_inference.train.sample import Sample
from contango_inference.train.settings import Learning, TrainSettings
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

ROWS, VALIDATION, PASSES = 2_048, 64, 2
SEED = 20_151_231
_BOUND = "one CPU thread: the scan of two layers, forwards and backwards, in steps of 128 rows"


def measure(setting: Setting) -> list[Result]:
    """The middle of the runs after one that warms up; no figure where torch is not installed."""
    if find_spec("torch") is None:
        note = "torch is not installed here: pip install 'contango-inference[torch]'"
        return [Result("train_windows_per_s", math.nan, "windows/s", bound_by=_BOUND, note=note)]
    from contango_inference.train.loop import learn

    s = TrainSettings(learning=Learning(epochs=PASSES, patience=PASSES))
    train, validation = made(ROWS, s), made(VALIDATION, s)
    setting.say(f"training: {PASSES} passes over {ROWS:,} windows of {s.context} rows")
    learn(made(VALIDATION, s), validation, s, SEED)
    samples = []
    for run in range(max(setting.runs, 3)):
        began_s = monotonic_s()
        learn(train, validation, s, SEED + run)
        samples.append(PASSES * ROWS / (monotonic_s() - began_s))
    return [Result("train_windows_per_s", middle(samples), "windows/s", bound_by=_BOUND, samples=tuple(samples))]


def made(rows: int, s: TrainSettings) -> Sample:
    """Rows of noise in the shapes of these settings; equal at every call."""
    rng = np.random.default_rng(SEED)
    windows = rng.normal(size=(rows, s.context, len(s.features))).astype(np.float32)
    ratios = rng.normal(size=(rows, len(s.inference.horizons_sessions))).astype(np.float32)
    return Sample(windows, ratios, rng.integers(0, len(DIRECTIONS), rows))

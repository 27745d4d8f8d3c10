"""Speed of one direction prediction: from a row's named features to a calibrated probability."""

import numpy as np

from contango_common.edge.clock import monotonic_s
from contango_inference import trees
from contango_inference.direction.features import FEATURES, HOUR_NS, Memory, features_of, remember
from contango_inference.direction.fit import fit
from contango_inference.direction.params import DirectionParams
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

SEED, ROWS, CALLS, HORIZON_HOURS = 20_151_231, 2_160, 500, 4
LIMIT_MS = 100.0
_BOUND = "Python: twenty features by name; walking the trees takes a few microseconds"


def measure(setting: Setting) -> list[Result]:
    """The median prediction, beside the 100 ms that are asked for; and the weekly fit, in the note."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(ROWS, len(FEATURES)))
    ts_ns = np.arange(ROWS, dtype=np.int64) * HOUR_NS
    began_s = monotonic_s()
    fitted = fit(x, rng.integers(0, 2, ROWS).astype(np.float64), ts_ns, HORIZON_HOURS * HOUR_NS, DirectionParams())
    fit_s = monotonic_s() - began_s
    if isinstance(fitted, str):
        raise RuntimeError(fitted)
    memory, row = Memory(), made_row(100.0)
    for hour in range(30):
        remember(memory, hour * HOUR_NS, made_row(100.0 + hour))
    knots, probs = zip(*fitted.calibration, strict=True)

    def predict() -> float:
        found = features_of(memory, 29 * HOUR_NS, row)
        if isinstance(found, str):
            raise RuntimeError(found)
        return float(np.interp(trees.predict(fitted.columns, [found])[0], knots, probs))

    predict()
    samples = []
    for _ in range(max(setting.runs, 3)):
        times = []
        for _ in range(CALLS):
            began_s = monotonic_s()
            predict()
            times.append(1e3 * (monotonic_s() - began_s))
        samples.append(middle(times))
    note = f"a fit on {ROWS:,} rows with its folds took {fit_s:.2f} s"
    beside = "what is asked for"
    return [
        Result(
            "direction_ms", middle(samples), "ms", beside, LIMIT_MS, bound_by=_BOUND, samples=tuple(samples), note=note
        )
    ]


def made_row(close: float) -> dict[str, float | None]:
    """Every input that the features name."""
    names = ("rvol", "atr_percent", "atr_pctl", "bb_width", "bb_position", "rsi", "macd_hist", "squeeze_on", "adx")
    row: dict[str, float | None] = {f"{name}_1h": 1.0 for name in names}
    return row | {
        "close": close,
        "volume": 10.0,
        "vwap_1h": 100.0,
        "plus_di_1h": 20.0,
        "minus_di_1h": 10.0,
        "sma_distance_4h": 0.01,
    }

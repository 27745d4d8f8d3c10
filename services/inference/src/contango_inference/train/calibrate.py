"""Calibration on validation rows: a temperature for the direction, shifts for the quantiles. Pure.

    shift(h, q) = n_h / (n_h + 20) · quantile_q( ln ratio − forecast quantile q )

n_h is the number of validation rows over h: neighbouring rows share their future, and only stretches that do not
overlap count. Where they are few, little is shifted.
"""

import numpy as np
import numpy.typing as npt

from contango_inference.models.manifest import Calibration, Contract
from contango_quant.stats.calibration import temperature_fit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
PRIOR_STRETCHES = 20.0


def calibration_of(logits: Floats, ratios: Floats, came: Floats, directions: Ints, contract: Contract) -> Calibration:
    """From logits (r, 3) and log ratio quantiles (r, H, Q) before calibration, what came (r, H) and directions (r,)."""
    return Calibration(temperature=temperature_fit(logits, directions), shift=_shifts(ratios, came, contract))


def _shifts(ratios: Floats, came: Floats, contract: Contract) -> tuple[tuple[float, ...], ...]:
    rows = []
    for j, horizon in enumerate(contract.horizons_sessions):
        stretches = len(came) / horizon
        trust = stretches / (stretches + PRIOR_STRETCHES)
        miss = came[:, j, None] - ratios[:, j, :]  # (r, Q)
        shifts = [trust * float(np.quantile(miss[:, q], level)) for q, level in enumerate(contract.levels)]
        rows.append(tuple(shifts))
    return tuple(rows)


def calibrated(ratios: Floats, calibration: Calibration) -> Floats:
    """Quantiles (r, H, Q) after the shifts, in order again, as ``contango_inference.models.answer`` does it."""
    if not calibration.shift:
        return ratios
    return np.asarray(np.maximum.accumulate(ratios + np.asarray(calibration.shift), axis=-1))

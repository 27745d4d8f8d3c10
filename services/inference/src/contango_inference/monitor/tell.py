"""What is told of a record, and when: pure functions of it. The last two take what was told back into the record."""

from contango_common.events.forecast import DriftDetected, ForecastScored
from contango_inference.monitor import evidence
from contango_inference.monitor.record import Record
from contango_quant.stats.calibration import expected_calibration_error

TELL_EVERY = 20
CALIBRATION_ROWS, CALIBRATION_BINS = 50, 5


def calibration_error(record: Record) -> float | None:
    """Expected calibration error of the newest directions' likeliest class; None below 50 of them, and for variances.

    With few rows it is far above 0 for an honest model too: about 0.08 at 50, 0.02 at 600.
    """
    if len(record.hits) < CALIBRATION_ROWS:
        return None
    return expected_calibration_error(record.stated, record.hits, bins=CALIBRATION_BINS)


def summary(record: Record) -> ForecastScored | None:
    """How the newest forecasts that came due did; None before the first."""
    n = len(record.losses)
    if n == 0:
        return None
    loss, baseline_loss = sum(record.losses) / n, sum(record.baseline_losses) / n
    return ForecastScored(
        symbol=record.symbol,
        model=record.model,
        model_sha=record.model_sha,
        target=record.target,
        resolved=n,
        loss=loss,
        baseline_loss=baseline_loss,
        skill=1.0 - loss / baseline_loss if baseline_loss > 0.0 else None,
        calibration_error=calibration_error(record),
        e_value=evidence.e_value(record.log_wealth),
    )


def scored(record: Record) -> ForecastScored | None:
    """The summary, once twenty forecasts have come due since it was told last (a variance by its shortest horizon)."""
    return summary(record) if record.fresh >= TELL_EVERY else None


def drifted(record: Record) -> DriftDetected | None:
    """A change of the losses that was found and not told yet: their mean after it, against that before it."""
    change = record.change
    if change is None:
        return None
    return DriftDetected(
        symbol=record.symbol,
        model=record.model,
        subject="error",
        name=f"loss.{record.target}",
        test="adwin",
        value=change.after,
        limit=change.before,
    )


def told_scored(record: Record) -> None:
    """A ``ForecastScored`` of this record stands on the log."""
    record.fresh = 0


def told_drift(record: Record) -> None:
    """A ``DriftDetected`` of this record's losses stands on the log: the next one waits for calm."""
    record.change, record.alarmed = None, True

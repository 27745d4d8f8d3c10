"""What the served models say and how well: words, weights, scores, drift, champions. Pure."""

from typing import Any

from contango_common.events.forecast import (
    BASELINE,
    DirectionFitted,
    DirectionForecast,
    DriftDetected,
    Forecast,
    ForecastAbsent,
    ForecastScored,
    PredictorSwitched,
)
from contango_common.events.system import ModelPromoted, ModelRolledBack
from contango_gateway.seen import Handlers, Seen

DRIFT_KEPT, CHANGES_KEPT = 50, 50


class ModelView:
    """Plain dictionaries by symbol and model; ``drift`` and ``changes`` hold the newest, oldest first."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.drift: list[dict[str, Any]] = []
        self.drifts: dict[tuple[str, str, str], int] = {}
        self.changes: list[dict[str, Any]] = []
        self.champions: dict[str, list[str]] = {}

    def on_direction(self, event: DirectionForecast, seen: Seen) -> None:
        row = self._row(event.symbol, event.model, seen)
        row |= {"role": event.role, "version": event.model_sha, "backend": event.backend, "absent": None}
        row["direction"] = {
            "horizon_s": event.horizon_s,
            "bull": event.prob_bull,
            "bear": event.prob_bear,
            "neutral": event.prob_neutral,
        }
        row["weights"]["direction"] = event.weight

    def on_variance(self, event: Forecast, seen: Seen) -> None:
        if event.model == BASELINE:
            return
        row = self._row(event.symbol, event.model, seen)
        row |= {"role": event.role, "version": event.model_sha, "backend": event.backend, "absent": None}
        row["variance"] = {
            "horizons_sessions": list(event.horizons_sessions),
            "levels": list(event.levels),
            "quantiles": [list(q) for q in event.variance_quantiles],
        }
        row["weights"]["variance"] = event.weight

    def on_absent(self, event: ForecastAbsent, seen: Seen) -> None:
        """A silent model has no weight."""
        if event.model != BASELINE:
            row = self._row(event.symbol, event.model, seen)
            row["absent"] = {"reason": event.reason, "ts_ns": seen.ts_ns}
            row["weights"] = dict.fromkeys(row["weights"], 0.0)

    def on_fitted(self, event: DirectionFitted, seen: Seen) -> None:
        row = self._row(event.symbol, event.model, seen)
        row["fitted"] = {
            "version": event.sha,
            "rows": event.rows,
            "brier": event.brier,
            "baseline_brier": event.baseline_brier,
            "accuracy": event.accuracy,
            "ts_ns": seen.ts_ns,
        }

    def on_switched(self, event: PredictorSwitched, seen: Seen) -> None:
        self._row(event.symbol, event.model, seen)["on"] = event.on
        self._change(seen, event.model, "on" if event.on else "off", event.symbol, event.reason)

    def on_scored(self, event: ForecastScored, seen: Seen) -> None:
        self._row(event.symbol, event.model, seen)["scores"][event.target] = {
            "resolved": event.resolved,
            "loss": event.loss,
            "baseline_loss": event.baseline_loss,
            "skill": event.skill,
            "calibration_error": event.calibration_error,
            "e_value": event.e_value,
            "ts_ns": seen.ts_ns,
        }

    def on_drift(self, event: DriftDetected, seen: Seen) -> None:
        alert = event.model_dump() | {"ts_ns": seen.ts_ns}
        self.drift = [*self.drift, alert][-DRIFT_KEPT:]
        key = (event.symbol, event.model, event.subject)
        self.drifts[key] = self.drifts.get(key, 0) + 1

    def on_promoted(self, event: ModelPromoted, seen: Seen) -> None:
        self.champions.setdefault(event.model, []).append(event.sha)
        self._change(seen, event.model, "promoted", event.sha, event.reason)

    def on_rolled_back(self, event: ModelRolledBack, seen: Seen) -> None:
        standing = [sha for sha in self.champions.get(event.model, []) if sha not in (event.previous_sha, event.sha)]
        self.champions[event.model] = standing if event.sha is None else [*standing, event.sha]
        self._change(seen, event.model, "rolled back", event.sha or "none", event.reason)

    def champion(self, model: str) -> str | None:
        """The version that this log made champion; None while the registry's stands."""
        standing = self.champions.get(model)
        return standing[-1] if standing else None

    def version(self, model: str) -> str | None:
        """The version that answers now, as far as it has spoken."""
        spoken = [row["version"] for (_, name), row in self.rows.items() if name == model and row["version"]]
        return self.champion(model) or (spoken[-1] if spoken else None)

    def _row(self, symbol: str, model: str, seen: Seen) -> dict[str, Any]:
        row = self.rows.setdefault(
            (symbol, model),
            {
                "symbol": symbol,
                "model": model,
                "role": None,
                "version": None,
                "backend": None,
                "weights": {},
                "direction": None,
                "variance": None,
                "fitted": None,
                "on": None,
                "scores": {},
                "absent": None,
            },
        )
        row["ts_ns"] = seen.ts_ns
        return row

    def _change(self, seen: Seen, model: str, what: str, subject: str, reason: str) -> None:
        change = {"ts_ns": seen.ts_ns, "model": model, "what": what, "subject": subject, "reason": reason}
        self.changes = [*self.changes, change][-CHANGES_KEPT:]


HANDLERS: Handlers = {
    DirectionForecast: ModelView.on_direction,
    Forecast: ModelView.on_variance,
    ForecastAbsent: ModelView.on_absent,
    DirectionFitted: ModelView.on_fitted,
    PredictorSwitched: ModelView.on_switched,
    ForecastScored: ModelView.on_scored,
    DriftDetected: ModelView.on_drift,
    ModelPromoted: ModelView.on_promoted,
    ModelRolledBack: ModelView.on_rolled_back,
}

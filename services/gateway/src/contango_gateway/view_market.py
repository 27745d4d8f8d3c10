"""What the market looked like last: prices, feeds, regimes, forecasts."""

from typing import Any

from contango_common.events.forecast import BASELINE, Forecast, ForecastAbsent
from contango_common.events.market import Bars, ChainFrame, FeedState
from contango_common.events.signal import FeatureRow, RegimeChanged, RegimeReport
from contango_gateway.seen import Handlers, Seen


class MarketView:
    """Plain dictionaries by symbol. ``frame_ts_ns`` is the instant of the newest message of market data."""

    def __init__(self) -> None:
        self.frame_ts_ns: int | None = None
        self.prices: dict[str, dict[str, Any]] = {}
        self.feeds: dict[str, dict[str, Any]] = {}
        self.regimes: dict[str, dict[str, dict[str, Any]]] = {}
        self.forecasts: dict[str, dict[str, Any]] = {}
        self.features: dict[str, dict[str, Any]] = {}

    def on_bars(self, event: Bars, seen: Seen) -> None:
        self.frame_ts_ns = seen.ts_ns
        for symbol, close in zip(event.symbols, event.close, strict=False):
            self.prices[symbol] = {"symbol": symbol, "price": close, "ts_ns": seen.ts_ns}

    def on_frame(self, event: ChainFrame, seen: Seen) -> None:
        self.frame_ts_ns = seen.ts_ns
        self.prices[event.underlying] = {"symbol": event.underlying, "price": event.spot, "ts_ns": seen.ts_ns}

    def on_feed(self, event: FeedState, seen: Seen) -> None:
        self.feeds[event.underlying] = {
            "underlying": event.underlying,
            "state": event.state,
            "reasons": list(event.reasons),
            "since_ts_ns": seen.ts_ns,
        }

    def on_report(self, event: RegimeReport, seen: Seen) -> None:
        self.regimes.setdefault(event.symbol, {})[event.detector] = {
            "symbol": event.symbol,
            "detector": event.detector,
            "version": event.version,
            "label": event.label,
            "previous": event.previous,
            "since_ts_ns": event.stable_since_ns,
            "posterior": dict(event.posterior),
            "abstain": event.abstain,
            "overlay": list(event.overlay),
            "multiplier": event.multiplier,
            "why": dict(event.why),
        }

    def on_regime(self, event: RegimeChanged, seen: Seen) -> None:
        """From before ``RegimeReport``."""
        self.regimes.setdefault(event.symbol, {})[event.detector] = {
            "symbol": event.symbol,
            "detector": event.detector,
            "version": event.version,
            "label": event.label,
            "previous": event.previous,
            "since_ts_ns": seen.ts_ns,
            "posterior": {event.label: 1.0},
            "abstain": None,
            "overlay": [],
            "multiplier": None,
            "why": dict(event.why),
        }

    def on_forecast(self, event: Forecast, seen: Seen) -> None:
        """The baseline's; what served models say stands in a view of its own."""
        if event.role != "baseline":
            return
        self.forecasts[event.symbol] = {
            "symbol": event.symbol,
            "model": event.model,
            "model_sha": event.model_sha,
            "ts_ns": seen.ts_ns,
            "horizons_sessions": list(event.horizons_sessions),
            "levels": list(event.levels),
            "variance_quantiles": [list(row) for row in event.variance_quantiles],
            "absent": None,
        }

    def on_no_forecast(self, event: ForecastAbsent, seen: Seen) -> None:
        """The last forecast stays in sight, with the reason why there is no newer one."""
        if event.model != BASELINE:
            return
        bare: dict[str, Any] = {"symbol": event.symbol, "model": event.model, "model_sha": None, "ts_ns": None}
        bare |= {"horizons_sessions": [], "levels": [], "variance_quantiles": []}
        known = self.forecasts.get(event.symbol, bare)
        self.forecasts[event.symbol] = {**known, "absent": {"reason": event.reason, "ts_ns": seen.ts_ns}}

    def on_features(self, event: FeatureRow, seen: Seen) -> None:
        self.features[event.symbol] = {"symbol": event.symbol, "ts_ns": seen.ts_ns, "values": dict(event.values)}


HANDLERS: Handlers = {
    Bars: MarketView.on_bars,
    ChainFrame: MarketView.on_frame,
    FeedState: MarketView.on_feed,
    RegimeReport: MarketView.on_report,
    RegimeChanged: MarketView.on_regime,
    Forecast: MarketView.on_forecast,
    ForecastAbsent: MarketView.on_no_forecast,
    FeatureRow: MarketView.on_features,
}

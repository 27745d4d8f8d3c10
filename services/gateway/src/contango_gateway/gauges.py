"""The book as metrics, from the views alone."""

from contango_common.edge.metrics import Metrics
from contango_gateway.views import Views

_BOOK = {
    "contango_book_equity_usd": "equity_usd",
    "contango_book_cash_usd": "cash_usd",
    "contango_drawdown_fraction": "drawdown_fraction",
    "contango_book_delta_shares": "delta_spy_shares",
    "contango_book_gamma": "gamma_spy_shares",
    "contango_book_vega_per_point": "vega_usd_per_point",
    "contango_book_theta_per_day": "theta_usd_per_day",
}
_SCORES = {
    "contango_model_skill": "skill",
    "contango_model_e_value": "e_value",
    "contango_calibration_error": "calibration_error",
}
NAN = float("nan")  # Prometheus' word for a missing value; never a neutral constant


class Gauges:
    """Sets the gauges and raises the counters to what the views say. Counters begin with the log, so they survive."""

    def __init__(self, metrics: Metrics, service: str) -> None:
        self._metrics, self._service = metrics, service
        self._counted: dict[tuple[str, str], float] = {}
        self._drifts: dict[tuple[str, str, str], int] = {}

    def show(self, views: Views, log_last_seq: int) -> None:
        """Called after messages were taken; ``log_last_seq`` is the log's end as last seen."""
        gauge, service = self._metrics.gauge, self._service
        end = max(log_last_seq, views.as_of_seq)
        gauge("contango_cursor_seq", service=service).set(views.as_of_seq)
        gauge("contango_log_last_seq", service=service).set(end)
        gauge("contango_bus_lag_messages", service=service).set(end - views.as_of_seq)
        gauge("contango_trading_halted").set(views.control.halted)
        gauge("contango_open_positions").set(len(views.positions.ids()))
        gauge("contango_orders_unknown").set(views.orders.unknown())
        if views.market.frame_ts_ns is not None:
            gauge("contango_feed_age_seconds").set((views.as_of_ts_ns - views.market.frame_ts_ns) / 1e9)
        self._show_book(views)
        self._show_models(views)
        self._count(views)

    def _show_models(self, views: Views) -> None:
        for (symbol, model), row in views.models.rows.items():
            for target, weight in row["weights"].items():
                labels = {"symbol": symbol, "model": model, "target": target}
                self._metrics.gauge("contango_model_weight", **labels).set(weight)
            for target, score in row["scores"].items():
                labels = {"symbol": symbol, "model": model, "target": target}
                for name, key in _SCORES.items():
                    self._metrics.gauge(name, **labels).set(NAN if score[key] is None else score[key])
        for (symbol, model, subject), count in views.models.drifts.items():
            before = self._drifts.get((symbol, model, subject), 0)
            labels = {"symbol": symbol, "model": model, "subject": subject}
            self._metrics.counter("contango_drift_total", **labels).inc(count - before)
            self._drifts[symbol, model, subject] = count

    def _show_book(self, views: Views) -> None:
        marked = views.account.marked
        if marked is None:
            return
        for name, key in _BOOK.items():
            value = marked[key]
            self._metrics.gauge(name).set(NAN if value is None else value)

    def _count(self, views: Views) -> None:
        self._raise("contango_fills_total", "", "", views.orders.fills)
        for state, count in views.orders.counts.items():
            self._raise("contango_orders_total", "state", state, count)
        for gate, count in views.decisions.refusals.items():
            self._raise("contango_refusals_total", "gate", gate, count)
        self._raise("contango_quarantined_total", "service", self._service, views.undecodable)

    def _raise(self, name: str, label: str, value: str, total: int) -> None:
        before = self._counted.get((name, value), 0)
        if total > before or before == 0:
            self._metrics.counter(name, **({label: value} if label else {})).inc(total - before)
            self._counted[name, value] = total

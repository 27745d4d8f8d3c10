"""Every metric of the house, declared once: name, kind, unit, meaning, labels."""

from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from contango_common.domain.errors import ContangoError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Seconds, 10 us to 10 s: a fold's step is near the left end, a surface fit or a snapshot near the right.
BUCKETS_S = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Metric:
    """One row of the table; a counter's name ends in `_total`."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


METRICS = (
    Metric("contango_up", "gauge", "1", "1 while the service runs its loop", ("service",)),
    Metric("contango_messages_total", "counter", "messages", "Messages handled", ("service", "subject")),
    Metric("contango_step_seconds", "histogram", "s", "One evolve-decide step", ("service",)),
    Metric("contango_publish_seconds", "histogram", "s", "Publish until acknowledged", ("service",)),
    Metric("contango_cursor_seq", "gauge", "sequence", "Last sequence handled", ("service",)),
    Metric("contango_log_last_seq", "gauge", "sequence", "Last sequence of the log as seen", ("service",)),
    Metric("contango_bus_lag_messages", "gauge", "messages", "Log end minus own cursor", ("service",)),
    Metric("contango_decisions_total", "counter", "facts", "Facts decided, by tag", ("service", "kind")),
    Metric("contango_quarantined_total", "counter", "messages", "Undecodable messages set aside", ("service",)),
    Metric("contango_feature_failed_total", "counter", "features", "Features switched off", ("feature",)),
    Metric("contango_snapshot_seconds", "histogram", "s", "Write one snapshot", ("service",)),
    Metric("contango_restarts_total", "counter", "restarts", "Restarts by the supervisor", ("service",)),
    Metric("contango_refusals_total", "counter", "refusals", "Proposals refused, per gate", ("gate",)),
    Metric("contango_trading_halted", "gauge", "1", "1 while new risk is halted"),
    Metric("contango_book_equity_usd", "gauge", "USD", "Cash plus marks"),
    Metric("contango_book_cash_usd", "gauge", "USD", "Cash"),
    Metric("contango_drawdown_fraction", "gauge", "1", "Fall of equity from its high, 0 to 1"),
    Metric("contango_book_delta_shares", "gauge", "shares", "Delta of the book in underlying shares"),
    Metric("contango_book_gamma", "gauge", "shares/USD", "Change of delta per 1 USD of the underlying"),
    Metric("contango_book_vega_per_point", "gauge", "USD/point", "P&L per volatility point"),
    Metric("contango_book_theta_per_day", "gauge", "USD/day", "P&L per calendar day"),
    Metric("contango_open_positions", "gauge", "positions", "Open structures"),
    Metric("contango_orders_total", "counter", "orders", "Orders that reached a state", ("state",)),
    Metric("contango_orders_unknown", "gauge", "orders", "Orders whose fate the venue has not proved"),
    Metric("contango_fills_total", "counter", "fills", "Fills booked"),
    Metric("contango_feed_age_seconds", "gauge", "s", "Age of the newest market frame"),
    Metric("contango_inference_seconds", "histogram", "s", "One question to a model, late ones too", ("backend",)),
    Metric("contango_inference_queue", "gauge", "requests", "Questions that wait for their answer", ("backend",)),
    Metric("contango_inference_absences_total", "counter", "answers", "Questions without an answer", ("backend",)),
    Metric("contango_model_weight", "gauge", "1", "Weight of a model's last forecast", ("symbol", "model", "target")),
    Metric("contango_model_skill", "gauge", "1", "1 - loss / baseline loss", ("symbol", "model", "target")),
    Metric("contango_model_e_value", "gauge", "1", "Evidence of being better", ("symbol", "model", "target")),
    Metric("contango_calibration_error", "gauge", "1", "Said less seen, mean", ("symbol", "model", "target")),
    Metric("contango_drift_total", "counter", "alerts", "Drift of features or errors", ("symbol", "model", "subject")),
    Metric("contango_recorder_rows_total", "counter", "rows", "Rows sent to the database", ("table",)),
    Metric("contango_recorder_checkpoint_seq", "gauge", "sequence", "Last sequence committed"),
    Metric("contango_recorder_write_seconds", "histogram", "s", "One transaction of the recorder"),
)


def declared() -> frozenset[str]:
    """Names of all metrics, as written in the table.

    >>> "contango_up" in declared()
    True
    """
    return frozenset(metric.name for metric in METRICS)


def series() -> frozenset[str]:
    """Names that a Prometheus query may use: histograms appear as _bucket, _sum and _count."""
    suffixes = {"histogram": ("_bucket", "_sum", "_count")}
    return frozenset(metric.name + end for metric in METRICS for end in suffixes.get(metric.kind, ("",)))


class Metrics:
    """The table's metrics in a registry of their own; names and labels outside the table are refused.

    Keep what the methods return: a bound metric is updated without look-ups. What was never asked for is
    not shown.

    >>> metrics = Metrics()
    >>> metrics.counter("contango_fills_total").inc()
    >>> metrics.value("contango_fills_total")
    1.0
    """

    def __init__(self) -> None:
        # Else every series has a twin that no table declares.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._rows = {metric.name: metric for metric in METRICS}
        self._built: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, name: str, **labels: str) -> Counter:
        """A counter bound to its labels. Raises ContangoError for a name or labels that are not declared."""
        bound = self._bound(name, labels)
        if not isinstance(bound, Counter):
            raise ContangoError(f"metric {name} is no counter")
        return bound

    def gauge(self, name: str, **labels: str) -> Gauge:
        """A gauge bound to its labels. Raises ContangoError for a name or labels that are not declared."""
        bound = self._bound(name, labels)
        if not isinstance(bound, Gauge):
            raise ContangoError(f"metric {name} is no gauge")
        return bound

    def histogram(self, name: str, **labels: str) -> Histogram:
        """A histogram bound to its labels. Raises ContangoError for what is not declared."""
        bound = self._bound(name, labels)
        if not isinstance(bound, Histogram):
            raise ContangoError(f"metric {name} is no histogram")
        return bound

    def value(self, name: str, **labels: str) -> float | None:
        """The present value of one series, None when it was never touched."""
        return self.registry.get_sample_value(name, labels)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _bound(self, name: str, labels: dict[str, str]) -> Counter | Gauge | Histogram:
        row = self._rows.get(name)
        if row is None:
            raise ContangoError(f"metric {name} is not declared; add its line to METRICS")
        if set(labels) != set(row.labels):
            raise ContangoError(f"metric {name} has labels {list(row.labels)}, not {sorted(labels)}")
        # Built at first use: a service must not show a book equity of 0 because it knows of no book.
        if name not in self._built:
            self._built[name] = _build(row, self.registry)
        return self._built[name].labels(**labels) if labels else self._built[name]


def _build(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    text = f"{metric.meaning} ({metric.unit})"
    if metric.kind == "counter":
        return Counter(metric.name, text, metric.labels, registry=registry)
    if metric.kind == "gauge":
        return Gauge(metric.name, text, metric.labels, registry=registry)
    return Histogram(metric.name, text, metric.labels, registry=registry, buckets=BUCKETS_S)

"""Every metric is declared once, and only declared ones can be touched or are shown."""

import re

import pytest

from contango_common.domain.errors import ContangoError
from contango_common.edge.metrics import METRICS, Metric, Metrics, declared, series

LINE = re.compile(r"^(?P<name>[a-z_]+)(\{(?P<labels>[^}]*)\})? (?P<value>\S+)$")


def touch(metrics: Metrics, metric: Metric) -> None:
    labels = dict.fromkeys(metric.labels, "x")
    if metric.kind == "counter":
        metrics.counter(metric.name, **labels).inc()
    elif metric.kind == "gauge":
        metrics.gauge(metric.name, **labels).set(2)
    else:
        metrics.histogram(metric.name, **labels).observe(0.5)


def shown(metrics: Metrics) -> set[str]:
    lines = metrics.exposition().decode().splitlines()
    return {match["name"] for line in lines if (match := LINE.match(line))}


def test_names_are_unique_and_follow_the_rules() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names) == len(declared())
    for metric in METRICS:
        assert re.fullmatch(r"contango_[a-z_]+[a-z]", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.unit
        assert metric.meaning
        assert metric.kind != "histogram" or metric.name.endswith("_seconds")


def test_what_is_shown_is_exactly_the_declared_series() -> None:
    metrics = Metrics()
    for metric in METRICS:
        touch(metrics, metric)
    assert shown(metrics) == series()


def test_what_nobody_measured_is_not_shown_as_zero() -> None:
    metrics = Metrics()
    assert shown(metrics) == set()
    metrics.gauge("contango_book_cash_usd").set(5)
    assert shown(metrics) == {"contango_book_cash_usd"}
    assert metrics.value("contango_book_equity_usd") is None


def test_two_registries_do_not_share() -> None:
    one, two = Metrics(), Metrics()
    one.counter("contango_orders_total", state="filled").inc(3)
    assert one.value("contango_orders_total", state="filled") == 3
    assert two.value("contango_orders_total", state="filled") is None


def test_bound_metrics_count_together() -> None:
    metrics = Metrics()
    metrics.counter("contango_orders_total", state="filled").inc()
    metrics.counter("contango_orders_total", state="filled").inc()
    metrics.histogram("contango_step_seconds", service="risk").observe(2e-5)
    assert metrics.value("contango_orders_total", state="filled") == 2
    assert metrics.value("contango_step_seconds_bucket", service="risk", le="3e-05") == 1


@pytest.mark.parametrize(
    ("name", "labels", "reason"),
    [
        ("contango_nonsense_total", {}, "is not declared; add its line"),
        ("contango_orders_total", {}, "has labels"),
        ("contango_orders_total", {"gate": "x"}, "has labels"),
        ("contango_fills_total", {"state": "x"}, "has labels"),
        ("contango_up", {"service": "x"}, "is no counter"),
    ],
)
def test_undeclared_is_refused(name: str, labels: dict[str, str], reason: str) -> None:
    with pytest.raises(ContangoError, match=reason):
        Metrics().counter(name, **labels)

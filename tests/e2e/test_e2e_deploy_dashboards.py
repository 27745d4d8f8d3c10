"""Alerts and panels name only metrics that exist, and queries that the recorder's tables answer."""

import re
from itertools import combinations

import psycopg
import pytest
import yaml

from contango_common.edge.embedded_postgres import EmbeddedPostgres
from contango_common.edge.metrics import METRICS, series
from contango_common.edge.migrations import load_migrations
from contango_common.edge.store import Store
from support import deploy

# PromQL's own words that look like names of series.
LANGUAGE = {"sum", "max", "by", "on", "and", "or", "rate", "increase", "resets", "delta", "histogram_quantile"}
LABELS = {metric.name: set(metric.labels) for metric in METRICS}
EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in deploy.alerts()] + deploy.targets("prometheus", "expr")
SOURCES = yaml.safe_load((deploy.DEPLOY / "grafana" / "provisioning" / "datasources" / "contango.yml").read_text())[
    "datasources"
]


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_expressions_use_declared_series(title, expression):
    """Every word is a declared series, a label of one of them, a word of the language, or `up`."""
    used = deploy.metrics_in(expression)
    assert used or re.search(r"\bup\{", expression), title
    assert used <= series()
    labels = {"le", "job"}.union(*(LABELS[re.sub(r"_(bucket|sum|count)$", "", name)] for name in used))
    plain = re.sub(r'"[^"]*"|\[\w+\]', "", expression)
    words = set(re.findall(r"[a-z_]\w*", plain))
    assert words - used - labels - LANGUAGE <= {"up"}
    assert plain.count("(") == plain.count(")")


def test_a_word_that_is_no_series_is_noticed():
    with pytest.raises(AssertionError):
        test_expressions_use_declared_series("planted", "contango_no_such_thing > 0")
    with pytest.raises(AssertionError):
        test_expressions_use_declared_series("planted", "sum by (venue) (contango_up)")


def test_alerts_cover_what_must_be_noticed_and_say_what_to_do():
    expressions = " ".join(rule["expr"] for rule in deploy.alerts())
    wanted = {"bus_lag_messages", "feed_age_seconds", "recorder_checkpoint_seq", "drawdown_fraction"}
    wanted |= {"trading_halted", "orders_unknown", "quarantined_total", "restarts_total", "up"}
    assert {name for name in wanted if f"contango_{name}" not in expressions} == set()
    assert 'up{job="contango"} == 0' in expressions
    names = [rule["alert"] for rule in deploy.alerts()]
    assert len(set(names)) == len(names)
    for rule in deploy.alerts():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert {"summary", "action"} <= set(rule["annotations"])
        # A placeholder that the expression aggregates away would be shown empty.
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            carried = set().union(*(LABELS[name] for name in deploy.metrics_in(rule["expr"]) if name in LABELS))
            assert label == "instance" or label in carried or f"by ({label}" in rule["expr"]


def test_every_panel_has_a_source_an_id_and_a_place_of_its_own():
    panels = deploy.dashboard()["panels"]
    assert len({panel["title"] for panel in panels}) == len(panels)
    known = {source["uid"]: source["type"] for source in SOURCES}
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        if panel["type"] == "row":
            continue
        assert panel["description"]
        assert panel["targets"]
        for part in (panel, *panel["targets"]):
            assert known[part["datasource"]["uid"]] == part["datasource"]["type"]
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_dashboard_shows_what_was_asked_for():
    names = " ".join(sorted(deploy.metrics_used()))
    for wanted in ("equity_usd", "cash_usd", "delta_shares", "gamma", "vega_per_point", "theta_per_day"):
        assert f"contango_book_{wanted}" in names
    for wanted in ("step_seconds_bucket", "publish_seconds_bucket", "bus_lag_messages", "decisions_total"):
        assert f"contango_{wanted}" in names
    tables = " ".join(query for _, query in deploy.sql_panels())
    for wanted in ("marks", "trades", "decisions", "refusal_reasons", "scans", "orders", "contango_checkpoint"):
        assert f"FROM {wanted}" in tables


def test_sources_read_passwords_from_files_and_name_the_hosts_of_the_compose_file():
    config = deploy.compose({"CONTANGO_SECRETS_GID": "1"})
    for source in SOURCES:
        host = re.sub(r"^http://", "", source["url"]).partition(":")[0]
        assert set(config["services"][host]["networks"]) & set(config["services"]["grafana"]["networks"])
        for value in source.get("secureJsonData", {}).values():
            secret = re.fullmatch(r"\$__file\{/run/secrets/([\w-]+)\}", value)
            assert secret is not None
            assert secret[1] in config["services"]["grafana"]["secrets"]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    with EmbeddedPostgres(tmp_path_factory.mktemp("panels"), fsync=False) as server:
        with Store(server.dsn) as store:
            store.migrate(load_migrations("contango_recorder"))
        with psycopg.connect(server.dsn) as link:
            yield link


@pytest.mark.heavy
@pytest.mark.xdist_group("deploy")
def test_sql_panels_run_on_migrated_tables(migrated):
    assert len(deploy.sql_panels()) >= 10
    panels = {panel["title"]: panel for panel in deploy.dashboard()["panels"]}
    for title, query in deploy.sql_panels():
        columns = [column.name for column in migrated.execute(query.encode()).description]
        x_field = panels[title]["options"].get("xField")
        assert x_field is None or x_field in columns, title


@pytest.mark.heavy
@pytest.mark.xdist_group("deploy")
def test_a_query_for_a_column_that_is_not_there_is_noticed(migrated):
    with pytest.raises(psycopg.errors.UndefinedColumn):
        migrated.execute("SELECT no_such_column FROM marks")
    migrated.rollback()

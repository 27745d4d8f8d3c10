"""The projection without a database: golden rows, and what every tag promises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import Undecodable
from contango_common.events import forecast, market, order, risk, signal, system
from contango_common.events.base import TAGS, Event
from contango_common.events.codec import Envelope, encode
from contango_common.runtime.log import Message
from contango_recorder.batch import build
from contango_recorder.project import project, project_message, timestamp
from contango_recorder.projections import PROJECTIONS
from contango_recorder.schema import QUARANTINE, TABLES

TS_NS = 1_388_764_800_000_000_000
TS = "2014-01-03 16:00:00+00:00"
SPX = {"underlying": "SPX"}


def rows_of(*events: Event, seq=7, source="risk", cause=5):
    rows = {}
    project(seq, Envelope(TS_NS, source, cause, events, tuple(range(len(events))), "b"), rows)
    return rows


def test_bars_make_one_row_a_symbol():
    event = market.Bars(
        timeframe_s=900, symbols=("SPX", "VIX"), open=(1.0, 2.0), high=(3.0, 4.0), low=(0.5, 1.5), close=(2.5, 3.5)
    )
    body = (
        '{"timeframe_s":900,"symbols":["SPX","VIX"],"open":[1.0,2.0],"high":[3.0,4.0],"low":[0.5,1.5],'
        '"close":[2.5,3.5],"volume":[]}'
    )
    assert rows_of(event, source="md", cause=0) == {
        "events": [(7, 0, TS, "md", "Bars", 0, 0, body)],
        "bars": [(7, 0, TS, "SPX", 900, 1.0, 3.0, 0.5, 2.5, None), (7, 0, TS, "VIX", 900, 2.0, 4.0, 1.5, 3.5, None)],
    }


def test_decisions_carry_all_their_reasons():
    limits = {"delta": None, "risk": 0.5}
    refused = risk.Refused(proposal_id="p", strategy="condor", reasons=("a", "b"), limits=limits, **SPX)
    wanted = risk.ExitRequested(
        position_id="p",
        instruments=("x",),
        ratios=(-1,),
        multiplier=100,
        tick_micros=10_000,
        quantity=2,
        reason="profit",
        all_true=("profit", "dte"),
        closing_debit_ticks=40.5,
        **SPX,
    )
    rows = rows_of(refused, wanted)["decisions"]
    text = '{"delta":null,"risk":0.5}'
    assert rows == [
        (7, 0, TS, "refused", "p", None, "condor", "SPX", None, None, ["a", "b"], None, None, None, text, None, None),
        (
            *(7, 1, TS, "exit_requested", None, "p", None, "SPX", 2, "profit", ["profit", "dte"]),
            *(None, None, None, None, 40.5, "normal"),
        ),
    ]


def test_a_fill_keeps_its_legs_in_order():
    event = order.Filled(
        order_id="o",
        fill_id="f",
        quantity=2,
        instruments=("a", "b"),
        leg_quantities=(2, -2),
        leg_price_micros=(10, 30),
        cash_micros=4_000,
        mid_cash_micros=4_400,
        natural_cash_micros=3_600,
        fees_micros=100,
        remaining=1,
    )
    assert rows_of(event)["fills"] == [
        (7, 0, TS, "o", "f", 2, ["a", "b"], [2, -2], [10, 30], 4_000, 4_400, 3_600, 100, 1)
    ]


def test_forecasts_made_and_absent():
    made = forecast.Forecast(
        symbol="SPX",
        model="m",
        model_sha="s",
        input_hash="h",
        horizons_sessions=(1, 5),
        levels=(0.5,),
        variance_quantiles=((0.01,), (0.02,)),
    )
    absent = forecast.ForecastAbsent(symbol="SPX", model="m", reason="too little")
    assert rows_of(made, absent)["forecasts"] == [
        (7, 0, TS, "SPX", "m", "s", "h", [1, 5], [0.5], [[0.01], [0.02]], None),
        (7, 1, TS, "SPX", "m", None, None, None, None, None, "too little"),
    ]


def test_control_names_its_subject():
    rows = rows_of(
        system.FeatureSwitched(feature="ou", switch="off", reason="r"),
        system.CloseOrdered(position_id="p", reason="now"),
        system.TradingStarted(),
    )["control"]
    assert [(row[3], row[4], row[5]) for row in rows] == [
        ("FeatureSwitched", "ou", "r"),
        ("CloseOrdered", "p", "now"),
        ("TradingStarted", None, None),
    ]
    assert json.loads(rows[0][6]) == {"feature": "ou", "switch": "off", "reason": "r"}


def test_a_tag_without_a_table_lands_in_events():
    event = market.RateSet(underlying="SPX", rate_annual=0.01, div_yield_annual=0.02)
    assert type(event) not in PROJECTIONS
    assert set(rows_of(event)) == {"events"}


def test_every_decision_order_and_risk_tag_has_a_table():
    """A new event of these families must say where it goes; reference data and ticks stay in ``events``."""
    told = {"risk", "execution", "broker", "signals", "forecast", "fit", "control"}
    known = {cls for cls in TAGS.values() if cls.__module__.startswith("contango_common.")}
    missing = {c.__name__ for c in known if c.FAMILY in told and c not in PROJECTIONS}
    assert missing == {"AccountSnapshot", "ExitSignal"}


def test_every_projection_writes_a_table_of_the_schema():
    assert {table for table, _ in PROJECTIONS.values()} == set(TABLES) - {"events"}


def test_what_cannot_be_decoded_leaves_nothing_half_made():
    rows = {"events": [1]}
    with pytest.raises(Undecodable):
        project_message(Message(3, "log.md", b"{}"), rows)
    assert rows == {"events": [1]}
    good = Message(4, "log.risk", encode(Envelope(TS_NS, "risk", 0, (system.Halt(reason="r"),), (0,))))
    batch = build([Message(3, "log.md", b"{}"), good])
    assert [row[:2] for row in batch.rows[QUARANTINE]] == [(3, "log.md")]
    assert [row[0] for row in batch.rows["events"]] == [4]
    assert (batch.last, batch.quarantined()) == (4, 1)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=20), st.integers(1, 20))
def test_batches_do_not_depend_on_where_they_are_cut(sizes, cut):
    event = signal.FeatureRow(symbol="SPX", values={"a": 1.0, "b": None})
    data = [encode(Envelope(TS_NS + n, "signals", 0, (event,) * n, (0,) * n)) for n in sizes]
    messages = [Message(i + 1, "log.signals", body) for i, body in enumerate(data)]
    whole = build(messages).rows
    parts: dict = {}
    for start in range(0, len(messages), cut):
        for table, rows in build(messages[start : start + cut]).rows.items():
            parts.setdefault(table, []).extend(rows)
    assert parts == whole
    assert len(whole["events"]) == len(whole["features"]) == sum(sizes)


@given(st.integers(0, 4_102_444_800_000_000_000))
def test_time_is_cut_to_microseconds_never_rounded(ts_ns):
    from datetime import datetime

    back = datetime.fromisoformat(timestamp(ts_ns))
    whole = round((back - datetime.fromisoformat("1970-01-01T00:00:00+00:00")).total_seconds() * 1e6)
    assert abs(whole - ts_ns // 1000) <= 1
    assert timestamp(ts_ns // 1000 * 1000) == timestamp(ts_ns)

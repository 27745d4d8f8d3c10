"""The projection without a database: golden rows, and what every tag promises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import Undecodable
from contango_common.events import advice, fit, forecast, market, order, risk, signal, system
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
        (7, 0, TS, "SPX", "m", "s", "h", [1, 5], [0.5], [[0.01], [0.02]], None, "baseline", 1.0, None),
        (7, 1, TS, "SPX", "m", None, None, None, None, None, "too little", None, None, None),
    ]


def test_regimes_of_reports_and_of_old_changes():
    report = signal.RegimeReport(
        symbol="SPX",
        detector="s0",
        version=2,
        label=None,
        previous="bull_low_vol",
        posterior={"bull_low_vol": 0.4, "bear_high_vol": 0.6},
        as_of_ns=5,
        stable_since_ns=3,
        abstain="no label reaches 0.7",
        overlay=("VOLATILE",),
        multiplier=0.5,
        why={"vol": 0.2},
    )
    changed = signal.RegimeChanged(symbol="SPX", detector="s2", version=1, label="BULL_TREND", previous=None, why={})
    posterior = '{"bull_low_vol":0.4,"bear_high_vol":0.6}'
    assert rows_of(report, changed, source="signals")["regimes"] == [
        (
            *(7, 0, TS, "SPX", "s0", 2, None, "bull_low_vol", '{"vol":0.2}'),
            *(posterior, 5, 3, "no label reaches 0.7", ["VOLATILE"], 0.5),
        ),
        (7, 1, TS, "SPX", "s2", 1, "BULL_TREND", None, "{}", None, None, None, None, None, None),
    ]


CONTEXT = {
    "entry_parameters": {"short_delta": 0.16},
    "module_specific_params": {"iv_rank": None},
    "market_context": {"regime": "BULL_TREND"},
    "alternatives": {"live": True},
}
CONTEXT_ROW = ('{"short_delta":0.16}', '{"iv_rank":null}', '{"regime":"BULL_TREND"}', '{"live":true}')


def test_a_proposal_says_its_multipliers_what_it_changes_and_its_context():
    event = signal.Proposal(
        proposal_id="p",
        strategy="condor",
        kind="iron_condor",
        instruments=("a",),
        ratios=(1,),
        multiplier=100,
        tick_micros=10_000,
        expiry_ns=None,
        last_trade_ns=None,
        mid_ticks=1.0,
        natural_ticks=2,
        limit_ticks=2,
        max_loss_ticks=2,
        score=1.0,
        gates={},
        why={},
        regime="r",
        valid_until_ns=9,
        multipliers={"vix": 0.5},
        shadow_multipliers={"regime_s0": 0.25},
        adjusts="old",
        adjustment="roll_breach",
        closes=True,
        **CONTEXT,
        **SPX,
    )
    (row,) = rows_of(event, source="signals")["proposals"]
    assert row[-9:] == ('{"vix":0.5}', '{"regime_s0":0.25}', "old", "roll_breach", True, *CONTEXT_ROW)


def test_a_trade_says_what_it_changed_and_its_context():
    event = risk.TradeClosed(
        position_id="p",
        proposal_id="p",
        strategy="condor",
        instruments=("a",),
        ratios=(1,),
        quantity=1,
        opened_ns=1,
        entry_net_micros=1,
        exit_net_micros=1,
        fees_micros=0,
        pnl_micros=2,
        mid_pnl_micros=2,
        natural_pnl_micros=2,
        max_loss_micros=1,
        exit_reason="roll",
        exit_all_true=("roll",),
        regime_at_entry="r",
        regime_at_exit=None,
        entry_why={"shadow.vix": 0.5},
        exit_why={},
        adjusts="old",
        **CONTEXT,
        **SPX,
    )
    (row,) = rows_of(event)["trades"]
    assert row[-6:] == ("{}", "old", *CONTEXT_ROW)[-6:]


def test_what_signals_adjust_build_choose_and_warn_of():
    adjusted = signal.ThresholdsAdjusted(
        symbol="SPX", threshold="adx", old=25.0, new=27.0, percentile=0.8, multiplier=1.1, reason="volatile"
    )
    profile = signal.ProfileBuilt(
        symbol="SPX",
        from_ns=1,
        bars=390,
        bin_fraction=0.001,
        poc=10.0,
        value_low=9.0,
        value_high=11.0,
        volume=1e6,
        low_volume_below=50.0,
        low_areas=((8.0, 8.5),),
    )
    selected = signal.StrategiesSelected(
        session_date=20140103, detector="s2", label=None, selected=("condor",), excluded={"calendar": "regime"}, **SPX
    )
    alert = signal.GateAlert(strategy="condor", gate="credit", killed_share=0.99, limit=0.95, sessions=5, **SPX)
    rows = rows_of(adjusted, profile, selected, alert, source="signals")
    assert rows["thresholds"] == [(7, 0, TS, "SPX", "adx", 25.0, 27.0, 0.8, 1.1, "volatile")]
    assert rows["profiles"] == [(7, 1, TS, "SPX", 1, 390, 0.001, 10.0, 9.0, 11.0, 1e6, 50.0, "[[8.0,8.5]]")]
    assert rows["selections"] == [(7, 2, TS, "SPX", 20140103, "s2", None, ["condor"], '{"calendar":"regime"}')]
    assert rows["gate_alerts"] == [(7, 3, TS, "SPX", "condor", "credit", 0.99, 0.95, 5)]


def test_fits_are_one_table_with_the_whole_fact():
    absent = fit.MixtureAbsent(symbol="SPX", detector="s0", reason="200 rows of 500")
    ou = fit.OuFitted(
        symbol="SPX",
        series="log_vol_index",
        rows=500,
        identified=False,
        mean=None,
        sd=None,
        half_life_days=None,
        half_life_low_days=None,
        half_life_high_days=None,
        adf_p=0.4,
        kpss_p=0.01,
        reason="no reversion",
        trained_until_ns=1,
    )
    rows = rows_of(absent, ou, source="fit")["fits"]
    assert [row[3:8] for row in rows] == [
        ("mixture", "SPX", None, None, "200 rows of 500"),
        ("ou", "SPX", None, 500, "no reversion"),
    ]
    assert json.loads(rows[1][8])["series"] == "log_vol_index"
    assert all(len(row) == len(TABLES["fits"]) for row in rows)


def test_what_models_say_and_how_it_came():
    word = forecast.DirectionForecast(
        symbol="SPX",
        model="daily",
        model_sha="a",
        input_hash="b",
        horizon_s=0,
        prob_bull=0.5,
        prob_bear=0.25,
        prob_neutral=0.25,
        confidence=0.5,
        weight=0.125,
        backend="triton",
        neutral_band=0.002,
    )
    score = forecast.ForecastScored(
        symbol="SPX",
        model="daily",
        model_sha="a",
        target="direction",
        resolved=20,
        loss=0.6,
        baseline_loss=0.62,
        skill=0.03,
        calibration_error=None,
        e_value=2.0,
    )
    drift = forecast.DriftDetected(
        symbol="SPX", model="daily", subject="feature", name="rsi_1d", test="psi", value=0.5, limit=0.25
    )
    note = advice.AdviceGiven(
        proposal_id="p",
        advisor="notes",
        stance="neutral",
        confidence=0.5,
        note="calm",
        prompt_sha="c",
        latency_ms=9.0,
    )
    promoted = system.ModelPromoted(model="daily", sha="a", previous_sha=None, evidence={}, reason="better")
    rows = rows_of(word, score, drift, note, promoted, source="forecast")
    words = ("SPX", "daily", "a", "b", 0, 0.5, 0.25, 0.25, 0.5, "champion", 0.125, "triton", 0.002)
    assert rows["directions"] == [(7, 0, TS, *words)]
    assert rows["forecast_scores"] == [(7, 1, TS, "SPX", "daily", "a", "direction", 20, 0.6, 0.62, 0.03, None, 2.0)]
    assert rows["model_facts"][0][3:7] == ("drift", "SPX", "daily", "feature rsi_1d")
    assert rows["advice"] == [(7, 3, TS, "given", "p", "notes", "neutral", 0.5, "calm", None, 9.0, None, None)]
    assert rows["control"][0][3:6] == ("ModelPromoted", "daily", "better")
    for table in ("directions", "forecast_scores", "model_facts", "advice"):
        assert all(len(row) == len(TABLES[table]) for row in rows[table])


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

"""The views show what the log says and nothing else: one life of a trade, rebuilding, missing quotes, any message."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import Undecodable
from contango_common.events.codec import Envelope, decode, encode
from contango_common.runtime.log import Message
from contango_common.runtime.snapshot import StateCodec
from contango_gateway.views import Views
from contango_risk import fold as risk
from support.event_strategies import envelopes
from support.gateway_world import IDS, House, scan


def views_of(house: House, upto: int | None = None) -> Views:
    views = Views(house.blocks)
    for message in house.log.messages[:upto]:
        views.update(message, decode(message.data))
    return views


def everything(views: Views) -> str:
    """All that the views could ever show, as text."""
    parts: dict[str, Any] = {
        "as_of": [views.as_of_seq, views.as_of_ts_ns, views.undecodable],
        "account": [views.account.marked, views.account.points(1000)],
        "market": [views.market.prices, views.market.feeds, views.market.regimes, views.market.forecasts],
        "control": [views.control.parameters, views.control.halts, views.control.switches],
        "orders": [views.orders.working, views.orders.finished, views.orders.counts],
        "decisions": [list(views.decisions.last), views.decisions.refusals],
        "trades": [list(views.trades.last), views.trades.totals()],
        "positions": [views.positions.rows(), views.positions.reserved()],
    }
    return json.dumps(parts, sort_keys=True, default=str)


def test_an_open_position_is_shown_with_legs_entry_marks_and_why():
    house = House()
    house.trade()
    [row] = views_of(house).positions.rows()
    assert row["position_id"] == house.position_id
    assert row["why"] == {"iv_rank": 60.0, "breach_odds_put": None}
    units = row["units"]
    assert units > 0
    assert [(leg["instrument"], leg["lots"]) for leg in row["legs"]] == [
        (IDS[0], units),
        (IDS[1], -units),
        (IDS[2], -units),
        (IDS[3], units),
    ]
    assert row["entry_net_usd"] > 0
    assert row["marks"]["absent"] is None
    assert row["pnl_mid_usd"] == pytest.approx(row["entry_net_usd"] + row["marks"]["mid_usd"] - row["fees_usd"])
    held = sum(leg["lots"] * (leg["bid_usd"] + leg["ask_usd"]) / 2 * 100 for leg in row["legs"])
    assert row["marks"]["mid_usd"] == pytest.approx(held)
    assert row["greeks"]["vega_usd_per_point"] < 0 < row["greeks"]["theta_usd_per_day"]


def test_a_reservation_is_shown_until_its_order_is_final():
    house = House()
    house.frame()
    views = views_of(house)
    [reserved] = views.positions.reserved()
    [order] = views.orders.working.values()
    assert reserved["position_id"] == house.position_id == order["position_id"]
    assert reserved["max_loss_usd"] > 0
    assert [step["state"] for step in order["history"]] == ["SUBMITTED", "WORKING"]
    house.frame()
    assert views_of(house).positions.reserved() == []


def test_a_closed_trade_leaves_the_book_and_enters_the_trades():
    house = House()
    house.trade()
    house.close()
    views = views_of(house)
    assert views.positions.rows() == []
    assert views.orders.working == {}
    [trade] = views.trades.last
    assert trade["exit_reason"] == "profit"
    flows = trade["entry_net_usd"] + trade["exit_net_usd"] - trade["fees_usd"]
    assert trade["pnl_usd"] == pytest.approx(flows)
    assert views.positions.cash_usd == pytest.approx(1_000_000 + trade["pnl_usd"])
    assert views.trades.totals()["count"] == 1
    assert views.orders.counts == {"filled": 2}
    states = [step["state"] for step in views.orders.finished[f"{house.position_id}:x1"]["history"]]
    assert states[0] == "SUBMITTED"
    assert states[-1] == "FILLED"


def test_decisions_carry_all_reasons_all_gates_and_the_numbers():
    house = House(proposing=False)
    house.frame()
    views = views_of(house)
    [refused] = views.decisions.select(10, "refused")
    assert refused["reasons"] == ["iv_rank", "max_open"]
    assert refused["gates"] == {"session_time": True, "iv_rank": False, "max_open": False}
    assert refused["kills"] == {"iv_rank": 3, "max_open": 3}
    assert refused["why"] == {"iv_rank": 5.0, "vix": None}
    assert views.decisions.refusals == {"iv_rank": 1, "max_open": 1}


def test_a_proposing_scan_is_not_listed_beside_its_proposal():
    house = House()
    house.frame()
    kinds = [row["kind"] for row in views_of(house).decisions.select(50, None)]
    assert kinds == ["ordered", "approved", "proposed", "parameters_changed"]


def test_the_account_shows_the_last_mark_and_its_curve():
    house = House()
    house.trade()
    views = views_of(house)
    marked = views.account.marked
    assert marked is not None
    assert marked["equity_usd"] == pytest.approx(marked["cash_usd"] + marked["holdings_mid_usd"])
    assert views.account.points(100)[0]["equity_usd"] == 1_000_000
    assert views.account.points(100)[-1]["equity_usd"] == marked["equity_usd"]


@given(count=st.integers(1, 300), limit=st.integers(2, 50))
def test_a_thinned_curve_keeps_its_last_point_and_its_bound(count: int, limit: int):
    views = Views()
    for i in range(count):
        views.account.curve.append((i, float(i)))
    points = views.account.points(limit)
    assert len(points) <= limit
    assert points[-1] == {"ts_ns": count - 1, "equity_usd": float(count - 1)}
    assert [p["ts_ns"] for p in points] == sorted({p["ts_ns"] for p in points})


def test_views_after_a_restart_equal_the_views_before():
    house = House()
    house.trade()
    house.close()
    house.frame()
    running = Views(house.blocks)
    for message in house.log.messages:
        running.update(message, decode(message.data))
        assert everything(running) == everything(views_of(house, message.seq))


def test_the_ledger_shown_is_risks_own_at_every_instant():
    house = House()
    codec, views = StateCodec(risk), Views(house.blocks)
    [mine] = [p for p in house.engine.participants if p.name == "risk"]
    for vol in (0.2, 0.2, 0.2, 0.21, 0.19, 0.08, 0.08, 0.08):
        house.frame(vol)
        for message in house.log.messages[views.as_of_seq :]:
            views.update(message, decode(message.data))
        assert codec.dump(views.positions._state) == codec.dump(mine.state)
    assert views.trades.count == 1


def test_without_quotes_positions_stand_with_the_reason_instead_of_marks():
    house = House()
    house.trade()
    views = Views()
    for message in house.log.messages:
        views.update(message, decode(message.data))
    [row] = views.positions.rows()
    assert row["legs"][0]["lots"] == row["units"]
    assert row["marks"]["achievable_usd"] is None
    assert "KeyError" in row["marks"]["absent"]
    assert row["pnl_achievable_usd"] is None


def test_messages_must_come_one_after_the_other():
    house = House()
    views = views_of(house, 2)
    again = house.log.messages[1]
    with pytest.raises(ValueError, match="stand at message 2"):
        views.update(again, decode(again.data))


@settings(max_examples=60, deadline=None)
@given(st.lists(envelopes(), max_size=4))
def test_no_message_that_decodes_can_stop_the_views(made: list[Any]):
    house = House()
    house.trade()
    views = views_of(house)
    for envelope in made:
        message = Message(views.as_of_seq + 1, f"log.{envelope.source}", encode(envelope))
        try:
            known = decode(message.data)
        except Undecodable:
            known = None
        views.update(message, known)
    json.dumps(views.positions.rows(), default=str)
    assert views.as_of_seq == len(house.log.messages) + len(made)


def test_a_scan_of_the_warm_up_refuses_nothing():
    views = Views()
    early = scan(proposed=False).model_copy(update={"gates": {"trading_started": False, "iv_rank": False}})
    views.update(Message(1, "log.signals", b""), Envelope(1, "signals", 0, (early,), (0,)))
    assert (list(views.decisions.last), views.decisions.refusals) == ([], {})

"""Four weeks of the whole house: the views against the folds' own states and against the broker's facts alone."""

from pathlib import Path

import pytest

from contango_common.events import order
from contango_common.events.codec import decode
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.engine import Engine
from contango_common.runtime.inputs import with_control
from contango_common.runtime.snapshot import StateCodec
from contango_gateway.views import Views
from contango_research.backtest import open_feed, start_ns_of
from contango_research.house import BUILD, participants
from contango_risk import fold as risk
from support.short import busy_book, short_catalog, whole_period


def test_over_four_weeks_the_views_agree_with_the_folds_and_with_the_broker(tmp_path: Path):
    catalog, book, blocks = short_catalog(tmp_path), busy_book(), BlockStore(tmp_path / "blocks")
    period = whole_period(catalog)
    feed = open_feed(catalog, book, period, blocks)
    engine, codec, views = Engine(participants(blocks), BUILD), StateCodec(risk), Views(blocks)
    folds = {participant.name: participant for participant in engine.participants}
    cash_micros = 0
    for count, _ in enumerate(engine.run(with_control(feed.inputs(), book.params(), start_ns_of(feed, period), "run"))):
        for message in engine.log.messages[views.as_of_seq :]:
            envelope = decode(message.data)
            views.update(message, envelope)
            cash_micros += sum(_cash_micros(event) for event in envelope.events)
        if count % 10 == 0:
            assert codec.dump(views.positions._state) == codec.dump(folds["risk"].state)
            assert set(views.orders.working) == set(folds["execution"].state.orders)
    assert codec.dump(views.positions._state) == codec.dump(folds["risk"].state)
    finished = folds["execution"].state.finished
    assert {key: row["state"] for key, row in views.orders.finished.items()} == {
        key: str(end.state) for key, end in finished.items()
    }
    assert views.positions.cash_usd == pytest.approx(cash_micros / 1e6, abs=1e-6)
    assert views.trades.count >= 5
    assert len(views.decisions.refusals) >= 2


def _cash_micros(event: object) -> int:
    """What a fact of the broker did to the account, by the fact alone."""
    if isinstance(event, order.AccountSnapshot):
        return event.cash_micros
    if isinstance(event, order.Filled | order.Expired | order.Assigned):
        return event.cash_micros - event.fees_micros
    return 0

"""Every step boundary of a run of the whole house: each participant is thrown away and recovered, twice a step.

Once after it has decided and before its answer is on the log (it must decide the same again), once after. Recovery
starts from a snapshot that is up to 50 messages old, and now and then from nothing.
"""

import pytest

from contango_common.domain.at import At
from contango_common.events.codec import decode
from contango_common.runtime.blocks import BlockStore
from contango_common.runtime.canon import digest
from contango_common.runtime.engine import Engine
from contango_common.runtime.fold import idle
from contango_common.runtime.inputs import with_control
from contango_common.runtime.log import Message
from contango_common.runtime.participant import Participant, recover
from contango_common.runtime.snapshot import StateCodec
from contango_research.backtest import REASON, Period, open_feed, start_ns_of
from contango_research.house import BUILD, participants
from support.short import busy_book, memory_run, short_catalog

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]
SNAPSHOT_EVERY = 50
FROM_NOTHING_EVERY = 331
PERIOD = Period(20150803, 20150803, 20150828)


class Mortal(Participant):
    """A participant that dies around every step and comes back from snapshot and log."""

    def __init__(self, alive: Participant, log: list[Message], blocks: BlockStore) -> None:
        super().__init__(alive.fold, blocks, BUILD)
        self.log, self.store, self.codec = log, blocks, StateCodec(alive.fold)
        self.saved: tuple[int, int, bytes] = (0, 0, self.codec.dump(alive.fold.initial()))
        self.steps = self.idle_frames = 0

    def answer(self, at, events):  # type: ignore[no-untyped-def]
        self.steps += 1
        self.die(at.seq - 1)
        was_idle = at.source == "md" and idle(self.fold, self.state)
        first = super().answer(at, events)
        self.idle_frames += was_idle
        assert not was_idle or (first is None and idle(self.fold, self.state)), f"{self.name} was not idle at {at.seq}"
        self.die(at.seq - 1)
        stored = decode(self.log[at.seq - 1].data)
        self.attach(stored.events)
        again = super().answer(At(stored.ts_ns, at.seq, stored.source), stored.events)
        assert again == first, f"{self.name} decides {at.seq} differently after a crash"
        return again

    def die(self, settled: int) -> None:
        """Forget everything; come back with what snapshot and log say, messages up to ``settled`` handled."""
        position, ts_ns, state = self.saved
        if self.steps % FROM_NOTHING_EVERY == 0:
            position, ts_ns, state = 0, 0, self.codec.dump(self.fold.initial())
        self.position, self.last_ts_ns, self.state = position, ts_ns, self.codec.load(state)
        wanted = [m for m in self.log[position:] if m.subject == self.subject or self.reads(m.subject)]
        recover(self, wanted, settled)
        if self.position - self.saved[0] >= SNAPSHOT_EVERY:
            self.saved = (self.position, self.last_ts_ns, self.codec.dump(self.state))


def test_every_step_boundary_of_the_whole_house(tmp_path):
    catalog = short_catalog(tmp_path)
    expected = memory_run(catalog, tmp_path)
    blocks = BlockStore(tmp_path / "blocks")
    feed = open_feed(catalog, busy_book(), PERIOD, blocks)
    engine = Engine([], BUILD)
    engine.participants = [Mortal(alive, engine.log.messages, blocks) for alive in participants(blocks)]
    engine.schedule = expected.schedule
    items = with_control(feed.inputs(), busy_book().params(), start_ns_of(feed, PERIOD), REASON)
    for _ in engine.run(items):
        pass
    assert [m.data for m in engine.log.messages] == [m.data for m in expected.log.messages]
    assert digest(engine.log.messages) == digest(expected.log.messages)
    assert sum(mortal.steps for mortal in engine.participants) > 2000  # type: ignore[attr-defined]
    idle_frames = {mortal.name: mortal.idle_frames for mortal in engine.participants}  # type: ignore[attr-defined]
    assert {name for name, frames in idle_frames.items() if frames > 100} == {"broker", "execution"}
    books = [StateCodec(p.fold).dump(p.state) for p in expected.participants]
    assert [StateCodec(p.fold).dump(p.state) for p in engine.participants] == books

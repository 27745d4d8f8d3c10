"""Start is recover: which snapshots are used, which are passed over, and which stop the process."""

import asyncio
import math
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import LogError
from contango_common.runtime.engine import Engine
from contango_common.runtime.inputs import with_control
from contango_common.runtime.log import Writer
from contango_common.runtime.memory import MemoryLog
from contango_common.runtime.participant import Participant
from contango_common.runtime.shell import Running, open_participant
from contango_common.runtime.snapshot import VERSION, Snapshot, SnapshotStore, StateCodec
from support import toy
from support.relay import BUILD, Relay, counting, raw

INPUTS = raw(with_control(toy.inputs(12), toy.PARAMS, toy.START_NS, "test"))
LIVED = Relay().play(INPUTS)
EPOCH = "epoch-one"


def run(main: Callable[[], Awaitable[object]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(main(), 30)

    asyncio.run(limited())


def logged() -> MemoryLog:
    log = MemoryLog(EPOCH)
    for message in LIVED.log:
        log.put(message.subject, message.data)
    return log


async def opened(log: MemoryLog, folder: Path, fold: Any = toy.SUM, settled: int = len(LIVED.log)) -> Running:
    return await open_participant(fold, log, {}, SnapshotStore(folder), build=BUILD, settled=settled)


async def saved(folder: Path, at: int) -> int:
    """A snapshot of SUM when the log ended at ``at``: of the last message that it was known to have handled."""
    log = MemoryLog(EPOCH)
    for message in LIVED.log[:at]:
        log.put(message.subject, message.data)
    running = await opened(log, folder, settled=0)
    if running.participant.position:
        running.save_snapshot(log.messages[running.participant.position - 1])
    return running.participant.position


def as_lived(running: Running) -> bool:
    lived, codec = LIVED.participants[0], StateCodec(toy.SUM)
    return (
        codec.dump(running.participant.state) == codec.dump(lived.state)
        and running.participant.position == lived.position
        and running.participant.last_ts_ns == lived.last_ts_ns
    )


def changed(folder: Path, **fields: object) -> None:
    store = SnapshotStore(folder)
    snapshot = store.load("signals")
    assert snapshot is not None
    store.save("signals", replace(snapshot, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("at", range(1, len(LIVED.log) + 1))
def test_a_snapshot_that_fits_shortens_recovery_and_changes_nothing(tmp_path, at):
    async def main() -> None:
        whole, all_calls = counting(toy.SUM)
        assert as_lived(await opened(logged(), tmp_path, whole))
        if not await saved(tmp_path, at):
            return
        short, calls = counting(toy.SUM)
        assert as_lived(await opened(logged(), tmp_path, short))
        assert calls["EVOLVE"] < all_calls["EVOLVE"]
        assert calls["DECIDE"] == all_calls["DECIDE"] == 0

    run(main)


def test_a_torn_snapshot_is_no_snapshot(tmp_path):
    async def main() -> None:
        await saved(tmp_path, 9)
        path = tmp_path / "signals.snapshot"
        whole = path.read_bytes()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            assert SnapshotStore(tmp_path).load("signals") is None
        fold, calls = counting(toy.SUM)
        assert as_lived(await opened(logged(), tmp_path, fold))
        assert calls["EVOLVE"] > len(LIVED.log) // 2

    run(main)


def test_a_snapshot_with_any_changed_byte_is_no_snapshot(tmp_path):
    run(lambda: saved(tmp_path, 9))
    path = tmp_path / "signals.snapshot"
    whole = path.read_bytes()
    for i in range(len(whole)):
        for flip in (1, 0x80):
            path.write_bytes(whole[:i] + bytes([whole[i] ^ flip]) + whole[i + 1 :])
            assert SnapshotStore(tmp_path).load("signals") is None
    path.write_bytes(whole)
    assert SnapshotStore(tmp_path).load("signals") is not None


@pytest.mark.parametrize("fields", [{"version": VERSION + 1}, {"build": "other"}])
def test_a_snapshot_of_another_version_or_build_is_passed_over(tmp_path, fields):
    async def main() -> None:
        await saved(tmp_path, 9)
        # Were it used, its state would show.
        changed(tmp_path, state=StateCodec(toy.SUM).dump(toy.SumState(total=-1.0)).decode(), **fields)
        assert as_lived(await opened(logged(), tmp_path))

    run(main)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"stream_epoch": "other"},
            r"signals: .* belongs to another log \(epoch other, not epoch-one\); remove it",
        ),
        ({"msg_hash": "0" * 64}, r"signals: the snapshot of message \d+ does not fit the log"),
        ({"seq": 3}, r"signals: the snapshot of message 3 does not fit the log"),
        ({"seq": 99_999}, r"signals: the snapshot of message 99999 does not fit the log"),
    ],
)
def test_a_snapshot_of_another_log_stops_the_process(tmp_path, fields, says):
    async def main() -> None:
        await saved(tmp_path, 9)
        changed(tmp_path, **fields)
        with pytest.raises(LogError, match=says) as caught:
            await opened(logged(), tmp_path)
        assert len(str(caught.value).splitlines()) == 1

    run(main)


def test_a_log_that_lost_messages_or_changed_one_stops_the_process(tmp_path):
    async def main() -> None:
        await saved(tmp_path, len(LIVED.log))
        shorter = MemoryLog(EPOCH)
        for message in LIVED.log[:5]:
            shorter.put(message.subject, message.data)
        with pytest.raises(LogError, match="lost or changed messages"):
            await opened(shorter, tmp_path)
        other = logged()
        last = LIVED.participants[0].position
        other.messages[last - 1] = other.messages[last - 1]._replace(data=other.messages[last - 1].data + b" ")
        with pytest.raises(LogError, match="lost or changed messages"):
            await opened(other, tmp_path)

    run(main)


def test_a_crash_while_writing_leaves_the_old_snapshot(tmp_path):
    run(lambda: saved(tmp_path, 9))
    before = SnapshotStore(tmp_path).load("signals")
    whole = (tmp_path / "signals.snapshot").read_bytes()
    for length in (0, len(whole) // 2, len(whole)):
        (tmp_path / "signals.snapshot.new").write_bytes(whole[:length])
        assert SnapshotStore(tmp_path).load("signals") == before
    run(lambda: saved(tmp_path, 12))
    after = SnapshotStore(tmp_path).load("signals")
    assert after is not None
    assert before is not None
    assert after.seq > before.seq
    assert not (tmp_path / "signals.snapshot.new").exists()


CRASH = """
from dataclasses import replace
from contango_common.runtime.snapshot import SnapshotStore
import sys
store = SnapshotStore(sys.argv[1])
store.save("signals", replace(store.load("signals"), seq=77))
"""


@pytest.mark.parametrize(("point", "torn"), [("before-snapshot", False), ("mid-snapshot", True)])
def test_a_process_killed_at_its_snapshot_leaves_the_old_one(tmp_path, point, torn):
    run(lambda: saved(tmp_path, 9))
    before = (tmp_path / "signals.snapshot").read_bytes()
    planned = {
        "CONTANGO_TEST_FAILPOINT": f"{point}:signals:1",
        "CONTANGO_TEST_FAILPOINT_MARKER": str(tmp_path / "died"),
    }
    environment = {**os.environ, **planned}
    died = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], env=environment, check=False)
    assert died.returncode == -9
    assert (tmp_path / "signals.snapshot").read_bytes() == before
    assert (tmp_path / "signals.snapshot.new").exists() == torn


@settings(deadline=None)
@given(
    st.builds(
        Snapshot,
        version=st.just(VERSION),
        build=st.text(),
        stream_epoch=st.text(),
        seq=st.integers(1),
        msg_hash=st.text(),
        last_ts_ns=st.integers(),
        state=st.text(),
    )
)
def test_snapshots_come_back(tmp_path_factory, snapshot):
    store = SnapshotStore(tmp_path_factory.getbasetemp() / "come-back")
    store.save("x", snapshot)
    assert asdict(store.load("x")) == asdict(snapshot)  # type: ignore[call-overload]


def test_a_participant_without_snapshot_has_none(tmp_path):
    assert SnapshotStore(tmp_path / "nowhere").load("signals") is None


# States


@dataclass(slots=True)
class Deep:
    best: float = 0.0
    names: dict[str, float] = field(default_factory=dict)
    rows: dict[int, list[int | None]] = field(default_factory=dict)
    flag: bool | None = None
    text: str = ""


def _deep() -> Deep:
    return Deep()


DEEP = SimpleNamespace(NAME="deep", READS=frozenset({"log.md"}), initial=_deep)
finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(
    st.builds(
        Deep,
        best=finite,
        names=st.dictionaries(st.text(max_size=5), finite, max_size=4),
        rows=st.dictionaries(st.integers(-(2**63), 2**63), st.lists(st.integers() | st.none(), max_size=3), max_size=4),
        flag=st.none() | st.booleans(),
        text=st.text(max_size=5),
    )
)
def test_states_come_back_bit_for_bit(state):
    codec = StateCodec(DEEP)  # type: ignore[arg-type]
    read = codec.load(codec.dump(state))
    assert repr(read) == repr(state)
    assert codec.dump(read) == codec.dump(state)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_state_that_holds_no_finite_number_comes_back_or_is_refused_when_saved(value):
    codec = StateCodec(DEEP)  # type: ignore[arg-type]
    try:
        data = codec.dump(Deep(best=value))
    except ValueError:
        return
    assert repr(codec.load(data)) == repr(Deep(best=value))


# The memory log as a log


def test_a_log_that_the_engine_wrote_can_be_continued():
    async def main() -> None:
        engine = Engine([Participant(fold, {}, BUILD) for fold in toy.FOLDS], BUILD)
        for item in toy.inputs(4):
            engine.take(item)
        writer = await Writer.open(engine.log, "log.md", "w")
        assert await writer.publish(b"more", "in:5") == len(engine.log.messages)

    run(main)

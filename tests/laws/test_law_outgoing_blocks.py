"""Blocks that folds make: stored before the fact that names them is told, the same again after any death, never twice.

A fold says by address what it attaches to a fact; the runtime stores it. The market's own blocks obey the same store
(``test_law_blockstore.py``); here the writer is a fold, so that the order of storing and publishing is the law.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.domain.blocks import Block, address, encode_block, named
from contango_common.events.base import ByReference, Event
from contango_common.events.codec import decode, encode
from contango_common.events.market import BarHistory, Bars, ChainFrame
from contango_common.events.signal import Scan
from contango_common.runtime.audit import redecide
from contango_common.runtime.blocks import BlockStore, Overlay
from contango_common.runtime.engine import Engine
from contango_common.runtime.fold import Fold
from contango_common.runtime.inputs import Input
from contango_common.runtime.log import Message, Writer
from contango_common.runtime.memory import MemoryLog
from contango_common.runtime.participant import Participant, recover
from contango_common.runtime.shell import open_participant, run_free
from contango_common.runtime.snapshot import SnapshotStore
from contango_signals import fold as signals
from support.signals_world import Market, book, messages_of

Columns = dict[str, npt.NDArray[Any]]
BUILD = "b"
DAY_NS = 86_400_000_000_000
HOUR_NS = DAY_NS // 24
DTYPES = ("<i1", "<i4", "<i8", "<f8", "?", ">i4", ">f8")


# A fold that makes blocks: bar number n (its close) brings the nth of the planned blocks.


@dataclass(slots=True)
class Made:
    """What the maker remembers: how many blocks it made, and of how many rows."""

    blocks: int = 0
    rows: int = 0


def begin() -> Made:
    return Made()


def scan_of(columns: Columns | None, candidates: int) -> Scan:
    """A fact with its block attached, None: without one."""
    digest, block = (None, None) if columns is None else named(columns)
    fact = Scan(
        underlying="X", strategy="t", candidates=candidates, proposed=False, gates={}, kills={}, why={}, block=digest
    )
    if digest is not None and block is not None:
        fact.attach({digest: block})
    return fact


def maker(planned: Sequence[Columns | None], name: str = "signals") -> Fold:
    """The fold of these blocks: a second fact of the same message repeats the block of the first."""

    def take(state: Made, event: Scan, at: At) -> None:
        state.blocks, state.rows = state.blocks + 1, state.rows + event.candidates

    def judge(state: Made, event: Bars, at: At) -> list[Event]:
        columns = planned[int(event.close[0]) % len(planned)]
        rows = 0 if columns is None else len(next(iter(columns.values()), ()))
        facts: list[Event] = [scan_of(columns, rows)]
        return facts if state.blocks % 2 else [*facts, scan_of(columns, rows)]

    return cast(
        Fold,
        SimpleNamespace(
            NAME=name, READS=frozenset({"log.md"}), initial=begin, EVOLVE={Scan: take}, DECIDE={Bars: judge}
        ),
    )


def bar(number: int) -> Input:
    """Every third one on a new day, so that a writer changes its file."""
    price = (float(number),)
    event = Bars(timeframe_s=60, symbols=("X",), open=price, high=price, low=price, close=price)
    return Input("md", number // 3 * DAY_NS + number % 3 * HOUR_NS + 1, f"in:{number}", (event,))


def bars(count: int) -> list[Input]:
    return [bar(number) for number in range(count)]


def column(dtype: str, rows: int) -> st.SearchStrategy[npt.NDArray[Any]]:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values: st.SearchStrategy[Any] = st.floats(allow_nan=True, allow_infinity=True)
    elif kind.kind == "b":
        values = st.booleans()
    else:
        info = np.iinfo(kind)
        values = st.integers(int(info.min), int(info.max))
    return st.lists(values, min_size=rows, max_size=rows).map(lambda found: np.array(found, dtype=kind))


def of_rows(rows: int) -> st.SearchStrategy[Columns]:
    one = st.sampled_from(DTYPES).flatmap(lambda dtype: column(dtype, rows))
    names = st.sampled_from(("leg0_row", "mid_ticks", "score", "taken", "gate_vrp"))
    return st.dictionaries(names, one, min_size=1, max_size=4)


blocks = st.integers(0, 12).flatmap(of_rows)
plans = st.lists(st.none() | blocks, min_size=1, max_size=4)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name) / "blocks"


def content(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())} if path.is_dir() else {}


def touched(path: Path) -> dict[str, tuple[int, int, bytes]]:
    """Size, time of the last change and bytes of every file."""
    return {
        file.name: (file.stat().st_size, file.stat().st_mtime_ns, file.read_bytes()) for file in sorted(path.iterdir())
    }


def named_in(messages: Sequence[Message]) -> list[str]:
    """Addresses of all blocks that the facts of a log name."""
    events = [event for message in messages for event in decode(message.data).events]
    return [digest for event in events if isinstance(event, ByReference) for digest in event.references()]


class Checked(MemoryLog):
    """A log that refuses a message which names a block that another process could not read at this instant."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.found = path, 0

    def put(self, subject: str, data: bytes, msg_id: str = "", writer: str = "") -> int:
        seq = len(self.messages) + 1
        reader = BlockStore(self.path)
        for digest in named_in([Message(seq, subject, data)]):
            assert reader.verify(digest), f"message {seq} names block {digest} before it is stored"
            self.found += 1
        return super().put(subject, data, msg_id, writer)


def run(path: Path, fold: Fold, inputs: Sequence[Input]) -> list[Message]:
    engine = Engine([Participant(fold, BlockStore(path), BUILD)], BUILD, Checked(path))
    for item in inputs:
        engine.take(item)
    return engine.log.messages


def data_of(messages: Sequence[Message]) -> list[tuple[int, str, bytes]]:
    return [(m.seq, m.subject, m.data) for m in messages]


# Content addresses


@given(blocks)
def test_everybody_who_keeps_a_block_gives_it_the_same_address_and_the_same_bytes(columns: Columns) -> None:
    with folder() as path:
        digest, block = named(columns)
        writer, overlay = BlockStore(path), Overlay({})
        assert writer.put("20150105", columns, "signals") == overlay.put("", columns) == digest
        for found in (block, overlay[digest], writer[digest], BlockStore(path)[digest]):
            assert address(encode_block(found)) == digest
            assert list(found) == list(columns)
            for name, values in columns.items():
                assert found[name].tobytes() == values.astype(values.dtype.newbyteorder("<")).tobytes()


@given(blocks, st.data())
def test_the_address_knows_the_values_and_not_how_they_lie_in_memory(columns: Columns, data: st.DataObject) -> None:
    strided = {name: np.repeat(values, 2)[::2] for name, values in columns.items()}
    swapped = {name: values.astype(values.dtype.newbyteorder(">")) for name, values in columns.items()}
    assert named(strided)[0] == named(swapped)[0] == named(columns)[0]
    name = data.draw(st.sampled_from(sorted(columns)))
    other = bytearray(np.ascontiguousarray(columns[name]).tobytes())
    if columns[name].dtype.kind != "b" and other:
        place = data.draw(st.integers(0, len(other) - 1))
        other[place] ^= data.draw(st.integers(1, 255))
        changed = {**columns, name: np.frombuffer(bytes(other), dtype=columns[name].dtype)}
        assert named(changed)[0] != named(columns)[0], "any bit of any value counts"
    renamed = {("x" + key if key == name else key): values for key, values in columns.items()}
    assert named(renamed)[0] != named(columns)[0]


@given(blocks)
def test_a_block_that_a_fold_made_cannot_be_changed_by_those_who_read_it(columns: Columns) -> None:
    with folder() as path:
        store = BlockStore(path)
        digest = store.put("20150105", columns, "signals")
        overlay = Overlay(store)
        overlay.put("20150105", columns, "signals")
        fact = scan_of(columns, 0)
        for mapping in (store, overlay):
            fact.attach(cast(Any, mapping))
            for values in fact.candidate_columns().values():
                assert not values.flags.writeable
        for values in columns.values():
            values[:] = 0  # what the maker does to its own arrays afterwards reaches nobody
        assert store.verify(digest)
        assert address(encode_block(overlay[digest])) == digest


# Stored before told


@settings(deadline=None)
@given(plans, st.integers(1, 9))
def test_no_fact_is_published_before_its_blocks_can_be_read_by_another_process(
    planned: list[Columns | None], count: int
) -> None:
    with folder() as path:
        watcher = BlockStore(path)
        assert len(watcher) == 0
        log = run(path, maker(planned), bars(count))
        digests = named_in(log)
        assert len(digests) == sum(
            event.block is not None for m in log for event in decode(m.data).events if isinstance(event, Scan)
        )
        for reader in (watcher, BlockStore(path)):
            assert set(digests) == set(reader)
            assert all(reader.verify(digest) for digest in digests)


@settings(deadline=None)
@given(plans, st.integers(1, 9))
def test_a_block_that_comes_again_is_stored_once(planned: list[Columns | None], count: int) -> None:
    with folder() as path:
        digests = named_in(run(path, maker(planned), bars(count)))
        stored = b"".join(content(path).values())
        for digest in set(digests):
            assert stored.count(digest.encode()) == 1


@settings(deadline=None, max_examples=30)
@given(plans, plans, st.integers(1, 7))
def test_folds_beside_each_other_write_files_of_their_own(
    one: list[Columns | None], other: list[Columns | None], count: int
) -> None:
    with folder() as path:
        folds = [maker(one), maker(other, "risk")]
        engine = Engine([Participant(fold, BlockStore(path), BUILD) for fold in folds], BUILD, Checked(path))
        for item in bars(count):
            engine.take(item)
        reader = BlockStore(path)
        assert all(reader.verify(digest) for digest in named_in(engine.log.messages))
        assert {name.partition("-")[0] for name in content(path)} <= {"signals", "risk"}


# Deaths between storing and telling


@settings(deadline=None, max_examples=60)
@given(plans, st.integers(1, 8), st.data())
def test_a_death_between_storing_and_telling_changes_no_byte_of_log_or_store(
    planned: list[Columns | None], count: int, data: st.DataObject
) -> None:
    deaths = data.draw(st.frozensets(st.integers(1, count)))
    fold = maker(planned)
    with folder() as whole, folder() as path:
        expected = run(whole, fold, bars(count))
        log: list[Message] = []
        participant = Participant(fold, BlockStore(path), BUILD)
        for number, item in enumerate(bars(count), 1):
            message = Message(len(log) + 1, item.subject, encode(item.envelope(BUILD)))
            log.append(message)
            answer = participant.handle(message)
            assert answer is not None
            if number in deaths:  # the answer dies with the process; its blocks lie in the store, named by nobody
                kept, said = content(path), encode(answer)
                participant = Participant(fold, BlockStore(path), BUILD)
                recover(participant, log, settled=message.seq - 1)
                answer = participant.handle(message)
                assert answer is not None
                assert encode(answer) == said
                assert content(path) == kept, "deciding again stores nothing again"
            log.append(Message(len(log) + 1, participant.subject, encode(answer)))
        assert data_of(log) == data_of(expected)
        assert content(path) == content(whole)


@settings(deadline=None, max_examples=40)
@given(st.lists(blocks, min_size=1, max_size=3), st.integers(1, 6), st.data())
def test_a_death_in_the_middle_of_storing_is_mended_by_deciding_again(
    planned: list[Columns], count: int, data: st.DataObject
) -> None:
    fold = maker(planned)
    with folder() as path:
        before = run(path, fold, bars(count - 1)) if count > 1 else []
        kept = content(path)
        item = bar(count - 1)
        message = Message(len(before) + 1, item.subject, encode(item.envelope(BUILD)))
        participant = _recovered(fold, path, before)
        answer = participant.handle(message)
        assert answer is not None
        whole = content(path)
        (grown,) = [name for name in whole if whole[name] != kept.get(name, b"")] or [""]
        if not grown:
            return  # the block had been stored before
        start = len(kept.get(grown, b""))
        (path / grown).write_bytes(whole[grown][: data.draw(st.integers(start, len(whole[grown]) - 1))])
        again = _recovered(fold, path, before).handle(message)
        assert again is not None
        assert encode(again) == encode(answer)
        assert content(path) == whole


def _recovered(fold: Fold, path: Path, log: Sequence[Message]) -> Participant:
    participant = Participant(fold, BlockStore(path), BUILD)
    recover(participant, log, settled=len(log))
    return participant


PLANNED: list[Columns | None] = [
    {"mid_ticks": np.arange(3.0), "taken": np.array([1, 0, 0], dtype="<i1")},
    None,
    {"mid_ticks": np.array([np.nan, -1.5])},
    {"leg0_row": np.arange(400, dtype="<i4")},
]


async def _free(path: Path, count: int) -> MemoryLog:
    """The maker in free run on a log that checks; every input waits until the one before is answered."""
    log = Checked(path)
    running = await open_participant(
        maker(PLANNED), log, BlockStore(path), SnapshotStore(path.with_name("snapshots")), build=BUILD
    )
    task = asyncio.create_task(run_free(running))
    edge = await Writer.open(log, "log.md", "edge")
    for item in bars(count):
        await edge.publish(encode(item.envelope(BUILD)), item.key)
        while not task.done() and log.messages[-1].subject == "log.md":
            await asyncio.sleep(0)
        if task.done():
            task.result()
    task.cancel()
    return log


def test_the_free_run_stores_before_it_tells_and_writes_the_same_log_and_store(tmp_path: Path) -> None:
    log = asyncio.run(asyncio.wait_for(_free(tmp_path / "free" / "blocks", 8), 60))
    assert isinstance(log, Checked)
    assert log.found == len(named_in(log.messages)) > 8
    assert data_of(log.messages) == data_of(run(tmp_path / "blocks", maker(PLANNED), bars(8)))
    assert content(tmp_path / "free" / "blocks") == content(tmp_path / "blocks")


@pytest.mark.parametrize("nth", [1, 3, 5])
def test_a_killed_process_leaves_an_orphan_that_the_next_one_names(tmp_path: Path, nth: int) -> None:
    path, tests = tmp_path / "killed" / "blocks", Path(__file__).resolve().parents[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(tests),
        "CONTANGO_TEST_FAILPOINT": f"after-decide:signals:{nth}",
        "CONTANGO_TEST_FAILPOINT_MARKER": str(tmp_path / "marker"),
    }
    died = subprocess.run([sys.executable, __file__, str(path)], env=environment, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    reader = BlockStore(path)
    decided = [columns for columns in (PLANNED[i % len(PLANNED)] for i in range(nth)) if columns is not None]
    assert set(reader) == {named(columns)[0] for columns in decided}
    assert all(reader.verify(digest) for digest in reader)
    expected = run(tmp_path / "blocks", maker(PLANNED), bars(8))
    assert data_of(run(path, maker(PLANNED), bars(8))) == data_of(expected)
    assert content(path) == content(tmp_path / "blocks")


# The audit


@settings(deadline=None, max_examples=60)
@given(plans, st.integers(1, 9))
def test_an_audit_writes_nothing_and_finds_nothing(planned: list[Columns | None], count: int) -> None:
    with folder() as path:
        log = run(path, maker(planned), bars(count))
        path.mkdir(exist_ok=True)
        before = touched(path)
        store = BlockStore(path)
        assert redecide([maker(planned)], log, Overlay(store)) is None
        assert touched(path) == before
        assert set(store) == set(named_in(log))


@settings(deadline=None, max_examples=60)
@given(st.lists(blocks, min_size=1, max_size=4), st.integers(1, 9), st.data())
def test_an_audit_under_other_blocks_finds_the_first_one_and_still_writes_nothing(
    planned: list[Columns], count: int, data: st.DataObject
) -> None:
    other = list(planned)
    place = data.draw(st.integers(0, len(planned) - 1))
    other[place] = {**planned[place], "more": np.zeros(len(next(iter(planned[place].values()))))}
    with folder() as path:
        log = run(path, maker(planned), bars(count))
        before = touched(path)
        difference = redecide([maker(other)], log, Overlay(BlockStore(path)))
        assert touched(path) == before
        if place >= count:
            assert difference is None
            return
        assert difference is not None
        answers = [m for m in log if m.subject == "log.signals"]
        assert (difference.fold, difference.seq) == ("signals", decode(answers[place].data).cause)


def test_an_overlay_shows_both_and_keeps_its_own_to_itself(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    below = store.put("20150105", {"x": np.arange(3)}, "signals")
    overlay = Overlay(store)
    above = overlay.put("20150105", {"x": np.arange(4)}, "signals")
    assert overlay.put("20150106", {"x": np.arange(3)}, "signals") == below
    assert set(overlay) == {below, above}
    assert len(overlay) == 2
    assert overlay[below]["x"].tolist() == [0, 1, 2]
    assert overlay[above]["x"].tolist() == [0, 1, 2, 3]
    assert set(store) == {below}
    with pytest.raises(KeyError):
        Overlay({})[above]


# The house's own fold


WORLD = Market(
    spots=(2000.0, 2010.0),
    vix=(18.0, 17.0),
    every_minutes=120,
    strike_step=25,
    params=book(min_sessions_between=0, strategies={"put_credit_spread": {}}),
)


def by_address(event: Event, store: BlockStore) -> Event:
    """A frame or a history of the formula's world with its blocks in the store, under their addresses."""
    if isinstance(event, ChainFrame):
        names: dict[str, Block] = {"contracts": event.contract_columns(), "quotes": event.quote_columns()}
    elif isinstance(event, BarHistory):
        names = {"bars": event.block_at(event.bars)}
    else:
        return event
    return event.model_copy(update={name: store.put("20150105", block) for name, block in names.items()})


def world(path: Path) -> list[Input]:
    market = BlockStore(path)
    return [
        Input(m.source, m.ts_ns, f"in:{i}", tuple(by_address(event, market) for event in m.events))
        for i, m in enumerate(messages_of(WORLD))
    ]


def test_every_scan_of_the_signals_fold_has_its_block_in_the_store(tmp_path: Path) -> None:
    inputs = world(tmp_path)
    market = content(tmp_path)
    log = run(tmp_path, signals, inputs)
    reader = BlockStore(tmp_path)
    scans = [e for m in log if m.subject == "log.signals" for e in decode(m.data).events if isinstance(e, Scan)]
    assert {scan.strategy for scan in scans} == {"iron_condor", "put_credit_spread"}
    assert sum(scan.candidates > 0 for scan in scans) >= 2
    for scan in scans:
        assert (scan.block is not None) == (scan.candidates > 0)
        if scan.block is not None:
            scan.attach(cast(Any, reader))
            assert {len(values) for values in scan.candidate_columns().values()} == {scan.candidates}
    after = content(tmp_path)
    assert {name: after[name] for name in market} == market, "a fold writes into no file of the market"
    assert {name for name in after if name not in market} == {"signals-20150105.blk", "signals-20150106.blk"}
    before = touched(tmp_path)
    assert redecide([signals], log, Overlay(BlockStore(tmp_path))) is None
    assert touched(tmp_path) == before


if __name__ == "__main__":
    asyncio.run(_free(Path(sys.argv[1]), 8))

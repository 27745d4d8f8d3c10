"""The block store: what was put is there whole, stored once, seen by others, and never silently something else."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.blocks import address, encode_block
from contango_common.domain.errors import LogError
from contango_common.runtime.blocks import BlockStore

Columns = dict[str, np.ndarray]
SESSIONS = ("2018-03-15", "2018-03-16", "history")


def columns(value: int, rows: int) -> Columns:
    return {"bid": np.full(rows, value, dtype=np.int32), "spot": np.arange(rows) * float(value)}


blocks = st.builds(columns, st.integers(0, 5), st.integers(0, 40))
puts = st.lists(st.tuples(st.sampled_from(SESSIONS), blocks), max_size=12)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name) / "blocks"


def same(one: Columns, other: Columns) -> bool:
    return encode_block(one) == encode_block(other)


def size(store: Path) -> int:
    return sum(path.stat().st_size for path in store.iterdir()) if store.is_dir() else 0


def three(store: Path) -> tuple[list[str], Path]:
    """Three blocks of one session; their addresses and the file."""
    writer = BlockStore(store)
    addresses = [writer.put("s", columns(i, 5)) for i in (1, 2, 3)]
    writer.close()
    return addresses, store / "s.blk"


@settings(deadline=None)
@given(puts)
def test_what_was_put_is_there_once_for_the_writer_and_for_others(planned):
    with folder() as path:
        writer, reader = BlockStore(path), BlockStore(path)
        known: dict[str, Columns] = {}
        for session, block in planned:
            before = size(path)
            digest = writer.put(session, block)
            assert digest == address(encode_block(block))
            assert (size(path) > before) == (digest not in known)
            known[digest] = block
            # The reader was opened before and may have looked already: it sees every new block.
            assert same(reader[digest], block)
        for store in (writer, reader, BlockStore(path)):
            assert set(store) == set(known)
            assert len(store) == len(known)
            assert all(same(store[digest], block) and store.verify(digest) for digest, block in known.items())


@settings(deadline=None)
@given(puts, puts)
def test_a_writer_that_starts_again_goes_on_behind_what_is_there(first, second):
    with folder() as path:
        known = {}
        for planned in (first, second):
            writer = BlockStore(path)
            known |= {writer.put(session, block): block for session, block in planned}
            writer.close()
        store = BlockStore(path)
        assert set(store) == set(known)
        assert all(same(store[digest], block) and store.verify(digest) for digest, block in known.items())


def test_a_block_of_another_session_is_not_stored_again_after_a_restart(tmp_path):
    BlockStore(tmp_path).put("monday", columns(1, 5))
    before = size(tmp_path)
    BlockStore(tmp_path).put("tuesday", columns(1, 5))
    assert size(tmp_path) == before


def test_a_torn_tail_is_passed_over_by_readers_and_cut_off_by_the_writer(tmp_path):
    """The last record cut at every length: the two before stay, a new one takes its place, the file is whole again."""
    addresses, path = three(tmp_path)
    whole = path.read_bytes()
    record = len(whole) // 3
    for length in range(2 * record, len(whole)):
        path.write_bytes(whole[:length])
        reader = BlockStore(tmp_path)
        assert set(reader) == set(addresses[:2])
        writer = BlockStore(tmp_path)
        assert writer.put("s", columns(2, 5)) == addresses[1]
        assert path.stat().st_size == 2 * record
        assert writer.put("s", columns(3, 5)) == addresses[2]
        writer.close()
        assert path.read_bytes() == whole
        assert same(reader[addresses[2]], columns(3, 5))


def test_a_reader_that_saw_a_torn_tail_sees_what_takes_its_place(tmp_path):
    addresses, path = three(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    reader = BlockStore(tmp_path)
    assert addresses[2] not in set(reader)
    writer = BlockStore(tmp_path)
    other = writer.put("s", columns(9, 50))
    assert same(reader[other], columns(9, 50))
    with pytest.raises(LogError):
        reader[addresses[2]]


WRITER = """
import os, signal, sys
import numpy as np
from contango_common.runtime.blocks import BlockStore
store = BlockStore(sys.argv[1])
print(store.put("s", {"x": np.arange(4.0)}))
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_block_of_a_killed_process_is_there_for_another(tmp_path):
    reader = BlockStore(tmp_path)
    assert len(reader) == 0
    died = subprocess.run([sys.executable, "-c", WRITER, str(tmp_path)], capture_output=True, text=True, check=False)
    assert died.returncode == -9
    digest = died.stdout.strip()
    assert reader[digest]["x"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert reader.verify(digest)


@pytest.mark.parametrize("filled", [False, True])
def test_an_unknown_address_says_where_it_was_looked_for(tmp_path, filled):
    if filled:
        three(tmp_path)
    store = BlockStore(tmp_path)
    for look in (store.__getitem__, store.raw, store.verify):
        with pytest.raises(LogError, match=f"block {'0' * 32} is not in {tmp_path}"):
            look("0" * 32)
    assert len(BlockStore(tmp_path / "nowhere")) == 0


def test_verify_finds_every_flipped_byte_of_a_block(tmp_path):
    addresses, path = three(tmp_path)
    whole = path.read_bytes()
    start = whole.index(encode_block(columns(2, 5)))
    for i in range(start, start + len(encode_block(columns(2, 5)))):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x10]) + whole[i + 1 :])
        store = BlockStore(tmp_path)
        assert [store.verify(digest) for digest in addresses] == [True, False, True]


def _what_is_left(store: Path, addresses: list[str]) -> list[bool | None]:
    """Per block: verified, not verified, or None when the store says (LogError) that it is not there."""
    found: list[bool | None] = []
    for digest in addresses:
        try:
            found.append(BlockStore(store).verify(digest))
        except LogError:
            found.append(None)
    return found


def test_a_flipped_byte_of_a_record_s_head_never_passes_for_a_good_block(tmp_path):
    addresses, path = three(tmp_path)
    whole = path.read_bytes()
    start = len(whole) // 3
    for i in range(start, start + 44):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x01]) + whole[i + 1 :])
        left = _what_is_left(tmp_path, addresses)
        assert left[0] is True
        assert left[1] is not True


def test_a_damaged_address_hides_its_block_alone(tmp_path):
    addresses, path = three(tmp_path)
    whole = path.read_bytes()
    place = whole.index(addresses[1].encode())
    path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
    assert _what_is_left(tmp_path, addresses) == [True, None, True]


@pytest.mark.parametrize("place", [0, 4, 11])
def test_the_writer_never_cuts_off_whole_records_behind_a_damaged_one(tmp_path, place):
    _, path = three(tmp_path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3 + place] ^= 0x40
    path.write_bytes(bytes(whole))
    try:
        BlockStore(tmp_path).put("s", columns(7, 5))
    except LogError:
        return
    assert encode_block(columns(3, 5)) in path.read_bytes()


def test_many_sessions_and_blocks_outlive_the_small_caches(tmp_path):
    writer = BlockStore(tmp_path)
    known = {}
    for i in range(120):
        block = {"x": np.full(3, i, dtype=np.int64)}
        known[writer.put(f"s{i % 12:02d}", block)] = block
    views = {digest: writer[digest] for digest in known}
    assert len(os.listdir(tmp_path)) == 12
    assert all(same(views[digest], block) and same(writer[digest], block) for digest, block in known.items())
    writer.close()
    assert all(same(views[digest], block) for digest, block in known.items()), "views outlive the store"


def test_blocks_cannot_be_written_through_the_store(tmp_path):
    store = BlockStore(tmp_path)
    array = store[store.put("s", columns(1, 5))]["bid"]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 7

"""Free-running on a log: the order is what was recorded, and everything recorded can be decided again.

Free-running, a participant may read message *s* + 1 before another has answered *s*: answers stand later on the log
than under the scheduler, with other sequences, and a fold that reads both the market and those answers sees another
order. So logs are equal byte for byte only when each input waits until all is quiet. What must hold otherwise: the
audit finds no difference, no answer is lost or doubled, and a fold that reads inputs alone says the same as ever.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import LogError
from contango_common.events.codec import decode
from contango_common.runtime.audit import redecide
from contango_common.runtime.inputs import with_control
from contango_common.runtime.log import Message, Writer
from contango_common.runtime.memory import MemoryLog
from contango_common.runtime.shell import Running, open_participant, run_free
from contango_common.runtime.snapshot import SnapshotStore
from support import toy
from support.relay import BUILD, Relay, facts_of, input_lists, raw

TESTS = Path(__file__).resolve().parents[1]
INPUTS = raw(with_control(toy.inputs(12), toy.PARAMS, toy.START_NS, "test"))


class Paced(MemoryLog):
    """A memory log whose appends give way to other tasks as often as planned."""

    def __init__(self, pauses: list[int]) -> None:
        super().__init__()
        self._pauses = list(pauses)

    async def append(self, subject: str, data: bytes, *, msg_id: str, writer: str, expected: int) -> int:
        for _ in range(self._pauses.pop(0) if self._pauses else 0):
            await asyncio.sleep(0)
        return await super().append(subject, data, msg_id=msg_id, writer=writer, expected=expected)


async def feed(log: MemoryLog, inputs: list[tuple[str, bytes]], between: Callable[[], Awaitable[None]]) -> None:
    writers: dict[str, Writer] = {}
    for number, (subject, data) in enumerate(inputs, 1):
        if subject not in writers:
            writers[subject] = await Writer.open(log, subject, "edge")
        await writers[subject].publish(data, f"{subject}:{number}")
        await between()


async def quiet(log: MemoryLog, runnings: list[Running]) -> None:
    """Wait until everybody has handled everything that it reads."""
    while any(
        m.seq > running.participant.position and running.participant.reads(m.subject)
        for running in runnings
        for m in log.messages[-40:]
    ):
        await asyncio.sleep(0)
    # The last answer may be on its way between decision and append.
    for _ in range(50):
        await asyncio.sleep(0)


async def free(
    folder: Path, inputs: list[tuple[str, bytes]], order: list[int], wait: bool, pauses: list[int]
) -> MemoryLog:
    """The log of a free run; participants are started in ``order``."""
    log = Paced(pauses)
    runnings = [await open_participant(toy.FOLDS[i], log, {}, SnapshotStore(folder), build=BUILD) for i in order]
    tasks = [asyncio.create_task(run_free(running)) for running in runnings]

    async def until_quiet() -> None:
        while True:
            before = len(log.messages)
            await quiet(log, runnings)
            if len(log.messages) == before:
                return

    async def go_on() -> None:
        await asyncio.sleep(0)

    await feed(log, inputs, until_quiet if wait else go_on)
    await until_quiet()
    for task in tasks:
        assert not task.done(), task
        task.cancel()
    return log


def played(tmp_path_factory: pytest.TempPathFactory, *args: object) -> list[Message]:
    folder = tmp_path_factory.getbasetemp() / "free"
    return asyncio.run(asyncio.wait_for(free(folder, *args), 60)).messages  # type: ignore[arg-type]


def content(messages: list[Message]) -> list[tuple[int, str, bytes]]:
    return [(m.seq, m.subject, m.data) for m in messages]


pauses = st.lists(st.integers(0, 6), max_size=30)
orders = st.permutations(range(len(toy.FOLDS)))


@settings(max_examples=40, deadline=None)
@given(inputs=input_lists, order=orders)
def test_inputs_that_wait_for_quiet_make_the_engines_log_whoever_starts_first(tmp_path_factory, inputs, order):
    expected = content(Relay().play(raw(inputs)).log)
    assert content(played(tmp_path_factory, raw(inputs), order, True, [])) == expected


@settings(max_examples=80, deadline=None)
@given(inputs=input_lists, order=orders, pauses=pauses)
def test_any_interleaving_can_be_decided_again_and_loses_nothing(tmp_path_factory, inputs, order, pauses):
    log = played(tmp_path_factory, raw(inputs), order, False, pauses)
    assert [m.seq for m in log] == list(range(1, len(log) + 1))
    assert redecide(toy.FOLDS, log, {}) is None
    scheduled = Relay().play(raw(inputs)).log
    # SUM reads inputs alone: what it says, and on which input, does not depend on the order of the others.
    assert facts_of(log, "log.signals") == facts_of(scheduled, "log.signals")
    assert causes(log, "log.signals") == causes(scheduled, "log.signals")
    for subject in ("log.signals", "log.risk"):
        found = [decode(m.data).cause for m in log if m.subject == subject]
        assert found == sorted(set(found)), "each cause is answered once, in its order"
    assert [m.msg_id for m in log if m.writer != "edge"] == [
        f"{decode(m.data).source}:{decode(m.data).cause}" for m in log if m.writer != "edge"
    ]


def causes(log: list[Message], subject: str) -> list[bytes]:
    """The messages that were answered, as bytes: sequences differ from run to run."""
    return [log[decode(m.data).cause - 1].data for m in log if m.subject == subject]


def test_orders_do_differ_when_inputs_do_not_wait(tmp_path_factory):
    """The reason for the weaker law above, so that it cannot be weaker than it need be without being noticed."""
    log = played(tmp_path_factory, INPUTS, [0, 1], False, [5] * 30)
    assert content(log) != content(Relay().play(INPUTS).log)
    assert redecide(toy.FOLDS, log, {}) is None


@pytest.mark.parametrize("snapshot_every", [1, 3, 2000])
def test_a_participant_that_stops_and_starts_again_goes_on_as_if_nothing_had_happened(tmp_path, snapshot_every):
    async def main() -> list[Message]:
        log = MemoryLog()
        for part in (INPUTS[:5], INPUTS[5:9], INPUTS[9:]):
            runnings = [
                await open_participant(
                    fold, log, {}, SnapshotStore(tmp_path), build=BUILD, snapshot_every=snapshot_every
                )
                for fold in toy.FOLDS
            ]
            tasks = [asyncio.create_task(run_free(running)) for running in runnings]
            for subject, data in part:
                writer = await Writer.open(log, subject, "edge")
                await writer.publish(data, f"{len(log.messages)}")
                for _ in range(3):
                    await quiet(log, runnings)
            for task in tasks:
                task.cancel()
        return log.messages

    log = asyncio.run(asyncio.wait_for(main(), 60))
    assert content(log) == content(Relay().play(INPUTS).log)
    assert bool(list(tmp_path.iterdir())) == (snapshot_every < 2000)


def test_two_processes_of_one_participant_do_not_both_write(tmp_path):
    async def main() -> None:
        log = MemoryLog()
        first = await open_participant(toy.SUM, log, {}, SnapshotStore(tmp_path), build=BUILD)
        second = await open_participant(toy.SUM, log, {}, SnapshotStore(tmp_path), build=BUILD)
        tasks = [asyncio.create_task(run_free(running)) for running in (first, second)]
        await feed(log, INPUTS[:6], lambda: asyncio.sleep(0))
        done, _ = await asyncio.wait(tasks, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        (stale,) = done
        with pytest.raises(LogError, match="another writer"):
            stale.result()
        for task in tasks:
            task.cancel()
        assert [m.subject for m in log.messages].count("log.signals") == 1

    asyncio.run(asyncio.wait_for(main(), 30))


def test_the_digest_does_not_depend_on_the_hash_seed():
    digests, orders = set(), set()
    for seed in ("0", "1", "2", "random"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(TESTS)}
        command = [sys.executable, "-m", "support.toy_digest", "200"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digest, order_of_a_set = ran.stdout.split()
        digests.add(digest)
        orders.add(order_of_a_set)
    assert len(digests) == 1
    assert len(orders) > 1, "the seeds made no difference at all: this test could not have failed"

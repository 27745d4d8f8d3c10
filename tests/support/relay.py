"""The scheduler done by hand over raw bytes, with participants that may be killed at any moment."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from hypothesis import strategies as st

from contango_common.domain.errors import Undecodable
from contango_common.events.base import Event
from contango_common.events.codec import decode, encode
from contango_common.events.market import Bars
from contango_common.events.system import FeatureSwitched, Halt, ParametersChanged, TradingStarted
from contango_common.runtime.fold import Fold
from contango_common.runtime.inputs import Input
from contango_common.runtime.log import Message
from contango_common.runtime.participant import Participant, recover
from contango_common.runtime.schedule import Schedule
from contango_common.runtime.snapshot import StateCodec
from support import toy

# before: the message was not looked at; decided: the answer was not published; published: it was, at last.
Moment = Literal["before", "decided", "published"]
MOMENTS: tuple[Moment, ...] = ("before", "decided", "published")
Kill = tuple[str, int, Moment]
BUILD = "b"


@dataclass
class Relay:
    """Plays inputs (subject and bytes) through folds.

    ``kills`` says when which participant dies and is recovered. ``settled``: recovery is told how far the run had come
    (a conductor knows); otherwise what the log does not show as handled is handled again. ``snapshot_every`` messages a
    participant keeps its dumped state, and recovery starts there.
    """

    folds: Sequence[Fold] = toy.FOLDS
    kills: frozenset[Kill] = frozenset()
    settled: bool = True
    snapshot_every: int = 0
    log: list[Message] = field(default_factory=list)
    steps: list[tuple[str, int]] = field(default_factory=list)
    deaths: int = 0

    def __post_init__(self) -> None:
        self.participants = [Participant(fold, {}, BUILD) for fold in self.folds]
        self._schedule = Schedule((fold.NAME, fold.READS) for fold in self.folds)
        self._snapshots: dict[str, tuple[int, int, bytes]] = {}
        self._codecs = {fold.NAME: StateCodec(fold) for fold in self.folds} if self.snapshot_every else {}

    def play(self, inputs: Iterable[tuple[str, bytes]]) -> "Relay":
        cursor = 0
        for subject, data in inputs:
            self._put(subject, data, 0)
            while cursor < len(self.log):
                cursor += 1
                for index in self._schedule.readers(self.log[cursor - 1].subject):
                    self._handle(index, self.log[cursor - 1])
        return self

    def _put(self, subject: str, data: bytes, cause: int) -> None:
        self.log.append(Message(len(self.log) + 1, subject, data))
        self._schedule.appended(len(self.log), cause)

    def _handle(self, index: int, message: Message) -> None:
        name = self.folds[index].NAME
        self.steps.append((name, message.seq))
        if (name, message.seq, "before") in self.kills:
            self._reborn(index, message.seq - 1)
        answer = self.participants[index].handle(message)
        if (name, message.seq, "decided") in self.kills:
            self._reborn(index, message.seq - 1)
            answer = self.participants[index].handle(message)
        if answer is not None:
            self._put(f"log.{name}", encode(answer), message.seq)
        if self.snapshot_every and message.seq % self.snapshot_every == 0:
            self._keep(self.participants[index])
        if (name, message.seq, "published") in self.kills:
            self._reborn(index, message.seq)

    def _keep(self, participant: Participant) -> None:
        state = self._codecs[participant.name].dump(participant.state)
        self._snapshots[participant.name] = (participant.position, participant.last_ts_ns, state)

    def _reborn(self, index: int, done: int) -> None:
        """A new participant from the log alone (and the last snapshot), as far as the old one had come: ``done``."""
        self.deaths += 1
        fresh = Participant(self.folds[index], {}, BUILD)
        kept = self._snapshots.get(fresh.name)
        if kept is not None:
            fresh.position, fresh.last_ts_ns, state = kept
            fresh.state = self._codecs[fresh.name].load(state)
        wanted = [
            m for m in self.log if m.seq > fresh.position and (m.subject == fresh.subject or fresh.reads(m.subject))
        ]
        recover(fresh, wanted, done if self.settled else 0)
        for message in wanted:
            if fresh.position < message.seq <= done and message.subject != fresh.subject:
                assert fresh.handle(message) is None, "what the log does not hold was not decided before either"
        self.participants[index] = fresh


def raw(inputs: Iterable[Input]) -> list[tuple[str, bytes]]:
    return [(item.subject, encode(item.envelope(BUILD))) for item in inputs]


def bar(close: float) -> Bars:
    return Bars(timeframe_s=60, symbols=("X",), open=(close,), high=(close,), low=(close,), close=(close,))


closes = st.integers(-60, 60).map(float) | st.floats(-1e6, 1e6)
control: st.SearchStrategy[Event] = st.sampled_from(
    [
        TradingStarted(),
        ParametersChanged(params={"toy": 1}, reason="r"),
        Halt(reason="r"),
        FeatureSwitched(feature="f", switch="off", reason="r"),
    ]
)
# One message may hold several events, so that the answers' ``of`` counts.
steps: st.SearchStrategy[tuple[str, tuple[Event, ...]]] = st.one_of(
    st.lists(closes.map(bar) | control, min_size=1, max_size=3).map(lambda events: ("md", tuple(events))),
    st.lists(control, min_size=1, max_size=2).map(lambda events: ("control.test", tuple(events))),
)


def _numbered(found: list[tuple[str, tuple[Event, ...]]]) -> list[Input]:
    return [Input(source, i, f"in:{i}", events) for i, (source, events) in enumerate(found, 1)]


input_lists = st.lists(steps, max_size=12).map(_numbered)


def facts_of(messages: Iterable[Message], subject: str) -> list[Any]:
    """Events of one subject, in order; undecodable messages are left out."""
    found: list[Any] = []
    for message in messages:
        if message.subject == subject:
            try:
                found += decode(message.data).events
            except Undecodable:
                continue
    return found


def counting(fold: Fold) -> tuple[Fold, dict[str, int]]:
    """The same fold, and how often it was asked."""
    calls = {"EVOLVE": 0, "DECIDE": 0}

    def counted(table: str) -> dict[type[Event], Callable[..., Any]]:
        return {kind: call(table, inner) for kind, inner in getattr(fold, table).items()}

    def call(table: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any) -> Any:
            calls[table] += 1
            return inner(*args)

        return counting

    names = SimpleNamespace(
        NAME=fold.NAME, READS=fold.READS, initial=fold.initial, EVOLVE=counted("EVOLVE"), DECIDE=counted("DECIDE")
    )
    return names, calls

"""A Triton server that dies in the middle of a replay costs the model its say and nothing else; it is back by itself.

Every service runs as a process over a real NATS; inference asks a real Triton. The conductor is stopped while the
server is killed or started, so that the cut falls where the test wants it.
"""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contango_common.edge.clock import sleep_s
from contango_common.edge.embedded_triton import EmbeddedTriton
from contango_common.events.base import Event
from contango_common.events.codec import decode
from contango_common.events.forecast import BASELINE, DirectionForecast, Forecast, ForecastAbsent
from contango_common.runtime.log import Message
from contango_inference.registry.store import Registry, shipped
from contango_inference.triton.repository import write_repository
from contango_market_data.catalog.store import Catalog
from contango_research.fleet import Fleet
from contango_research.replay import run_replay
from support.short import BOOK_FILE, busy_book, memory_run, short_catalog, whole_period

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("crash"), pytest.mark.timeout(900)]
MODEL = "index_daily"
DEADLINE_S = "2.0"  # generous: what is tested is death, not slowness
DIES, LIVES = 1_439_942_400_000_000_000, 1_440_460_800_000_000_000  # 2015-08-19 and 2015-08-25, 00:00 UTC
COOLED_S = 3.0
TOLERANCE = 1e-5
PLACE = re.compile(r"(:SPX|\"V):?\d+")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return short_catalog(tmp_path_factory.mktemp("triton"))


@pytest.fixture(scope="module")
def embedded(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, Event]]:
    """The run with the embedded backend."""
    return facts(memory_run(catalog, tmp_path_factory.mktemp("embedded")).log.messages)


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTriton]:
    folder = tmp_path_factory.mktemp("server")
    repository = write_repository(Registry(shipped()).load(MODEL), folder / "repository")
    with EmbeddedTriton(folder, repository).start() as server:
        yield server


def facts(messages: list[Message]) -> list[tuple[int, Event]]:
    return [(envelope.ts_ns, event) for m in messages for envelope in [decode(m.data)] for event in envelope.events]


def decisions(found: list[tuple[int, Event]]) -> list[tuple[int, str]]:
    """Everything that is not a model's word, with that word left out of the reasons.

    Ids hold a place on the log, where an absence stands for two facts and the scores are told later: they are cut off.
    """
    kept = []
    for ts_ns, event in found:
        if isinstance(event, DirectionForecast | ForecastAbsent) or event.TAG in ("ForecastScored", "DriftDetected"):
            continue
        if isinstance(event, Forecast) and event.model != BASELINE:
            continue
        plain = without_words(json.loads(event.model_dump_json()))
        kept.append((ts_ns, PLACE.sub(r"\1", json.dumps(plain))))
    return kept


def without_words(value: Any) -> Any:
    """The same without what a model said, wherever it was recorded."""
    if isinstance(value, dict):
        return {key: without_words(part) for key, part in value.items() if not key.startswith("model_")}
    return [without_words(part) for part in value] if isinstance(value, list) else value


def words(found: list[tuple[int, Event]]) -> dict[int, DirectionForecast]:
    return {ts_ns: event for ts_ns, event in found if isinstance(event, DirectionForecast) and event.model == MODEL}


class Meddler:
    """Kills the server once the market has passed one instant, and starts it again past another."""

    def __init__(self, server: EmbeddedTriton) -> None:
        self.server, self.killed, self.back, self.ts_ns = server, False, False, 0

    def progress(self, ts_ns: int) -> None:
        self.ts_ns = ts_ns

    def meddle(self, running: Fleet) -> None:
        if not self.killed and self.ts_ns >= DIES:
            self.killed = True
            self._while_stopped(running, self.server.kill)
        elif not self.back and self.ts_ns >= LIVES:
            self.back = True
            self._while_stopped(running, self._start_again)

    def _start_again(self) -> None:
        self.server.restart()
        # The replay's days pass in milliseconds, the breaker's cool-down and the channel's backoff in real time.
        sleep_s(COOLED_S)

    def _while_stopped(self, running: Fleet, act: object) -> None:
        conductor = running.supervisor.status()["conductor"].pid
        assert conductor is not None
        assert callable(act)
        os.kill(conductor, signal.SIGSTOP)
        try:
            act()
        finally:
            os.kill(conductor, signal.SIGCONT)


def replayed(catalog: Catalog, folder: Path, server: EmbeddedTriton, meddler: Meddler | None = None):  # type: ignore[no-untyped-def]
    env = {
        "CONTANGO_INFERENCE_BACKEND": "triton",
        "CONTANGO_TRITON_URL": server.url,
        "CONTANGO_INFERENCE_DEADLINE_S": DEADLINE_S,
    }
    done = run_replay(
        catalog,
        busy_book(),
        BOOK_FILE,
        whole_period(catalog),
        folder,
        database=False,
        service_env={"inference": env},
        progress=None if meddler is None else meddler.progress,
        meddle=None if meddler is None else meddler.meddle,
    )
    return facts(done.messages)


def test_triton_answers_as_the_embedded_backend_and_the_decisions_are_the_same(catalog, embedded, triton, tmp_path):
    found = replayed(catalog, tmp_path / "run", triton)
    assert decisions(found) == decisions(embedded)
    ours, theirs = words(found), words(embedded)
    assert set(ours) == set(theirs)
    assert len(ours) >= 10
    for ts_ns, word in ours.items():
        other = theirs[ts_ns]
        assert (word.backend, other.backend) == ("triton", "numpy")
        assert (word.model_sha, word.input_hash) == (other.model_sha, other.input_hash)
        for name in ("prob_bull", "prob_bear", "prob_neutral"):
            assert abs(getattr(word, name) - getattr(other, name)) <= TOLERANCE


def test_killed_in_the_middle_it_leaves_absences_and_speaks_again_when_it_is_back(catalog, embedded, triton, tmp_path):
    meddler = Meddler(triton)
    found = replayed(catalog, tmp_path / "run", triton, meddler)
    assert (meddler.killed, meddler.back) == (True, True)
    assert decisions(found) == decisions(embedded)
    said, whole = words(found), words(embedded)
    assert set(said) < set(whole)
    assert min(set(whole) - set(said)) > DIES
    assert max(said) > LIVES
    reasons = Counter(
        e.reason.partition(":")[0] for _, e in found if isinstance(e, ForecastAbsent) and e.model == MODEL
    )
    assert reasons["unreachable"] >= 1, reasons

"""Every answer of a real Triton server beside the embedded backend's: singly, in batches, at once, and after a kill.

The server is the one that the wheel carries, on loopback, with a repository written for the shipped model. What must
hold: no probability differs by more than 1e-5; a dead server is an absence with its reason; it comes back by itself.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path

import httpx
import numpy as np

from contango_common.edge.clock import Deadline, monotonic_s
from contango_common.edge.embedded_triton import EmbeddedTriton
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.backends.port import Absent, Floats
from contango_inference.backends.triton import TritonBackend
from contango_inference.models.answer import logits_of, probabilities
from contango_inference.models.loaded import Loaded
from contango_inference.registry.store import Registry, shipped
from contango_inference.triton.made import made_windows
from contango_inference.triton.repository import write_repository
from contango_research.report import html
from contango_research.report.page import asset

TOLERANCE = 1e-5
SEED, SINGLES, TOGETHER, BATCHES = 20_151_231, 400, 600, 40
DEADLINE_S, BACK_WITHIN_S = 5.0, 60.0
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One way of asking: how many windows, times a call in ms, and the largest difference of any probability to the
    embedded backend (``raw`` of any output at all) and to torch, which computes by another algorithm (None: not
    installed)."""

    name: str
    windows: int
    apart: float
    raw: float
    torch: float | None
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that was seen. ``executions`` maps the batch that the server computed to how often it did."""

    model: str
    version: str
    parts: tuple[Part, ...]
    executions: dict[int, int]
    absences: tuple[str, ...]
    back_after_s: float

    @property
    def holds(self) -> bool:
        """Whether every answer was within the tolerance."""
        return all(part.apart <= TOLERANCE and (part.torch or 0.0) <= TOLERANCE for part in self.parts)


def run_demo(out: Path, tell: Tell) -> Shown:
    """Ask, kill, ask again; leaves ``summary.json`` and ``report.html`` in ``out``. UserError without a server."""
    registry = Registry(shipped())
    model = registry.load(registry.names()[0])
    out.mkdir(parents=True, exist_ok=True)
    work = out / "work"
    repository = write_repository(model, work / "repository")
    total = SINGLES + TOGETHER + BATCHES + 1
    with EmbeddedTriton(work, repository).start() as server:
        backend, local = TritonBackend(server.url, deadline_s=DEADLINE_S), NumpyBackend()
        try:
            singles = _one_by_one(backend, local, model, lambda done: tell(done, total))
            together = _all_at_once(backend, local, model)
            tell(SINGLES + TOGETHER, total)
            batches = _in_batches(backend, local, model)
            executions = _executions(server.http_url, model.manifest.name)
            server.kill()
            absences = tuple(dict.fromkeys(_silence(backend, model) for _ in range(8)))
            server.restart()
            back_after_s, again = _back(backend, local, model)
        finally:
            backend.close()
    tell(total, total)
    found = Shown(
        model.manifest.name, model.version, (singles, together, batches, again), executions, absences, back_after_s
    )
    summary = {**asdict(found), "holds": found.holds, "tolerance": TOLERANCE}
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    (out / "report.html").write_text(page(found), encoding="utf-8")
    return found


def rows(found: Shown) -> list[tuple[str, ...]]:
    """The table's cells, as ``HEAD`` names them."""
    return [
        (
            part.name,
            f"{part.windows:,}",
            f"{part.apart:.1e}",
            f"{part.raw:.1e}",
            "not installed" if part.torch is None else f"{part.torch:.1e}",
            f"{part.p50_ms:.2f}",
            f"{part.p99_ms:.2f}",
        )
        for part in found.parts
    ]


HEAD = ("asked", "windows", "|Δp| numpy", "|Δ| outputs", "|Δp| torch", "p50 ms", "p99 ms")


def page(found: Shown) -> str:
    """The report, one self-contained page."""
    verdict = "Every probability agrees within" if found.holds else "SOME PROBABILITY DIFFERS BY MORE THAN"
    body = html.section(
        "answers",
        "Answers of Triton beside the embedded backend",
        html.paragraph(
            f"Model <code>{escape(found.model)}@{found.version[:16]}</code>. {verdict} {TOLERANCE:g}. The bits need "
            "not agree: the server computes together what arrives together."
        ),
        html.table(HEAD, [[escape(cell) for cell in row] for row in rows(found)]),
    )
    body += html.section(
        "batches",
        "What the server computed together",
        html.table(("batch", "executions"), [(str(n), f"{count:,}") for n, count in sorted(found.executions.items())]),
    )
    body += html.section(
        "kill",
        "Killed in the middle",
        html.paragraph("While the server was dead every question was an absence, recorded with its reason:"),
        html.table(("reason",), [(escape(reason),) for reason in found.absences]),
        html.paragraph(f"It answered again {found.back_after_s:.1f} s after it was ready."),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Triton beside the embedded backend</title><style>{asset('style.css')}</style></head>"
        "<body><header><h1>Triton <span>demonstration</span></h1></header>"
        f'<main style="padding: 0 1.5rem">{body}</main></body></html>\n'
    )


def _one_by_one(backend: TritonBackend, local: NumpyBackend, model: Loaded, tell: Callable[[int], None]) -> Part:
    windows, outputs, times = made_windows(model, SEED, SINGLES), [], []
    for i in range(SINGLES):
        began_s = monotonic_s()
        outputs.append(_said(backend.run(model, windows[i : i + 1])))
        times.append(monotonic_s() - began_s)
        tell(i + 1)
    return _part("one by one", local, model, windows, np.concatenate(outputs), times)


def _all_at_once(backend: TritonBackend, local: NumpyBackend, model: Loaded) -> Part:
    """As many single windows as may be in flight, so that the server batches what meets."""
    windows, times = made_windows(model, SEED + 1, TOGETHER), []

    async def ask(i: int, gate: asyncio.Semaphore) -> Floats:
        async with gate:
            began_s = monotonic_s()
            outputs = _said(await backend.arun(model, windows[i : i + 1]))
            times.append(monotonic_s() - began_s)
            return outputs

    async def all_of_them() -> list[Floats]:
        gate = asyncio.Semaphore(64)
        return await asyncio.gather(*(ask(i, gate) for i in range(TOGETHER)))

    return _part("all at once", local, model, windows, np.concatenate(asyncio.run(all_of_them())), times)


def _in_batches(backend: TritonBackend, local: NumpyBackend, model: Loaded) -> Part:
    sizes = np.random.default_rng(SEED).integers(2, 100, BATCHES).tolist()
    windows, outputs, times, begin = made_windows(model, SEED + 2, sum(sizes)), [], [], 0
    for size in sizes:
        began_s = monotonic_s()
        outputs.append(_said(backend.run(model, windows[begin : begin + size])))
        times.append(monotonic_s() - began_s)
        begin += size
    return _part("in batches of 2 to 99", local, model, windows, np.concatenate(outputs), times)


def _back(backend: TritonBackend, local: NumpyBackend, model: Loaded) -> tuple[float, Part]:
    """Seconds from the server's start until it answered, and that answer."""
    windows, began_s, deadline = made_windows(model, SEED + 3, 1), monotonic_s(), Deadline(BACK_WITHIN_S)
    while isinstance(outputs := backend.run(model, windows), Absent):
        if not deadline.pause(0.05):
            raise RuntimeError(f"the server did not come back within {BACK_WITHIN_S:.0f} s: {outputs.reason}")
    took_s = monotonic_s() - began_s
    return took_s, _part("after it was killed and started", local, model, windows, outputs, [took_s])


def _silence(backend: TritonBackend, model: Loaded) -> str:
    outputs = backend.run(model, made_windows(model, SEED, 1))
    if not isinstance(outputs, Absent):
        raise RuntimeError("a dead server answered")
    return outputs.reason


def _part(
    name: str, local: NumpyBackend, model: Loaded, windows: Floats, outputs: Floats, times_s: list[float]
) -> Part:
    own = _said(local.run(model, windows))
    p50, p99 = np.percentile(times_s, (50.0, 99.0)) * 1e3
    raw, torch = float(np.abs(outputs - own).max()), _by_torch(model, windows)
    beside = None if torch is None else _apart(model, outputs, torch)
    return Part(name, len(windows), _apart(model, outputs, own), raw, beside, float(p50), float(p99))


def _apart(model: Loaded, one: Floats, other: Floats) -> float:
    temperature = model.manifest.calibration.temperature
    a, b = (probabilities(logits_of(x), temperature) for x in (one, other))
    return float(np.abs(a - b).max())


def _by_torch(model: Loaded, windows: Floats) -> Floats | None:
    if find_spec("torch") is None:
        return None
    from contango_inference.backends.torch import TorchBackend

    return _said(TorchBackend("cpu").run(model, windows))


def _said(outputs: Floats | Absent) -> Floats:
    if isinstance(outputs, Absent):
        raise RuntimeError(f"no answer: {outputs.reason}")
    return outputs


def _executions(http_url: str, name: str) -> dict[int, int]:
    stats = httpx.get(f"{http_url}/v2/models/{name}/stats", timeout=10.0).raise_for_status().json()["model_stats"][0]
    return {int(entry["batch_size"]): int(entry["compute_infer"]["count"]) for entry in stats["batch_stats"]}

"""Speed of one forecast: the backends beside torch on one CPU thread, and what Triton adds to the model itself.

Weights are random and of the size that is shipped. Triton is the wheel's own server on loopback; what it adds is the
time from question to answer less what its own statistics say that the model computed.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec

import httpx

from contango_common.edge.clock import monotonic_s
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.backends.port import Absent, Backend
from contango_inference.models.loaded import Loaded
from contango_inference.triton.made import made_model, made_windows
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

SEED, CALLS = 20_151_231, 200
BATCHES = (1, 8, 64)
DEADLINE_S = 30.0
NAME = "made"
_BOUND = {
    "numpy": "one CPU thread: two projections and two compiled loops a layer",
    "torch": "one CPU thread: some sixty calls into torch a layer, whatever their size",
    "triton": "gRPC, the server's queue (200 us for others to join) and its hand-over to a python process",
}
_MISSING = "not installed here: make setup-train"


def measure(setting: Setting) -> list[Result]:
    """A row for each backend and batch; no figure for a backend that is not installed."""
    model = made_model(NAME, SEED)
    with ExitStack() as stack:
        found: dict[str, Backend] = {"numpy": NumpyBackend()}
        if find_spec("torch") is not None:
            import torch

            from contango_inference.backends.torch import TorchBackend

            torch.set_num_threads(1)
            found["torch"] = TorchBackend("cpu")
        server = _triton(stack, setting, model)
        if server is not None:
            found["triton"] = server[0]
        for backend in found.values():
            stack.callback(backend.close)
        setting.say(f"forecasts: {', '.join(found)}")
        times = {name: {n: _times(setting, backend, model, n) for n in BATCHES} for name, backend in found.items()}
        results = list(_results(times))
        if server is not None:
            results.append(_overhead(setting, server[0], server[1], model))
    for name in ("torch", "triton"):
        if name not in found:
            results.append(Result(f"forecast_ms.{name}", math.nan, "ms", bound_by=_BOUND[name], note=_MISSING))
    return results


def _results(times: dict[str, dict[int, tuple[float, ...]]]) -> Iterator[Result]:
    """``times``: seconds a call, by backend and batch, one a run."""
    peer = times.get("torch")
    for name, by_batch in times.items():
        for batch, seconds in by_batch.items():
            beside = None if peer is None or name == "torch" else middle(peer[batch])
            if batch == 1:
                yield Result(
                    f"forecast_ms.{name}",
                    1e3 * middle(seconds),
                    "ms",
                    beside=None if beside is None else "torch, one thread",
                    beside_value=None if beside is None else 1e3 * beside,
                    bound_by=_BOUND[name],
                    samples=tuple(1e3 * s for s in seconds),
                )
            yield Result(
                f"forecast_per_s.{name}.{batch}",
                batch / middle(seconds),
                "forecasts/s",
                beside=None if beside is None else "torch, one thread",
                beside_value=None if beside is None else batch / beside,
                bound_by=_BOUND[name],
                samples=tuple(batch / s for s in seconds),
            )


def _times(setting: Setting, backend: Backend, model: Loaded, batch: int) -> tuple[float, ...]:
    """The median call of each run."""
    windows = made_windows(model, SEED, batch)

    def call() -> None:
        outputs = backend.run(model, windows)
        if isinstance(outputs, Absent):
            raise RuntimeError(f"{backend.NAME}: {outputs.reason}")

    for _ in range(10):
        call()
    return tuple(middle(_timed(call) for _ in range(CALLS)) for _ in range(max(setting.runs, 3)))


def _timed(call: Callable[[], None]) -> float:
    began_s = monotonic_s()
    call()
    return monotonic_s() - began_s


def _triton(stack: ExitStack, setting: Setting, model: Loaded) -> tuple[Backend, str] | None:
    """The backend on a server of its own, and the address of its statistics; None where there is no server."""
    if find_spec("tritonclient") is None or find_spec("pytriton") is None:
        return None
    from contango_common.edge.embedded_triton import EmbeddedTriton
    from contango_inference.backends.triton import TritonBackend
    from contango_inference.triton.repository import write_repository

    repository = write_repository(model, setting.work / "repository")
    server = stack.enter_context(EmbeddedTriton(setting.work, repository).start())
    return TritonBackend(server.url, deadline_s=DEADLINE_S), server.http_url


def _overhead(setting: Setting, backend: Backend, http_url: str, model: Loaded) -> Result:
    """Mean time of a question of one window less the mean that the model computed, by the server's statistics."""
    windows = made_windows(model, SEED, 1)
    samples = []
    for _ in range(max(setting.runs, 3)):
        before, began_s = _computed(http_url), monotonic_s()
        for _ in range(CALLS):
            backend.run(model, windows)
        whole_s, after = monotonic_s() - began_s, _computed(http_url)
        samples.append(1e3 * whole_s / CALLS - (after[0] - before[0]) / 1e6 / (after[1] - before[1]))
    return Result("triton_overhead_ms", middle(samples), "ms", bound_by=_BOUND["triton"], samples=tuple(samples))


def _computed(http_url: str) -> tuple[int, int]:
    """Nanoseconds that the model has computed in all, and in how many executions."""
    stats = httpx.get(f"{http_url}/v2/models/{NAME}/stats", timeout=10.0).raise_for_status().json()
    inferred = stats["model_stats"][0]["inference_stats"]["compute_infer"]
    return int(inferred["ns"]), int(inferred["count"])

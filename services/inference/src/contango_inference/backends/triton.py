"""The Triton backend: one long-lived gRPC channel in a thread of its own, deadlines, a bound, a circuit breaker.

``run`` blocks its caller no longer than the deadline. Everything that a server or a network can do ends as ``Absent``
with one line of reason; when the server is back, so are the answers. Every answer says which weights made it, and one
of other weights than those asked for is absent too.
"""

import asyncio
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from math import ceil

import numpy as np
from tritonclient.grpc.aio import InferenceServerClient

from contango_common.edge.clock import monotonic_s
from contango_inference.backends import breaker as breakers
from contango_inference.backends.breaker import Breaker
from contango_inference.backends.port import Absent, Floats, misshapen
from contango_inference.backends.triton_call import CHANNEL, Refusal, call
from contango_inference.models.loaded import Loaded
from contango_inference.triton.names import MAX_BATCH

CLOSE_LIMIT_S = 5.0
Answer = Floats | Absent


class TritonBackend:
    """``url`` is host:port of gRPC. A batch of more windows than the server takes at once travels as several requests,
    of which at most ``max_in_flight`` are on their way; all of a batch's share its deadline.

    >>> backend = TritonBackend("127.0.0.1:8001", deadline_s=0.05)
    >>> backend.close()
    """

    NAME = "triton"

    def __init__(
        self, url: str, *, deadline_s: float = 0.05, max_in_flight: int = 256, breaker: Breaker | None = None
    ) -> None:
        if not deadline_s > 0.0 or max_in_flight < 1:
            raise ValueError(f"deadline_s {deadline_s} and max_in_flight {max_in_flight} must be above 0")
        self._url, self._deadline_s, self._max_in_flight = url, deadline_s, max_in_flight
        # What follows is touched in the loop's thread alone.
        self._breaker, self._in_flight = breaker or Breaker(), 0
        self._client: InferenceServerClient | None = None
        self._loop = asyncio.new_event_loop()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="contango-triton", daemon=True)
        self._thread.start()

    def run(self, model: Loaded, windows: Floats, /) -> Answer:
        answer = self._begin(model, windows)
        if isinstance(answer, Absent):
            return answer
        try:
            return answer.result(self._deadline_s)
        except TooLate:
            answer.cancel()
            return self._late()

    async def arun(self, model: Loaded, windows: Floats) -> Answer:
        """As ``run``, from any event loop and as many at a time as the bound lets: the server batches what meets."""
        answer = self._begin(model, windows)
        return answer if isinstance(answer, Absent) else await asyncio.wrap_future(answer)

    def close(self) -> None:
        """End the channel and the thread; safe to call twice. Who still waits is given an absence."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_LIMIT_S)

    def _begin(self, model: Loaded, windows: Floats) -> "Future[Answer] | Absent":
        wrong = misshapen(model, windows)
        if wrong is not None:
            return wrong
        if self._closed:
            return Absent("the backend is closed")
        return asyncio.run_coroutine_threadsafe(self._ask(model, windows), self._loop)

    async def _ask(self, model: Loaded, windows: Floats) -> Answer:
        parts = [windows[i : i + MAX_BATCH] for i in range(0, len(windows), MAX_BATCH)]
        if not parts:
            return np.empty((0, model.manifest.contract.outputs), dtype=np.float32)
        if self._in_flight + len(parts) > self._max_in_flight:
            return Absent(f"queue full: {self._in_flight} requests in flight, at most {self._max_in_flight} may be")
        self._breaker, may = breakers.admitted(self._breaker, monotonic_s())
        if not may:
            return Absent(f"unreachable: not asked, after {self._breaker.failures} failures in a row")
        self._in_flight += len(parts)
        try:
            found = await asyncio.gather(*(call(self._connected(), model, part, self._deadline_s) for part in parts))
        except asyncio.CancelledError:
            self._breaker = breakers.failed(self._breaker, monotonic_s())
            return self._late()
        finally:
            self._in_flight -= len(parts)
        return self._judged(found)

    def _judged(self, found: list[Floats | Refusal]) -> Answer:
        refusals = [part for part in found if isinstance(part, Refusal)]
        if any(not refusal.spoke for refusal in refusals):
            self._breaker = breakers.failed(self._breaker, monotonic_s())
        else:
            self._breaker = breakers.answered(self._breaker)
        if refusals:
            return Absent(refusals[0].reason)
        return np.concatenate([part for part in found if not isinstance(part, Refusal)])

    def _late(self) -> Absent:
        return Absent(f"deadline: no answer within {ceil(self._deadline_s * 1e3)} ms")

    def _connected(self) -> InferenceServerClient:
        if self._client is None:
            self._client = InferenceServerClient(self._url, channel_args=CHANNEL)
        return self._client

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client = None

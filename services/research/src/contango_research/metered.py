"""A backend whose answers are timed and counted."""

from contango_common.edge.clock import monotonic_s
from contango_common.edge.metrics import Metrics
from contango_inference.backends.port import Absent, Backend, Floats
from contango_inference.models.loaded import Loaded


class Metered:
    """Every answer goes into the histogram of its backend, every absence into a counter."""

    def __init__(self, backend: Backend, metrics: Metrics) -> None:
        self.NAME = backend.NAME
        self._backend = backend
        self._latency = metrics.histogram("contango_inference_seconds", backend=backend.NAME)
        self._absences = metrics.counter("contango_inference_absences_total", backend=backend.NAME)
        self._in_flight = metrics.gauge("contango_inference_queue", backend=backend.NAME)

    def run(self, model: Loaded, windows: Floats, /) -> Floats | Absent:
        self._in_flight.inc()
        since_s = monotonic_s()
        try:
            outputs = self._backend.run(model, windows)
        finally:
            self._in_flight.dec()
        self._latency.observe(monotonic_s() - since_s)
        if isinstance(outputs, Absent):
            self._absences.inc()
        return outputs

    def close(self) -> None:
        self._backend.close()

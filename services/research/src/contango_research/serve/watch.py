"""Turns what a participant tells about itself into metrics; bound once, no look-ups on the way."""

from prometheus_client import Counter

from contango_common.edge.clock import monotonic_s
from contango_common.events.codec import Envelope
from contango_common.runtime.log import Message
from contango_research.serve.context import Context


class MetricsWatch:
    """Counts, times and the lag behind the bus, of one participant."""

    def __init__(self, ctx: Context) -> None:
        self._ctx, self._service = ctx, ctx.service
        metrics = ctx.metrics
        self._seq = self._pending = 0
        # Asked for when somebody looks: setting them on every message would cost more than the step.
        metrics.gauge("contango_cursor_seq", service=self._service).set_function(lambda: self._seq)
        metrics.gauge("contango_bus_lag_messages", service=self._service).set_function(lambda: self._pending)
        self._step = metrics.histogram("contango_step_seconds", service=self._service)
        self._publish = metrics.histogram("contango_publish_seconds", service=self._service)
        self._messages: dict[str, Counter] = {}
        self._decisions: dict[str, Counter] = {}
        self._since_s = self._publishing_s = 0.0

    def deciding(self, message: Message) -> None:
        self._since_s = monotonic_s()

    def decided(self, message: Message, envelope: Envelope | None, answer: Envelope | None) -> None:
        self._step.observe(monotonic_s() - self._since_s)
        self._seq, self._pending = message.seq, message.pending
        self._count_message(message.subject)
        if envelope is None:
            self._ctx.metrics.counter("contango_quarantined_total", service=self._service).inc()
        for event in answer.events if answer is not None else ():
            self._count_decision(event.TAG)

    def publishing(self) -> None:
        self._publishing_s = monotonic_s()

    def published(self) -> None:
        self._publish.observe(monotonic_s() - self._publishing_s)

    def _count_message(self, subject: str) -> None:
        bound = self._messages.get(subject)
        if bound is None:
            bound = self._ctx.metrics.counter("contango_messages_total", service=self._service, subject=subject)
            self._messages[subject] = bound
        bound.inc()

    def _count_decision(self, tag: str) -> None:
        bound = self._decisions.get(tag)
        if bound is None:
            bound = self._ctx.metrics.counter("contango_decisions_total", service=self._service, kind=tag)
            self._decisions[tag] = bound
        bound.inc()

"""Turns what a participant handles into metrics."""

from collections.abc import Callable

from contango_common.events.codec import Envelope
from contango_common.runtime.log import Message
from contango_research.serve.context import Context


def observer(ctx: Context) -> Callable[[Message, Envelope | None, Envelope | None], None]:
    """Called after every handled message; bound metrics, no look-ups on the way."""
    cursor = ctx.metrics.gauge("contango_cursor_seq", service=ctx.service)
    by_subject: dict[str, object] = {}
    messages, decisions, quarantined = ctx.metrics, ctx.metrics, ctx.metrics

    def count_subject(subject: str) -> None:
        bound = by_subject.get(subject)
        if bound is None:
            bound = messages.counter("contango_messages_total", service=ctx.service, subject=subject)
            by_subject[subject] = bound
        bound.inc()  # type: ignore[attr-defined]

    def observe(message: Message, envelope: Envelope | None, answer: Envelope | None) -> None:
        cursor.set(message.seq)
        count_subject(message.subject)
        if envelope is None:
            quarantined.counter("contango_quarantined_total", service=ctx.service).inc()
        if answer is not None:
            for event in answer.events:
                decisions.counter("contango_decisions_total", service=ctx.service, kind=event.TAG).inc()

    return observe

"""nats-py with a short way in and out, for messages that processes wait for.

A subscription of nats-py puts every message on a queue from which a task of its own takes it, and a publish wakes
another task that writes it. Under lock-step everybody waits for the next message, and those changes of task were a
tenth of the work. Here a *direct* subscription hands the raw message over at once, in the order of arrival, and a
publish is written at once. Everything else is nats-py's.

This leans on inner names of the pinned nats-py (``_process_msg``, ``_flush_pending`` and what it flushes). Where a
later version no longer calls them, messages take the long way and arrive all the same.
"""

from collections.abc import Callable
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

Headers = dict[str, str]
Take = Callable[[str, str, bytes, Headers], None]  # subject, reply, data, headers; must not wait

_LINE = b"\r\n"
_HEAD = len(b"NATS/1.0")


def headers_of(raw: bytes | None) -> Headers:
    """Headers of a message as they came; a status line (which has no colon before its end) counts as ``Status``.

    >>> headers_of(b"NATS/1.0\\r\\nNats-Msg-Id: in:7\\r\\nWriter: w\\r\\n\\r\\n")
    {'Nats-Msg-Id': 'in:7', 'Writer': 'w'}
    >>> headers_of(b"NATS/1.0 100 Idle Heartbeat\\r\\nNats-Last-Consumer: 3\\r\\n\\r\\n")
    {'Status': '100 Idle Heartbeat', 'Nats-Last-Consumer': '3'}
    """
    found: Headers = {}
    if raw:
        first, *lines = bytes(raw).split(_LINE)
        if len(first) > _HEAD:
            found["Status"] = first[_HEAD:].decode("utf-8", "replace").strip()
        for line in lines:
            name, colon, value = line.partition(b":")
            if colon:
                found[name.decode("utf-8", "replace").strip()] = value.decode("utf-8", "replace").strip()
    return found


class DirectClient(Client):
    """A client whose direct subscriptions and whose publishes change no task."""

    def __init__(self) -> None:
        super().__init__()
        self._direct: dict[int, Take] = {}

    async def subscribe_direct(self, subject: str, take: Take) -> Subscription:
        """Like ``subscribe``, but ``take`` is called with every message as soon as it is read."""

        async def long_way(msg: Msg) -> None:
            take(msg.subject, msg.reply, msg.data, dict(msg.headers or {}))

        # Limits count what waits on the queue, on which nothing waits.
        made = await self.subscribe(subject, cb=long_way, pending_msgs_limit=-1, pending_bytes_limit=-1)
        self._direct[made._id] = take
        return made

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        take = self._direct.get(sid)
        if take is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        elif sid in self._subs:
            self.stats["in_msgs"] += 1
            self.stats["in_bytes"] += len(data)
            try:
                take(subject.decode(), reply.decode() if reply else "", bytes(data), headers_of(headers))
            except Exception as error:  # noqa: BLE001 - told as nats-py tells errors of callbacks; reading goes on
                await self._error_cb(error)

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        self._direct.pop(sid, None)
        super()._remove_sub(sid, max_msgs)

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        if force_flush or not self.is_connected or self._transport is None:
            return await super()._flush_pending(force_flush)
        if self._pending_data_size > 0:
            self._transport.writelines(self._pending[:])
            self._pending, self._pending_data_size = [], 0
        return None

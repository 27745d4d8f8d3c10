"""Reads the log from its first message and feeds the views, the commands' memory and the alerts."""

import asyncio
from collections.abc import Sequence

from contango_common.domain.errors import Undecodable
from contango_common.edge.logs import fields, get_logger
from contango_common.events.codec import Envelope, decode
from contango_common.runtime.log import Log, Message
from contango_gateway.commands import Commands
from contango_gateway.notify import Notifier, alerts_of
from contango_gateway.views import Views

BREATH_MESSAGES = 64  # requests are answered between so many messages while the log is read
ANSWER_S = 5.0

log = get_logger("gateway")


class Follower:
    """``caught_up`` once the views show what the log held at the start; alerts are for what comes after that.

    ``silent`` says why the log does not answer; None while it does.
    """

    def __init__(self, source: Log, views: Views, commands: Commands, notifiers: Sequence[Notifier] = ()) -> None:
        self._log, self._views, self._commands = source, views, commands
        self._notifiers = tuple(notifiers)
        self.caught_up = False
        self.end_seq = 0
        self.silent: str | None = None

    async def run(self) -> None:
        """For ever. Raises LogError when the log cannot be followed."""
        last = await self._log.last()
        self.end_seq = last.seq if last else 0
        self._look()
        count = 0
        async for message in self._log.follow(1):
            self._take(message)
            count += 1
            if count % BREATH_MESSAGES == 0:
                await asyncio.sleep(0)

    async def ask_end(self) -> None:
        """Ask where the log ends, for the lag; a log that does not answer may come back."""
        try:
            last = await asyncio.wait_for(self._log.last(), ANSWER_S)
        except Exception as error:  # noqa: BLE001  (every client has its own words for a bus that is away)
            self.silent = f"the log does not answer: {type(error).__name__}"
            return
        self.silent = None
        self.end_seq = max(self.end_seq, last.seq if last else 0)

    def _take(self, message: Message) -> None:
        envelope = self._decoded(message)
        self._views.update(message, envelope)
        self._commands.seen(message, envelope)
        if self.caught_up and envelope is not None:
            for alert in alerts_of(message.seq, envelope) if self._notifiers else ():
                for notifier in self._notifiers:
                    notifier.notify(alert)
        self._look()

    def _look(self) -> None:
        if not self.caught_up and self._views.as_of_seq >= self.end_seq:
            self.caught_up = self._commands.ready = True

    def _decoded(self, message: Message) -> Envelope | None:
        try:
            return decode(message.data)
        except Undecodable as error:
            log.warning("message %d cannot be decoded: %s", message.seq, error, extra=fields(seq=message.seq))
            return None

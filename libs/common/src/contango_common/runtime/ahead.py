"""A sequence that a thread of its own computes ahead, so that whoever asks for the next item finds it ready."""

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_LOOK_AGAIN_S = 0.0005  # while the thread is behind


class Ahead(Generic[T]):
    """At most ``limit`` items lie ready; the order is the sequence's own. An error of it comes out at its place."""

    def __init__(self, items: Iterable[T], limit: int) -> None:
        self._items: Iterator[T] = iter(items)
        self._ready: deque[T] = deque()
        self._room = threading.Semaphore(limit)
        self._over = False
        self._error: Exception | None = None

    def start(self) -> None:
        threading.Thread(target=self._work, name="ahead", daemon=True).start()

    def _work(self) -> None:
        try:
            while True:
                self._room.acquire()
                self._ready.append(next(self._items))
        except StopIteration:
            self._over = True
        except Exception as error:  # noqa: BLE001 - handed to the reader, who raises it
            self._error = error

    async def peek(self) -> T | None:
        """The next item, which stays; None at the end. Raises what the sequence raised."""
        while not self._ready:
            if self._error is not None:
                raise self._error
            if self._over and not self._ready:
                return None
            await asyncio.sleep(_LOOK_AGAIN_S)
        return self._ready[0]

    def drop(self) -> None:
        """Take the item that ``peek`` showed."""
        self._ready.popleft()
        self._room.release()

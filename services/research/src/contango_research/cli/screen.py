"""Progress bars and messages on the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True)
_BILLION = 1_000_000_000
_EVERY = 64


@contextmanager
def run_bar(title: str, sessions: list[int]) -> Iterator[Callable[[int], None]]:
    """A bar over session dates; the returned function is told the event time of every input."""
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[date]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    first, last = (_instant(date) for date in (sessions[0], sessions[-1]))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=max(last - first + 86_400, 1), date="")
        calls = 0

        def tell(ts_ns: int) -> None:
            nonlocal calls
            calls += 1
            if calls % _EVERY == 0:
                seconds = ts_ns // _BILLION
                date = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
                progress.update(task, completed=seconds - first, date=date)

        yield tell
        progress.update(task, completed=max(last - first + 86_400, 1))


@contextmanager
def count_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told (done, total)."""
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield tell


def _instant(date: int) -> int:
    return int(datetime(date // 10_000, date // 100 % 100, date % 100, tzinfo=UTC).timestamp())

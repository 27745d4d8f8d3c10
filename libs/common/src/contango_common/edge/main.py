"""The outer shell of a program: signals become a stop event, errors become exit codes."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge.logs import get_logger

EXIT_OK, EXIT_CRASH, EXIT_USER, EXIT_INTERRUPTED = 0, 1, 2, 130
Body = Callable[[asyncio.Event], Awaitable[None]]


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it is installed, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def exit_code(work: Callable[[], object]) -> int:
    """Run `work`; a UserError becomes one line on stderr and 2, another error of ours one line and 1.

    Any other crash is logged with its trace and becomes 1.

    >>> exit_code(lambda: None)
    0
    """
    try:
        work()
    except UserError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return EXIT_USER
    except ContangoError as error:
        print(" ".join(f"{type(error).__name__}: {error}".split()), file=sys.stderr)
        return EXIT_CRASH
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001  (the last line of defence: logged with its trace)
        get_logger("main").critical("stopped by an error", exc_info=True)
        return EXIT_CRASH
    return EXIT_OK


def run_service(body: Body) -> int:
    """Run `body(stop)` in a loop until it returns; SIGTERM and SIGINT set `stop`, a second one cancels it.

    Returns the exit code; a clean stop by a signal is 0.
    """
    return exit_code(lambda: _run(body))


def _run(body: Body) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_with_signals(body))


async def _with_signals(body: Body) -> None:
    stop = asyncio.Event()
    task = asyncio.ensure_future(body(stop))
    loop = asyncio.get_running_loop()

    def heard(number: int) -> None:
        name = signal.Signals(number).name
        if stop.is_set():
            get_logger("main").warning("second %s: stopping at once", name)
            task.cancel()
            return
        get_logger("main").info("%s: stopping", name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)
    try:
        await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

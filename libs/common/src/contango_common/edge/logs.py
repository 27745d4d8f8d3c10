"""Structured logs: one JSON line per record on stderr, secrets masked at the handler; never raises."""

import logging
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

import orjson
from pydantic import SecretStr

from contango_common.edge.redact import Redactor

ROOT = "contango"


def get_logger(name: str) -> logging.Logger:
    """The logger of one part of the house."""
    return logging.getLogger(f"{ROOT}.{name}")


def fields(**values: Any) -> dict[str, Any]:
    """Data for a record: `log.info("started", extra=fields(port=4222))`."""
    return {"fields": values}


class JsonHandler(logging.Handler):
    """Writes records as JSON lines; what cannot be written is dropped, and counted in `dropped`."""

    def __init__(self, service: str, redactor: Redactor, stream: TextIO | None = None) -> None:
        super().__init__()
        self.service = service
        self.redactor = redactor
        self.dropped = 0
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = orjson.dumps(self._data(record)).decode()
            stream = self._stream or sys.stderr
            stream.write(line + "\n")
            stream.flush()
        except Exception:  # noqa: BLE001  (trading goes on when logging fails)
            self.dropped += 1

    def _data(self, record: logging.LogRecord) -> dict[str, Any]:
        data: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self.service,
            "logger": self.redactor.text(record.name),
            "msg": self.redactor.text(_message(record)),
        }
        if given := getattr(record, "fields", None):
            data["fields"] = self.redactor.data(given)
        if record.exc_info:
            data["error"] = self.redactor.text(_traceback(record))
        return data


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001  (wrong placeholders: show what there is)
        text = f"{record.msg!r} (arguments do not fit)"
    return text.encode("utf-8", "replace").decode("utf-8")


def _traceback(record: logging.LogRecord) -> str:
    try:
        text = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    except Exception:  # noqa: BLE001  (an exception whose text raises)
        text = f"{record.exc_info[0].__name__}" if record.exc_info and record.exc_info[0] else "unknown"
    return text.encode("utf-8", "replace").decode("utf-8")


def configure(
    service: str,
    *,
    level: str = "INFO",
    secrets: Iterable[str | SecretStr] = (),
    stream: TextIO | None = None,
) -> Redactor:
    """Send every log record, warning and uncaught error of this process through one redacting handler.

    Returns its redactor, so that secrets learned later can be registered.
    """
    redactor = Redactor(secrets)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(JsonHandler(service, redactor, stream))
    root.setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable
    return redactor


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    get_logger("main").critical("uncaught error", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)

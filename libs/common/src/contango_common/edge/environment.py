"""The process environment that numba and BLAS need, set before they are imported."""

import os
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from contango_common.domain.errors import UserError

# More threads would make sums depend on the machine's load.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CACHE_KEY = "NUMBA_CACHE_DIR"


def prepare_environment(environ: MutableMapping[str, str] | None = None) -> Path:
    """Set one thread for BLAS and OpenMP and a writable numba cache folder; returns that folder.

    Call it first in a program: numba and BLAS read these variables when they are imported. An installed
    program may be read-only, and numba then refuses `cache=True` unless the folder is elsewhere.

    >>> environ = {"NUMBA_CACHE_DIR": "/tmp/contango-doc-cache"}
    >>> prepare_environment(environ).name, environ["OMP_NUM_THREADS"]
    ('contango-doc-cache', '1')
    """
    target = os.environ if environ is None else environ
    target.update(dict.fromkeys(ONE_THREAD, "1"))
    folder = next((path for path in _candidates(target) if _usable(path)), None)
    if folder is None:
        raise UserError(f"{CACHE_KEY}: no writable folder found; set it to one")
    target[CACHE_KEY] = str(folder)
    return folder


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get(CACHE_KEY):
        yield Path(environ[CACHE_KEY])
    if environ.get("XDG_CACHE_HOME"):
        yield Path(environ["XDG_CACHE_HOME"]) / "contango" / "numba"
    if environ.get("HOME"):
        yield Path(environ["HOME"]) / ".cache" / "contango" / "numba"
    yield Path(tempfile.gettempdir()) / f"contango-numba-{os.geteuid()}"


def _usable(folder: Path) -> bool:
    """Ours and writable: the cache holds compiled code, so a stranger's folder is not trusted."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder.stat().st_uid == os.geteuid()
    except OSError:
        return False

"""The process environment that numba and BLAS need, set before they are imported."""

import gc
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from importlib.util import find_spec
from pathlib import Path

from contango_common.domain.errors import UserError

# More threads would make sums depend on the machine's load.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CACHE_KEY = "NUMBA_CACHE_DIR"
_OURS = re.compile(r"[0-9a-f]{16}")  # inherited from a parent process that prepared its environment
YOUNG_OBJECTS = 50_000  # facts and states have no cycles: looking for some every 700 objects costs 6 % of a backtest
PACKAGES = ("contango_quant", "contango_market_data", "contango_signals", "contango_risk", "contango_inference")


def prepare_environment(environ: MutableMapping[str, str] | None = None) -> Path:
    """Set one thread for BLAS and OpenMP and a writable numba cache folder; returns that folder.

    Call it first in a program: numba and BLAS read these variables when they are imported. An installed
    program may be read-only, and numba then refuses `cache=True` unless the folder is elsewhere. The folder
    is named after the sources: numba notices a change only in a kernel's own file, not in the files it calls.
    The garbage collector is told to look rarely.

    >>> environ = {"NUMBA_CACHE_DIR": "/tmp/contango-doc-cache"}
    >>> prepare_environment(environ).parent.name, environ["OMP_NUM_THREADS"]
    ('contango-doc-cache', '1')
    """
    target = os.environ if environ is None else environ
    target.update(dict.fromkeys(ONE_THREAD, "1"))
    gc.set_threshold(YOUNG_OBJECTS)
    sources = _sources()
    bases = (base.parent if _OURS.fullmatch(base.name) else base for base in _candidates(target))
    folder = next((path for base in bases if _usable(base) and _usable(path := base / sources)), None)
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


def _sources() -> str:
    """A name that changes when any compiled source changes: sizes and times of all modules."""
    total = hashlib.blake2b(digest_size=8)
    for package in PACKAGES:
        spec = find_spec(package)
        for folder in spec.submodule_search_locations or () if spec is not None else ():
            for path in sorted(Path(folder).rglob("*.py")):
                stat = path.stat()
                total.update(f"{path}:{stat.st_size}:{stat.st_mtime_ns};".encode())
    return total.hexdigest()

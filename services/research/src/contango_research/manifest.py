"""The manifest of a run's directory: what it was made with, from which blocks, and the SHA-256 of every file."""

import hashlib
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
KIND = "contango-run"
LIBRARIES = ("numpy", "numba", "scipy", "pydantic", "pydantic-core", "orjson", "pyarrow")
VECTOR = ("sse4", "avx", "fma", "asimd", "sve")
MEMBERS = (
    "contango-quant",
    "contango-common",
    "contango-market-data",
    "contango-signals",
    "contango-inference",
    "contango-risk",
    "contango-execution",
    "contango-recorder",
    "contango-gateway",
    "contango-research",
)


def manifest_of(
    folder: Path, *, digest: str, messages: int, builds: set[str], block_store: str | None, command: str
) -> dict[str, Any]:
    """For the files of ``folder``; ``block_store`` is its path from there (None: the run has no blocks)."""
    return {
        "kind": KIND,
        "format": 1,
        "digest": digest,
        "messages": messages,
        "command": command,
        "builds": sorted(build for build in builds if build),
        "environment": environment(),
        "platform": platform.platform(),
        "cpu_flags": cpu_flags(),
        "block_store": block_store,
        "files": {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.is_file()},
    }


def environment() -> dict[str, str | None]:
    """What floating point may depend on: versions, the kind of machine and its vector instructions."""
    flags = cpu_flags()
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "machine": platform.machine(),
        "vector_instructions": None if flags is None else " ".join(f for f in flags if f.startswith(VECTOR)),
        **{name: installed(name) for name in (*LIBRARIES, *MEMBERS)},
    }


def installed(name: str) -> str | None:
    """Version of an installed distribution, None when there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def sha256_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def cpu_flags(source: Path = Path("/proc/cpuinfo")) -> list[str] | None:
    """Flags of the first processor: floating point may differ by them. None where the system does not tell."""
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return sorted(value.split())
    return None

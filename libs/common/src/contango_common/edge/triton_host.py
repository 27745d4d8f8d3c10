"""What an embedded tritonserver finds on a machine: its program, its python backend, and what that needs to run."""

import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from contango_common.domain.errors import UserError

INSTALL = "pip install --no-deps nvidia-pytriton==0.7.0 or set CONTANGO_TRITON_SERVER to a server's folder"
STUB = "triton_python_backend_stub"


@dataclass(frozen=True, slots=True)
class TritonFiles:
    """``program``; the folder of its ``python_backend``; that backend's ``stub`` for this Python; further ``libs``."""

    program: Path
    python_backend: Path
    stub: Path
    libs: Path | None


def find_triton() -> TritonFiles:
    """The server: in `$CONTANGO_TRITON_SERVER` (laid out as /opt/tritonserver), else the wheel's.

    Raises UserError when it is missing, or has no backend for the running Python.
    """
    named = os.environ.get("CONTANGO_TRITON_SERVER")
    spec = None if named else find_spec("pytriton")  # found, not imported: its import wants more than the server
    wheel = Path(next(iter(spec.submodule_search_locations or ()), "")) if spec is not None else None
    root = Path(named) if named else wheel / "tritonserver" if wheel is not None else None
    if root is None or not os.access(root / "bin" / "tritonserver", os.X_OK):
        raise UserError(f"tritonserver: no executable in {root or 'this environment'}; {INSTALL}")
    backend = root / "backends" / "python"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stubs = (root / "python_backend_stubs" / version / STUB, backend / STUB)
    stub = next((path for path in stubs if path.exists()), None)
    if stub is None:
        raise UserError(f"tritonserver: {root} has no python backend for Python {version}; {INSTALL}")
    libs = wheel.parent / "nvidia_pytriton.libs" if wheel is not None else None
    return TritonFiles(root / "bin" / "tritonserver", backend, stub, libs if libs and libs.is_dir() else None)


def stub_environment(files: TritonFiles, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which the stub finds libpython, and in it this program's own packages.

    The stub embeds Python, ignores PYTHONPATH and takes the environment whose interpreter is first on PATH.
    """
    folders = [sysconfig.get_config_var("LIBDIR"), files.libs, environ.get("LD_LIBRARY_PATH")]
    path = [Path(sys.executable).parent, environ.get("PATH", "/usr/bin:/bin")]
    return {
        **environ,
        "LD_LIBRARY_PATH": os.pathsep.join(str(folder) for folder in folders if folder),
        "PATH": os.pathsep.join(map(str, path)),
    }

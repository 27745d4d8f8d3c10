"""One thread for BLAS, and a numba cache that works where the program itself is read-only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contango_common.domain.errors import UserError
from contango_common.edge import environment
from contango_common.edge.environment import prepare_environment

KERNEL = """
import sys; sys.path.insert(0, sys.argv[1])
from contango_common.edge.environment import prepare_environment
folder = prepare_environment()
import kernel_of_a_read_only_install as kernel
assert kernel.double(21) == 42
print(len(list(folder.rglob("*.nbi"))))
"""


def blocked(folder: Path) -> Path:
    """A path below a plain file: nobody can make it, root neither."""
    (folder / "file").write_text("")
    return folder / "file" / "cache"


def test_first_writable_folder_is_taken(tmp_path: Path) -> None:
    environ = {"NUMBA_CACHE_DIR": str(blocked(tmp_path)), "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    folder = prepare_environment(environ)
    assert folder.parent == tmp_path / "xdg" / "contango" / "numba"
    assert environ["NUMBA_CACHE_DIR"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


def test_given_folder_stays_and_threads_are_one(tmp_path: Path) -> None:
    environ = {"NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "8"}
    assert prepare_environment(environ).parent == tmp_path
    assert {environ[key] for key in environment.ONE_THREAD} == {"1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a stranger's folder")
def test_a_strangers_folder_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, 65534)
    environ = {"NUMBA_CACHE_DIR": str(tmp_path / "theirs"), "HOME": str(tmp_path)}
    assert prepare_environment(environ).parent == tmp_path / ".cache" / "contango" / "numba"


def test_a_changed_source_gets_a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """numba would go on with what it compiled from the old text of a file that a kernel calls."""
    package = tmp_path / "a_changing_package"
    package.mkdir()
    source = package / "__init__.py"
    source.write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(environment, "PACKAGES", ("a_changing_package",))
    environ = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    before = prepare_environment(environ)
    assert prepare_environment(environ) == before
    source.write_text("x = 22\n")
    after = prepare_environment(environ)
    assert (after.parent, after == before) == (before.parent, False)


def test_no_writable_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.tempfile, "gettempdir", lambda: str(blocked(tmp_path)))
    with pytest.raises(UserError, match="NUMBA_CACHE_DIR: no writable folder found; set it"):
        prepare_environment({})


def test_cached_kernel_works_under_a_read_only_install(tmp_path: Path) -> None:
    install, home = tmp_path / "install", tmp_path / "home"
    install.mkdir()
    home.mkdir()
    (install / "kernel_of_a_read_only_install.py").write_text(
        "import numba\n@numba.njit(cache=True)\ndef double(x):\n    return 2 * x\n"
    )
    (install / "__pycache__").write_text("")  # a file in the cache folder's place stops root too
    install.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", KERNEL, str(install)],
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr
    assert [path.name for path in (home / ".cache" / "contango" / "numba").iterdir()] != []
    install.chmod(0o755)

"""Exec wrapper: bind a child's life to its parent's, drop root if asked, then become the command.

Run as a script (`python -I -S guard.py PARENT_PID SIGNAL UID GID KEEP_DAC COMMAND...`), never imported by
the program. It replaces Popen's preexec_fn, which may deadlock in a process that has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def drop_root(libc: ctypes.CDLL, uid: int, gid: int, keep_dac: bool) -> None:
    """Become `uid`; with `keep_dac` stay able to walk through folders that only root may enter."""
    if keep_dac:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if keep_dac:
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        mask = 1 << CAP_DAC_OVERRIDE
        # Effective, permitted, inheritable; then their high words.
        sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        libc.capset(header, sets)
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def main(argv: list[str]) -> None:
    parent_pid, signal_number, uid, gid, keep_dac = (int(arg) for arg in argv[:5])
    command = argv[5:]
    libc = ctypes.CDLL(None, use_errno=True)
    if uid >= 0:
        drop_root(libc, uid, gid, bool(keep_dac))
    # After the change of user, which clears it. Systems without prctl rely on the clean-up of stale children.
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit(1)  # the parent died before the bond was made
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])

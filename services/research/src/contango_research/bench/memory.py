"""Peak resident memory of processes, as the kernel keeps it."""

from pathlib import Path

_PEAK = "VmHWM:"


def peak_mb(pid: int | str = "self") -> float | None:
    """Largest resident set of a process so far in MB (10⁶ bytes); None when it has ended or nobody knows."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return parse_peak(status)


def parse_peak(status: str) -> float | None:
    """The peak in the text of a ``/proc/<pid>/status``.

    >>> parse_peak("VmPeak:  9000 kB\\nVmHWM:\\t  2000 kB\\n")
    2.048
    """
    for line in status.splitlines():
        if line.startswith(_PEAK):
            return int(line.removeprefix(_PEAK).split()[0]) * 1024 / 1e6
    return None

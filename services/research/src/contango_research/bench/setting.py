"""What every benchmark is given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Setting:
    """``catalog``: the sample catalog. ``work``: an empty folder, removed afterwards. ``tell(done, total)``: progress.

    ``peer_python``: interpreter of an environment with the peers (None: look in this one). ``say`` prints a line.
    """

    catalog: Path
    work: Path
    runs: int
    peer_python: Path | None
    say: Callable[[str], None]
    tell: Callable[[int, int], None]

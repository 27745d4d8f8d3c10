"""Child processes of benchmarks: they answer with one line of JSON."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from contango_common.domain.errors import ContangoError

_LIMIT_S = 1800.0


def ask(module: str, *arguments: Path | str) -> dict[str, Any]:
    """Run a module of this package and return what it prints. ContangoError with its last line when it fails."""
    command = [sys.executable, "-m", f"contango_research.bench.{module}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S)
    if done.returncode != 0:
        raise ContangoError(f"{module} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer

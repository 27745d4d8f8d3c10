"""The engine benchmark's peer: nautilus_trader, as a process of its own, perhaps from another environment."""

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from contango_common.domain.errors import ContangoError
from contango_research.bench import ema_book
from contango_research.bench.ema_bars import FIRST_CLOSE_NS, STEP_S, Cents

SCRIPT = Path(__file__).resolve().parents[5] / "benchmarks" / "peer_nautilus.py"
HOW_TO_INSTALL = (
    "nautilus_trader is not installed: python3 -m venv peer && peer/bin/pip install nautilus_trader, "
    "then CONTANGO_TEST_PEER_PYTHON=peer/bin/python"
)
_LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class PeerRun:
    """``trades`` are closed round trips; ``equity_cents`` is cash and the holding at the last close."""

    version: str
    bars_per_s: float
    bars_per_cpu_s: float
    trades: int
    equity_cents: int


def find_peer(given: Path | None) -> Path | None:
    """The interpreter that has the peer; None when there is none."""
    if not SCRIPT.exists():
        return None
    if given is not None:
        check = subprocess.run([given, "-c", "import nautilus_trader"], capture_output=True, timeout=_LIMIT_S)
        return given if check.returncode == 0 else None
    return Path(sys.executable) if find_spec("nautilus_trader") is not None else None


def run_peer(python: Path, bars: Cents, work: Path, *, logging: bool = False) -> PeerRun:
    """One run of the same bars and rules. ContangoError with the peer's last line when it fails.

    ``logging`` leaves the peer's own log as it is by default; without it the peer is faster.
    """
    path = work / "bars.npy"
    np.save(path, bars)
    done = subprocess.run(
        [python, SCRIPT, path, json.dumps(rules() | {"logging": int(logging)})],
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        cwd=work,
    )
    if done.returncode != 0:
        raise ContangoError(f"the peer failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    answer = json.loads(_answer(done.stdout))
    return PeerRun(
        version=answer["version"],
        bars_per_s=answer["bars_per_s"],
        bars_per_cpu_s=answer["bars_per_cpu_s"],
        trades=answer["trades"],
        equity_cents=round(answer["final_equity"] * 100),
    )


def _answer(output: str) -> str:
    """The peer's own log may still write after its answer."""
    for line in reversed(output.splitlines()):
        at = line.find('{"peer"')
        if at >= 0:
            return line[at:]
    raise ContangoError("the peer ended without an answer")


def rules() -> dict[str, int]:
    """What the peer must know, by the names of its script."""
    return {
        "fast": ema_book.FAST,
        "slow": ema_book.SLOW,
        "quantity": ema_book.QUANTITY,
        "ready_bars": ema_book.READY_BARS,
        "cash_usd": ema_book.CASH_USD,
        "fee_cents_per_unit": ema_book.FEE_CENTS_PER_UNIT,
        "first_close_ns": FIRST_CLOSE_NS,
        "step_s": STEP_S,
    }

"""A run's directory: written beside its place and moved there when it is complete, so nothing is ever half-written."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from contango_common.domain.errors import Undecodable, UserError
from contango_common.events.codec import decode
from contango_common.runtime.canon import CanonWriter
from contango_common.runtime.log import Message
from contango_research.conservation import Twin
from contango_research.manifest import KIND, MANIFEST, environment, manifest_of
from contango_research.plain import json_pretty, without_nan
from contango_research.report.page import render
from contango_research.summary import analyse, summarise
from contango_research.tables import write_decisions, write_equity, write_trades
from contango_research.tally import Tally

__all__ = ["check_out", "environment", "is_run_dir", "write_run"]

LOG, BLOCKS = "log.jsonl.gz", "blocks"
DEFAULT_SESSIONS_PER_YEAR = 252.0
EVERY = 4096


def check_out(out: Path, block_dir: Path | None = None) -> None:
    """Ask before a run whether its directory may be written: UserError when something else lies there."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UserError(f"{out} is a {'link' if out.is_symlink() else 'file'}: name a folder with --out")
    if not out.exists():
        return
    inside = [path for path in out.iterdir() if block_dir is None or not _holds(path, block_dir)]
    if inside and not is_run_dir(out):
        raise UserError(f"{out} holds {inside[0].name} and is no run: name an empty or new folder with --out")


def is_run_dir(path: Path) -> bool:
    """Whether a manifest of ours lies there."""
    try:
        return bool(json.loads((path / MANIFEST).read_bytes())["kind"] == KIND)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_run(
    out: Path,
    messages: Iterable[Message],
    *,
    book_params: dict[str, Any],
    notes: list[str],
    wall_s: float,
    block_dir: Path,
    command: str,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Write the directory of a run from its log and return the summary.

    ``messages`` in log order, read once; ``progress`` is called with the count of messages taken. A run's directory
    that lies at ``out`` is replaced, anything else there is a UserError. The blocks come along as links (copies where
    links are not possible), so the directory stands alone and ``block_dir`` may be removed.
    """
    check_out(out, block_dir)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise UserError(f"{out}: {error.strerror}; name a folder that can be written with --out") from None
    try:
        work.chmod(0o755)
        summary = _fill(work, messages, book_params, notes, wall_s, block_dir, command, progress)
        _move_in(work, out)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return summary


def _fill(
    work: Path,
    messages: Iterable[Message],
    params: dict[str, Any],
    notes: list[str],
    wall_s: float,
    block_dir: Path,
    command: str,
    progress: Callable[[int], None] | None,
) -> dict[str, Any]:
    tally, twin, digest = _read(work / LOG, messages, progress)
    analysis = analyse(tally, twin, _sessions_per_year(params))
    summary: dict[str, Any] = without_nan(
        summarise(analysis, name=str(params.get("name", "run")), digest=digest, wall_s=wall_s)
    )
    write_trades(work / "trades.csv", tally)
    write_equity(work / "equity.csv", tally)
    write_decisions(work / "decisions.jsonl", tally)
    (work / "book.yaml").write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (work / "report.html").write_text(render(analysis, summary, params, notes), encoding="utf-8")
    (work / "summary.json").write_bytes(json_pretty(summary))
    count = sum(tally.subjects.values())
    store = BLOCKS if _bring_blocks(block_dir, work / BLOCKS) else None
    manifest = manifest_of(work, digest=digest, messages=count, builds=tally.builds, block_store=store, command=command)
    (work / MANIFEST).write_bytes(json_pretty(manifest))
    return summary


def _read(path: Path, messages: Iterable[Message], progress: Callable[[int], None] | None) -> tuple[Tally, Twin, str]:
    """One pass: every message goes to the canonical log, the tally and the twin."""
    tally, twin, log = Tally(), Twin(), CanonWriter(path)
    count = 0
    try:
        for count, message in enumerate(messages, 1):
            log.write(message)
            try:
                envelope = decode(message.data)
            except Undecodable as error:
                tally.take_undecodable(message, str(error))
                continue
            tally.take(message, envelope)
            twin.take(message.seq, envelope)
            if progress is not None and count % EVERY == 0:
                progress(count)
    finally:
        digest = log.close()
    if progress is not None:
        progress(count)
    return tally, twin, digest


def _sessions_per_year(params: dict[str, Any]) -> float:
    return float((params.get("signals") or {}).get("sessions_per_year") or DEFAULT_SESSIONS_PER_YEAR)


def _bring_blocks(block_dir: Path, to: Path) -> bool:
    """Link or copy the store's files; False when there is none."""
    if not block_dir.is_dir():
        return False
    to.mkdir()
    for path in sorted(block_dir.iterdir()):
        if path.is_file():
            _link(path, to / path.name)
    return True


def _link(path: Path, to: Path) -> None:
    try:
        os.link(path, to)
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, to)


def _move_in(work: Path, out: Path) -> None:
    """Swap by renames on one file system; the old directory is gone only when the new one is in place."""
    if not out.exists():
        work.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    out.rename(old / "run")
    try:
        work.rename(out)
    except OSError:
        (old / "run").rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _holds(path: Path, block_dir: Path) -> bool:
    """Whether the block store is ``path`` or lies below it."""
    return block_dir.resolve().is_relative_to(path.resolve())

"""The folder in which a run is made: beside its output, gone when the run is written or has failed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_research.rundir import check_out


@contextmanager
def workplace(out: Path, *, keep: bool = False) -> Iterator[Path]:
    """``<out>.work``, empty; removed at the end unless ``keep``. UserError when ``out`` holds something else."""
    check_out(out)
    work = out.parent / f"{out.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{work}: {error.strerror}; name a folder that can be written with --out") from None
    try:
        yield work
    finally:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)

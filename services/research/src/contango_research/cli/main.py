"""The command line: ``contango …``. Commands import what they need when they run, so that ``--help`` is quick."""

import os
import sys

from contango_common.domain.errors import ContangoError, UserError
from contango_common.edge.environment import prepare_environment


def main() -> None:
    """Run the command line; what the user can put right is one line on stderr and exit code 2."""
    try:
        prepare_environment()
        from contango_research.cli.app import app

        app()
    except UserError as error:
        _fail(str(error), 2)
    except ContangoError as error:
        _fail(f"{type(error).__name__}: {error}", 1)
    except BrokenPipeError:
        sys.exit(1)


def _fail(text: str, code: int) -> None:
    """Say it and leave at once: a reader's native threads may still read ahead, and would abort a slower exit."""
    print("contango: " + " ".join(text.split()), file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

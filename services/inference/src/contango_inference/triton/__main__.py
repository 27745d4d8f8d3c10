"""``python -m contango_inference.triton FOLDER``: a model repository for the models installed with the program.

The weights stay where they are installed; ``--with-weights`` copies them beside, for servers elsewhere, and
``--platform onnxruntime`` writes them as ONNX.
"""

import argparse
import sys
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_inference.registry.store import Registry, shipped
from contango_inference.triton.repository import write_repository, write_shell


def main(arguments: list[str]) -> None:
    """Write every shipped model. Raises UserError where there is none."""
    parser = argparse.ArgumentParser(prog="python -m contango_inference.triton", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=Path, default=shipped(), help="another folder of models")
    parser.add_argument("--device", choices=("CPU", "GPU"), default="CPU")
    parser.add_argument("--platform", choices=("python", "onnxruntime"), default="python")
    parser.add_argument("--with-weights", action="store_true")
    given = parser.parse_args(arguments)
    registry = Registry(given.models)
    if not registry.names():
        raise UserError(f"{given.models}: no model is there; train one or name another folder with --models")
    for name in registry.names():
        model = registry.load(name)
        if given.with_weights or given.platform == "onnxruntime":
            write_repository(model, given.folder, given.platform, given.device)
        else:
            write_shell(model, given.folder, given.device)
        print(f"{given.folder / name}: {name}@{model.version[:16]}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"error: {error}")

"""A model as a folder that Triton serves, and as the configuration that stands in it.

    <repository>/<name>/config.pbtxt
                       /1/model.py, manifest.json, weights.safetensors        platform "python"
                       /1/model.onnx, manifest.json                           platform "onnxruntime"

Windows ``WINDOWS`` (B, L, F) go in; ``OUTPUTS`` (B, O) and ``VERSION`` (B, 1) come out. The second says of every answer
which weights made it, so that a client can refuse those of another version however the server was changed.
"""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from contango_inference.models.loaded import Loaded
from contango_inference.models.manifest import MANIFEST, WEIGHTS
from contango_inference.models.weights import weights_bytes
from contango_inference.triton.names import MAX_BATCH, OUTPUTS, VERSION, VERSION_LETTERS, WINDOWS

Platform = Literal["python", "onnxruntime"]
Device = Literal["CPU", "GPU"]
MODEL_PY = '''"""Triton asks for a class of this name; what it does stands in the package, where it is tested."""

from contango_inference.triton.served import TritonPythonModel

__all__ = ["TritonPythonModel"]
'''


def write_repository(model: Loaded, folder: Path, platform: Platform = "python", device: Device = "CPU") -> Path:
    """Write ``<folder>/<name>``, whole, and return ``folder``: it may hold more models.

    The weights lie beside ``model.py``. ONNX needs torch and onnxscript.
    """
    place = folder / model.manifest.name
    inside = place / "1"
    inside.mkdir(parents=True, exist_ok=True)
    (inside / MANIFEST).write_bytes(model.manifest.canonical())
    if platform == "onnxruntime":
        from contango_inference.triton.onnx import export

        export(model, inside / "model.onnx")
    else:
        (inside / WEIGHTS).write_bytes(weights_bytes(model.weights))
        (inside / "model.py").write_text(MODEL_PY, encoding="utf-8")
    (place / "config.pbtxt").write_text(config_of(model, platform, device), encoding="utf-8")
    return folder


def write_shell(model: Loaded, folder: Path, device: Device = "CPU") -> Path:
    """The same without manifest and weights: for a model whose weights are installed with the program."""
    inside = folder / model.manifest.name / "1"
    inside.mkdir(parents=True, exist_ok=True)
    (inside / "model.py").write_text(MODEL_PY, encoding="utf-8")
    (inside.parent / "config.pbtxt").write_text(config_of(model, "python", device), encoding="utf-8")
    return folder


def config_of(model: Loaded, platform: Platform = "python", device: Device = "CPU") -> str:
    """The text of ``config.pbtxt``: sizes from the model's contract, everything else from the template.

    >>> from contango_inference.triton.made import made_model
    >>> config_of(made_model("made", 1)).splitlines()[1]
    'name: "made"'
    """
    c = model.manifest.contract
    template = (files("contango_inference.triton") / "config.template.pbtxt").read_text(encoding="utf-8")
    values = {
        "NAME": model.manifest.name,
        "BACKEND": platform,
        "MAX_BATCH": str(MAX_BATCH),
        "WINDOWS": WINDOWS,
        "OUTPUTS": OUTPUTS,
        "VERSION": VERSION,
        "ROWS": str(c.context),
        "FEATURES": str(len(c.features)),
        "NUMBERS": str(c.outputs),
        "HASH": model.version[:VERSION_LETTERS],
        "DEVICE": device,
    }
    for key, value in values.items():
        template = template.replace(f"@{key}@", value)
    return template

"""One request to Triton and what may become of it: outputs, or one line of reason."""

from dataclasses import dataclass

import numpy as np
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from contango_inference.backends.port import Floats
from contango_inference.models.loaded import Loaded
from contango_inference.triton.names import OUTPUTS, VERSION, WINDOWS, version_letters, version_number

# A server that is back is found within a second; gRPC's own patience grows to two minutes.
CHANNEL = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.enable_http_proxy", 0),
)
REASON_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there are no outputs; ``spoke``: the server itself said so, and quickly, so that it is well."""

    reason: str
    spoke: bool


# By the status that gRPC gives and words that Triton uses; the first row that fits.
_CLASSES: tuple[tuple[str, str, str, bool], ...] = (
    ("", "timeout expired", "deadline: refused in the server's queue", False),
    ("", "maximum queue size", "queue full at the server", False),
    ("DEADLINE_EXCEEDED", "", "deadline: no answer in time", False),
    ("", "no available versions", "not ready", True),
    ("", "unknown model", "unknown model", True),
    ("NOT_FOUND", "", "unknown model", True),
    ("UNAVAILABLE", "stopping", "not ready", False),
    ("", "not ready", "not ready", True),
    ("UNAVAILABLE", "", "unreachable", False),
    ("INVALID_ARGUMENT", "", "refused as misshapen", True),
)


def refusal_of(status: str | None, words: str | None) -> Refusal:
    """The class of a failed call, from gRPC's status (``StatusCode.X``) and the server's words.

    >>> refusal_of("StatusCode.UNAVAILABLE", "failed to connect to all addresses; last error: …").reason
    'unreachable: failed to connect to all addresses; last error: …'
    """
    code, said = (status or "").rpartition(".")[2], " ".join((words or "").split())[:REASON_LETTERS]
    for wanted, part, name, spoke in _CLASSES:
        if wanted in ("", code) and part in said.lower():
            return Refusal(f"{name}: {said}" if said and not name.startswith("deadline") else name, spoke)
    return Refusal(f"server error: {said or code or 'no reason given'}", False)


async def call(client: InferenceServerClient, model: Loaded, windows: Floats, limit_s: float) -> Floats | Refusal:
    """Outputs (B, O) of windows (B, L, F), at most as many as the server takes at once. Raises only on cancellation."""
    request = InferInput(WINDOWS, list(windows.shape), "FP32")
    request.set_data_from_numpy(np.ascontiguousarray(windows))
    try:
        result = await client.infer(
            model.manifest.name, [request], client_timeout=limit_s, timeout=max(1, int(limit_s * 1e6))
        )
        return checked(model, len(windows), result.as_numpy(OUTPUTS), result.as_numpy(VERSION))
    except InferenceServerException as error:
        return refusal_of(error.status(), error.message())
    except Exception as error:  # noqa: BLE001  (the port raises nothing that a server can cause, an odd reply included)
        return Refusal(f"server error: {type(error).__name__} {' '.join(str(error).split())[:REASON_LETTERS]}", False)


def checked(model: Loaded, batch: int, outputs: object, version: object) -> Floats | Refusal:
    """The outputs if they are of this model's weights and as many as are due."""
    asked, due = version_number(model.version), (batch, model.manifest.contract.outputs)
    if not isinstance(outputs, np.ndarray) or not isinstance(version, np.ndarray):
        return Refusal(f"server error: the answer has no {OUTPUTS} or no {VERSION}", True)
    others = {int(v) for v in version.ravel()} - {asked}
    if others or not version.size:
        held = version_letters(min(others)) if others else "no version"
        name = model.manifest.name
        return Refusal(f"wrong version: {name} there is {held}, {version_letters(asked)} is asked for", True)
    if outputs.shape != due or outputs.dtype != np.float32:
        return Refusal(f"wrong shape: outputs {outputs.dtype} {outputs.shape}, float32 {due} is due", True)
    return outputs

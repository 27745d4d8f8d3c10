"""Which models are asked, and through what: registry and backend as the settings name them."""

from contango_common.domain.errors import UserError
from contango_common.edge.metrics import Metrics
from contango_common.edge.settings import Settings
from contango_inference.backends.numpy import NumpyBackend
from contango_inference.backends.port import Backend
from contango_inference.registry.store import Registry, shipped
from contango_inference.serving import Serving
from contango_research.metered import Metered


def shipped_models() -> Serving:
    """The models that come with the program, through the embedded backend."""
    return Serving(Registry(shipped()), NumpyBackend())


def registry_of(settings: Settings) -> Registry:
    """The user's models, then those shipped."""
    return Registry(settings.models_dir, shipped())


def why_not_served(settings: Settings, model: str, sha: str) -> str | None:
    """Why a version cannot be served, its weights checked; None when it can."""
    try:
        registry_of(settings).load(f"{model}@{sha}")
    except UserError as error:
        return str(error)
    return None


def models_of(settings: Settings, metrics: Metrics | None = None) -> Serving:
    """Raises UserError where the backend is not installed."""
    backend = backend_of(settings)
    return Serving(registry_of(settings), backend if metrics is None else Metered(backend, metrics))


def backend_of(settings: Settings) -> Backend:
    """The backend by its name; torch and Triton are loaded only when they are asked for."""
    if settings.inference_backend == "torch":
        return _torch()
    if settings.inference_backend == "triton":
        return _triton(settings)
    return NumpyBackend()


def _torch() -> Backend:
    try:
        from contango_inference.backends.torch import TorchBackend
    except ImportError:
        raise UserError("CONTANGO_INFERENCE_BACKEND=torch: torch is not installed; run make setup-train") from None
    return TorchBackend()


def _triton(settings: Settings) -> Backend:
    try:
        from contango_inference.backends.triton import TritonBackend
    except ImportError:
        raise UserError(
            "CONTANGO_INFERENCE_BACKEND=triton: tritonclient is not installed; run make setup-train"
        ) from None
    return TritonBackend(settings.triton_url, deadline_s=settings.inference_deadline_s)

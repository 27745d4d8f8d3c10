"""The embedded backend: numpy and two compiled loops, no torch, no server."""

from contango_inference.backends.port import Absent, Floats, misshapen
from contango_inference.mamba.forward import Network
from contango_inference.models.loaded import Loaded


class NumpyBackend:
    """Computes in the caller's thread; a network is made ready at its first use and kept by version."""

    NAME = "numpy"

    def __init__(self) -> None:
        self._networks: dict[str, Network] = {}

    def run(self, model: Loaded, windows: Floats, /) -> Floats | Absent:
        wrong = misshapen(model, windows)
        if wrong is not None:
            return wrong
        network = self._networks.get(model.version)
        if network is None:
            network = self._networks[model.version] = Network.of(model.weights, model.manifest.shape)
        return network.run(windows)

    def close(self) -> None:
        self._networks.clear()

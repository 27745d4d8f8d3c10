"""The torch backend: the training network itself, on a GPU where there is one."""

import numpy as np
import torch

from contango_inference.backends.port import Absent, Floats, misshapen
from contango_inference.mamba.net import Network
from contango_inference.models.loaded import Loaded


class TorchBackend:
    """``device`` as torch names it; None takes CUDA where it is there. One thread, as everywhere in the house."""

    NAME = "torch"

    def __init__(self, device: str | None = None) -> None:
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._networks: dict[str, Network] = {}

    def run(self, model: Loaded, windows: Floats, /) -> Floats | Absent:
        wrong = misshapen(model, windows)
        if wrong is not None:
            return wrong
        try:
            with torch.inference_mode():
                x = torch.from_numpy(np.array(windows, dtype=np.float32)).to(self._device)  # views may run backwards
                outputs: Floats = self._network(model)(x).float().cpu().numpy()
        except (RuntimeError, AssertionError) as error:  # what a device can do to us, out of memory or not built in
            return Absent(f"torch: {' '.join(str(error).split())[:200]}")
        return outputs

    def close(self) -> None:
        self._networks.clear()

    def _network(self, model: Loaded) -> Network:
        found = self._networks.get(model.version)
        if found is None:
            m = model.manifest
            found = Network(m.shape, len(m.contract.features), m.contract.outputs)
            found.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in model.weights.items()})
            self._networks[model.version] = found.eval().to(self._device)
        return found

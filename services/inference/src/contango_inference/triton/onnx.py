"""The network as an ONNX file with the weights in it: windows (B, L, F) of fixed L and F, any B."""

from pathlib import Path

import torch
from torch import Tensor, nn

from contango_inference.mamba.net import Network
from contango_inference.models.loaded import Loaded
from contango_inference.triton.names import OUTPUTS, VERSION, WINDOWS, version_number

OPSET = 18


class _Told(nn.Module):
    """The network, and beside every answer the version that made it."""

    def __init__(self, network: Network, version: int) -> None:
        super().__init__()
        self.network, self.version = network, version

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        return self.network(windows), torch.full((windows.shape[0], 1), self.version, dtype=torch.int64)


def export(model: Loaded, path: Path) -> None:
    """Write ``path``; outputs are named as those of the python platform."""
    m = model.manifest
    network = Network(m.shape, len(m.contract.features), m.contract.outputs)
    network.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in model.weights.items()})
    example = torch.zeros(2, m.contract.context, len(m.contract.features))
    torch.onnx.export(
        _Told(network, version_number(model.version)).eval(),
        (example,),
        str(path),
        input_names=[WINDOWS],
        output_names=[OUTPUTS, VERSION],
        dynamic_shapes={"windows": {0: torch.export.Dim("batch", min=1)}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )

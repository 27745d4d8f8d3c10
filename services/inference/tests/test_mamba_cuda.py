"""The network on a GPU against the CPU, and against the published package where that is installed.

Tolerances: 1e-4 for the same code on two devices in single precision; 1e-3 where convolutions may run in TF32 and for
the fused kernels of ``mamba_ssm``, which compute parts of the scan in it.
"""

import importlib.util
from typing import Any

import numpy as np
import pytest
import torch

from contango_inference.backends.numpy import NumpyBackend
from contango_inference.backends.torch import TorchBackend
from contango_inference.mamba.net import Mamba2, Network, ssd
from contango_inference.mamba.shape import Shape
from contango_inference.models.answer import logits_of, probabilities
from support import model_cases as small

SHAPES = [Shape(), Shape(layers=2, d_model=64, d_state=16, headdim=16, groups=2, chunk=16)]
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")


def published() -> Any:
    """``mamba_ssm.Mamba2``; skips with the reason where it cannot be imported."""
    try:
        return importlib.import_module("mamba_ssm").Mamba2
    except ImportError as error:
        pytest.skip(f"mamba_ssm cannot be imported: {error}")


@pytest.fixture
def single_precision():
    """Convolutions without TF32; products have none unless a program asks for it."""
    before, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
    yield
    torch.backends.cudnn.allow_tf32 = before


def close(found, wanted, tolerance):
    torch.testing.assert_close(found.detach().cpu(), wanted.detach().cpu(), rtol=tolerance, atol=tolerance)


@needs_gpu
@pytest.mark.parametrize("length", [8, 100, 2048])
def test_the_scan_on_the_gpu_is_that_of_the_cpu(length):
    rng = np.random.default_rng(length)
    dt = np.exp(rng.uniform(np.log(1e-3), np.log(1e-1), (2, length, 4)))
    sizes = [(2, length, 4, 16), (2, length, 2, 16), (2, length, 2, 16)]
    x, b, c = (rng.standard_normal(size) for size in sizes)
    inputs = [torch.from_numpy(v).float() for v in (x, dt, -rng.uniform(1, 16, 4), b, c)]
    for found, wanted in zip(ssd(*(v.cuda() for v in inputs), 64), ssd(*inputs, 64), strict=True):
        close(found, wanted, 1e-4)


@needs_gpu
@pytest.mark.usefixtures("single_precision")
@pytest.mark.parametrize("shape", SHAPES)
def test_the_network_on_the_gpu_is_that_of_the_cpu_with_its_gradients(shape):
    torch.manual_seed(0)
    made, windows = Network(shape, 20, 28), torch.randn(4, 8, 20)
    tolerance = 1e-4 if importlib.util.find_spec("mamba_ssm") is None else 1e-3
    wanted = made(windows)
    wanted.square().sum().backward()
    gradients = {name: weight.grad.clone() for name, weight in made.named_parameters()}
    made.zero_grad()
    moved = made.cuda()
    found = moved(windows.cuda())
    found.square().sum().backward()
    close(found, wanted, tolerance)
    for name, weight in moved.named_parameters():
        scale = float(gradients[name].abs().max())
        close(weight.grad / scale, gradients[name] / scale, 10 * tolerance)


@needs_gpu
def test_the_backend_on_the_gpu_gives_the_probabilities_of_the_embedded_one():
    model, windows = small.model(), np.random.default_rng(0).standard_normal((16, 4, 3)).astype(np.float32)
    found = [backend.run(model, windows) for backend in (TorchBackend("cuda"), NumpyBackend())]
    np.testing.assert_allclose(*(probabilities(logits_of(raw), 1.0) for raw in found), atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_weights_of_a_block_are_those_of_the_published_module(shape):
    torch.manual_seed(0)
    ours = Mamba2(shape)
    _theirs(published(), shape, "cpu").load_state_dict(ours.state_dict(), strict=True)


@needs_gpu
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("length", [8, 100])
def test_a_block_answers_as_the_published_module_on_the_gpu(shape, length):
    torch.manual_seed(0)
    ours, u = Mamba2(shape), torch.randn(2, length, shape.d_model)
    theirs = _theirs(published(), shape, "cuda")
    theirs.load_state_dict(ours.state_dict(), strict=True)
    with torch.no_grad():
        wanted = theirs(u.cuda())
        close(ours(u), wanted, 1e-3)
        close(ours.cuda()(u.cuda()), wanted, 1e-3)


def _theirs(module: Any, shape: Shape, device: str) -> Any:
    sizes = {"d_state": shape.d_state, "d_conv": shape.d_conv, "expand": shape.expand, "headdim": shape.headdim}
    return module(shape.d_model, ngroups=shape.groups, chunk_size=shape.chunk, device=device, **sizes)

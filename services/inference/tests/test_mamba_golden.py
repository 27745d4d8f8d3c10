"""Our network against numbers of the code that the authors of Mamba-2 published.

``mamba_golden/*.json`` hold what the plain functions of that repository answer, and name it with its commit; inputs are
drawn anew here, from NumPy's legacy generator, whose stream is frozen for ever. Nothing of that code is kept.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contango_inference.mamba import forward
from contango_inference.mamba.net import Mamba2, Network, RMSNorm, ssd
from contango_inference.mamba.recurrence import recurred
from contango_inference.mamba.shape import Shape

FOLDER = Path(__file__).parent / "mamba_golden"
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
SPREAD = {"A_log": 0.5, "conv1d.weight": 0.5, "out_proj.weight": 0.3}  # the standard deviation of others is 0.4
AROUND_ONE = ("norm.weight", "norm_f.weight", "D")


def cases(name: str) -> list[Any]:
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text())["cases"] if path.exists() else []


def softplus(x):
    return np.logaddexp(0.0, x)


def scan_inputs(case):
    """x (B, L, H, P), dt (B, L, H), a (H,), b and c (B, L, G, N), d (H,)."""
    rs = np.random.RandomState(case["seed"])
    rows = (case["batch"], case["length"])
    x = rs.standard_normal((*rows, case["heads"], case["headdim"]))
    dt = softplus(rs.standard_normal((*rows, case["heads"])) - 1.0)
    a = -np.exp(rs.standard_normal(case["heads"]))
    b, c = (rs.standard_normal((*rows, case["groups"], case["d_state"])) for _ in range(2))
    return x, dt, a, b, c, rs.standard_normal(case["heads"])


def norm_inputs(case):
    """x and its gate (B, E), the weight (E,)."""
    rs = np.random.RandomState(case["seed"])
    rows = (case["batch"], case["width"])
    return rs.standard_normal(rows), rs.standard_normal(rows), 1.0 + 0.2 * rs.standard_normal(case["width"])


def drawn(rs, tensors):
    """Weights by name, in the order of their names."""
    found = {}
    for name in sorted(tensors):
        spread = next((s for end, s in SPREAD.items() if name.endswith(end)), 0.4)
        centre = 1.0 if name.endswith(AROUND_ONE) else 0.0
        found[name] = (centre + spread * rs.standard_normal(tensors[name])).astype(np.float32)
    return found


def block_inputs(case):
    """Weights of a block by name, rows u (B, L, D)."""
    rs, shape = np.random.RandomState(case["seed"]), Shape(**case["shape"])
    weights = drawn(rs, shape.mixer())
    return weights, rs.standard_normal((case["batch"], case["length"], shape.d_model)).astype(np.float32)


def network_inputs(case):
    """Weights of a network by name, windows (B, L, F)."""
    rs, shape = np.random.RandomState(case["seed"]), Shape(**case["shape"])
    weights = drawn(rs, shape.tensors(case["features"], case["outputs"]))
    return weights, rs.standard_normal((case["batch"], case["length"], case["features"])).astype(np.float32)


def tensors(*arrays, dtype=torch.float64):
    return [torch.as_tensor(array, dtype=dtype) for array in arrays]


def stated(module, weights):
    """``module`` with ``weights``, every name and shape as it must be."""
    module.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()}, strict=True)
    return module.eval()


def test_every_file_holds_numbers_and_says_where_they_come_from():
    paths = sorted(FOLDER.glob("*.json"))
    assert [path.stem for path in paths] == ["block", "network", "norm", "scan"]
    for path in paths:
        found = json.loads(path.read_text())
        assert found["source"]["repository"] == "github.com/state-spaces/mamba"
        assert len(found["source"]["commit"]) == 40
        assert found["source"]["functions"]
        assert found["cases"]


@pytest.mark.parametrize("case", cases("scan"))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_scan_is_that_of_ssd_minimal_and_of_the_combined_reference(case, dtype):
    x, dt, a, b, c, d = tensors(*scan_inputs(case), dtype=dtype)
    y, state = ssd(x, dt, a, b, c, case["chunk"])
    np.testing.assert_allclose(y.flatten().numpy(), case["ssd_minimal_discrete"]["y"], **CLOSE)
    np.testing.assert_allclose(state.flatten().numpy(), case["ssd_minimal_discrete"]["state"], **CLOSE)
    direct = y + d[:, None] * x
    np.testing.assert_allclose(direct.flatten().numpy(), case["ssd_chunk_scan_combined_ref"], **CLOSE)


@pytest.mark.parametrize("case", cases("scan"))
def test_the_scan_and_the_compiled_loop_are_the_published_step_row_after_row(case):
    inputs = scan_inputs(case)
    x, dt, a, b, c, d = tensors(*inputs)
    y, state = ssd(x, dt, a, b, c, case["chunk"])
    wanted = case["selective_state_update_ref"]
    np.testing.assert_allclose((y + d[:, None] * x).flatten().numpy(), wanted["y"], **CLOSE)
    np.testing.assert_allclose(state.flatten().numpy(), wanted["state"], **CLOSE)

    single = [np.ascontiguousarray(array, dtype=np.float32) for array in inputs]
    out = np.empty_like(single[0])
    recurred(*single[:5], single[5], out)
    np.testing.assert_allclose(out.ravel(), wanted["y"], **CLOSE)


@pytest.mark.parametrize("case", cases("norm"))
def test_the_gated_norm_is_the_published_one_by_groups(case):
    x, z, weight = tensors(*norm_inputs(case), dtype=torch.float32)
    norm = RMSNorm(case["width"], case["groups"])
    with torch.no_grad():
        norm.weight.copy_(weight)
        np.testing.assert_allclose(norm(x, z).flatten().numpy(), case["rms_norm_ref"]["gated"], **CLOSE)
        np.testing.assert_allclose(norm(x).flatten().numpy(), case["rms_norm_ref"]["plain"], **CLOSE)


@pytest.mark.parametrize("case", cases("block"))
def test_a_block_answers_as_the_published_module_with_the_same_weights(case):
    weights, u = block_inputs(case)
    block = stated(Mamba2(Shape(**case["shape"])), weights)
    with torch.no_grad():
        np.testing.assert_allclose(block(torch.from_numpy(u)).flatten().numpy(), case["Mamba2.forward"], **CLOSE)


@pytest.mark.parametrize("case", cases("block"))
def test_a_block_steps_as_the_published_module_with_the_same_weights(case):
    weights, u = block_inputs(case)
    block, rows = stated(Mamba2(Shape(**case["shape"])), weights), []
    with torch.no_grad():
        memory = block.begin(case["batch"])
        for t in range(case["length"]):
            row, memory = block.step(torch.from_numpy(u[:, t]), memory)
            rows.append(row)
    np.testing.assert_allclose(torch.stack(rows, dim=1).flatten().numpy(), case["Mamba2.step"], **CLOSE)


@pytest.mark.parametrize("case", cases("network"))
def test_a_network_of_published_blocks_answers_as_ours_in_torch_and_in_numpy(case):
    weights, windows = network_inputs(case)
    shape = Shape(**case["shape"])
    network = stated(Network(shape, case["features"], case["outputs"]), weights)
    with torch.no_grad():
        np.testing.assert_allclose(network(torch.from_numpy(windows)).flatten().numpy(), case["outputs_of"], **CLOSE)
    ours = forward.Network.of(weights, shape).run(windows)
    np.testing.assert_allclose(ours.ravel(), case["outputs_of"], **CLOSE)

"""Scan by chunks = recurrent step = compiled numpy = the published equations, written out loop by loop.

The twin knows no chunk, no mask and no reshaping: one row after the other in double precision, as section 2 and
figure 6 of [1] say and with nothing of the code under test but the names of the weights.

References:
    [1] T. Dao, A. Gu, "Transformers are SSMs", ICML 2024.
"""

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_inference.mamba import forward
from contango_inference.mamba.net import Mamba2, Network, ssd
from contango_inference.mamba.recurrence import convolved, recurred
from contango_inference.mamba.shape import Shape

# --- the twin ---------------------------------------------------------------------------------------------------------


def sigmoid(v):
    return 1.0 / (1.0 + math.exp(-v)) if v >= 0.0 else math.exp(v) / (1.0 + math.exp(v))


def silu(v):
    return v * sigmoid(v)


def softplus(v):
    return max(v, 0.0) + math.log1p(math.exp(-abs(v)))


def twin_head(x, dt, a, b, c):
    """One head of one window: x (L, P), dt (L), b and c (L, N) to y (L, P) and the last state (P, N)."""
    length, width = x.shape
    state, y = [[0.0] * b.shape[1] for _ in range(width)], np.zeros((length, width))
    for t in range(length):
        for p in range(width):
            for n in range(b.shape[1]):
                state[p][n] = math.exp(dt[t] * a) * state[p][n] + dt[t] * x[t, p] * b[t, n]
                y[t, p] += state[p][n] * c[t, n]
    return y, np.array(state)


def twin_scan(x, dt, a, b, c):
    """y (B, L, H, P) and last states (B, H, P, N) from x (B, L, H, P), dt (B, L, H), a (H), b and c (B, L, G, N)."""
    batch, _, heads, width = x.shape
    y, states = np.zeros(x.shape), np.zeros((batch, heads, width, b.shape[-1]))
    for i in range(batch):
        for h in range(heads):
            g = h * b.shape[2] // heads
            y[i, :, h], states[i, h] = twin_head(x[i, :, h], dt[i, :, h], a[h], b[i, :, g], c[i, :, g])
    return y, states


def twin_norm(x, weight, groups=1):
    """One row (E), each of its groups over its own root mean square."""
    size, out = len(x) // groups, np.zeros(len(x))
    for j in range(len(x)):
        mine = x[j // size * size : j // size * size + size]
        out[j] = x[j] / math.sqrt(sum(v * v for v in mine) / size + 1e-5) * weight[j]
    return out


def twin_convolved(rows, weight, bias):
    """Rows (L, C) through C filters of K taps, the last tap on the newest row, zeros before the first."""
    out, taps = np.zeros(rows.shape), weight.shape[1]
    for t in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            total = bias[j]
            for back in range(min(taps, t + 1)):
                total += weight[j, taps - 1 - back] * rows[t - back, j]
            out[t, j] = silu(total)
    return out


def twin_block(w, at, s, u):
    """One block on one window u (L, D)."""
    inner, state = s.d_inner, s.groups * s.d_state
    projected = np.array([w[at + "in_proj.weight"] @ row for row in u])
    z, channels, raw = np.split(projected, [inner, 2 * inner + 2 * state], axis=1)
    mixed = twin_convolved(channels, w[at + "conv1d.weight"][:, 0], w[at + "conv1d.bias"])
    rows = []
    for h in range(s.heads):
        g = h // (s.heads // s.groups)
        x = mixed[:, h * s.headdim : (h + 1) * s.headdim]
        b = mixed[:, inner + g * s.d_state : inner + (g + 1) * s.d_state]
        c = mixed[:, inner + state + g * s.d_state : inner + state + (g + 1) * s.d_state]
        dt = [softplus(v + w[at + "dt_bias"][h]) for v in raw[:, h]]
        y, _ = twin_head(x, dt, -math.exp(w[at + "A_log"][h]), b, c)
        rows.append(y + w[at + "D"][h] * x)
    y = np.concatenate(rows, axis=1)
    gated = [[y[t, j] * silu(z[t, j]) for j in range(inner)] for t in range(len(u))]
    normed = [twin_norm(row, w[at + "norm.weight"], s.groups) for row in gated]
    return np.array([w[at + "out_proj.weight"] @ row for row in normed])


def twin_network(w, s, window):
    """Outputs (O) of one window (L, F)."""
    x = np.array([w["embed.weight"] @ row + w["embed.bias"] for row in window])
    for i in range(s.layers):
        normed = np.array([twin_norm(row, w[f"layers.{i}.norm.weight"]) for row in x])
        x = x + twin_block(w, f"layers.{i}.mixer.", s, normed)
    return w["head.weight"] @ twin_norm(x[-1], w["norm_f.weight"]) + w["head.bias"]


# --- drawing ----------------------------------------------------------------------------------------------------------

SIZES = [
    (groups, share, headdim, expand)
    for groups in (1, 2, 3)
    for share in (1, 2)
    for headdim in (1, 2, 4)
    for expand in (1, 2)
    if groups * share * headdim % expand == 0 and groups * share * headdim // expand >= 4
]
lengths, seeds = st.integers(1, 11), st.integers(0, 2**32 - 1)


@st.composite
def shapes(draw):
    groups, share, headdim, expand = draw(st.sampled_from(SIZES))
    return Shape(
        layers=draw(st.integers(1, 3)),
        d_model=groups * share * headdim // expand,
        d_state=draw(st.integers(1, 5)),
        d_conv=draw(st.integers(2, 5)),
        expand=expand,
        headdim=headdim,
        groups=groups,
        chunk=draw(st.integers(1, 12)),
    )


def drawn(shape, features, outputs, rng):
    """Weights by name, each in single precision exactly."""
    found = {name: 0.4 * rng.standard_normal(size) for name, size in shape.tensors(features, outputs).items()}
    found = {name: 1.0 + w if name.endswith(("norm.weight", "norm_f.weight")) else w for name, w in found.items()}
    return {name: w.astype(np.float32) for name, w in found.items()}


def network_of(weights, shape, dtype):
    network = Network(shape, weights["embed.weight"].shape[1], len(weights["head.bias"]))
    network.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()}, strict=True)
    return network.eval().to(dtype)


def rolled(module, rows):
    """What the recurrent step says after the last of ``rows`` (B, L, ·), and after each of them."""
    memory, said = module.begin(rows.shape[0]), []
    for t in range(rows.shape[1]):
        out, memory = module.step(rows[:, t], memory)
        said.append(out)
    return torch.stack(said, dim=1)


def scan_inputs(shape, batch, length, rng):
    x = rng.standard_normal((batch, length, shape.heads, shape.headdim))
    dt = np.logaddexp(0.0, rng.standard_normal((batch, length, shape.heads)))
    b, c = (rng.standard_normal((batch, length, shape.groups, shape.d_state)) for _ in range(2))
    return x, dt, -np.exp(rng.standard_normal(shape.heads)), b, c


# --- the laws ---------------------------------------------------------------------------------------------------------


@given(shapes(), st.integers(1, 3), lengths, seeds)
def test_the_scan_by_chunks_is_the_recurrence(shape, batch, length, seed):
    inputs = scan_inputs(shape, batch, length, np.random.default_rng(seed))
    y, state = ssd(*(torch.from_numpy(v) for v in inputs), shape.chunk)
    wanted, last = twin_scan(*inputs)
    np.testing.assert_allclose(y.numpy(), wanted, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(state.numpy(), last, rtol=1e-10, atol=1e-12)


@given(shapes(), st.integers(1, 3), lengths, seeds)
def test_the_compiled_loop_is_the_recurrence_with_its_direct_path(shape, batch, length, seed):
    rng = np.random.default_rng(seed)
    inputs = [v.astype(np.float32) for v in scan_inputs(shape, batch, length, rng)]
    direct, out = rng.standard_normal(shape.heads).astype(np.float32), np.empty_like(inputs[0])
    recurred(*inputs, direct, out)
    wanted, _ = twin_scan(*(v.astype(np.float64) for v in inputs))
    np.testing.assert_allclose(out, wanted + direct[:, None] * inputs[0], rtol=1e-4, atol=1e-4)


@given(st.integers(1, 3), lengths, st.integers(1, 6), st.integers(2, 6), seeds)
def test_the_compiled_convolution_is_causal_and_newest_last(batch, length, channels, taps, seed):
    rng = np.random.default_rng(seed)
    u, weight, bias = (
        rng.standard_normal(size).astype(np.float32) for size in ((batch, length, channels), (channels, taps), channels)
    )
    out = np.empty_like(u)
    convolved(u, weight, bias, out)
    for i in range(batch):
        np.testing.assert_allclose(out[i], twin_convolved(u[i].astype(float), weight, bias), rtol=1e-5, atol=1e-5)


@given(shapes(), st.integers(1, 2), lengths, seeds)
def test_a_block_and_its_step_are_the_equations(shape, batch, length, seed):
    rng = np.random.default_rng(seed)
    weights = {name: w.astype(np.float64) for name, w in drawn(shape, 1, 1, rng).items()}
    mixer = {name.removeprefix("layers.0.mixer."): w for name, w in weights.items() if "layers.0.mixer." in name}
    block = Mamba2(shape).double().eval()
    block.load_state_dict({name: torch.from_numpy(w) for name, w in mixer.items()}, strict=True)
    u = rng.standard_normal((batch, length, shape.d_model))
    wanted = np.stack([twin_block(weights, "layers.0.mixer.", shape, window) for window in u])
    with torch.no_grad():
        np.testing.assert_allclose(block(torch.from_numpy(u)).numpy(), wanted, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(rolled(block, torch.from_numpy(u)).numpy(), wanted, rtol=1e-7, atol=1e-7)


@given(shapes(), st.integers(1, 2), lengths, st.integers(1, 4), st.integers(1, 5), seeds)
def test_a_network_in_torch_by_step_and_in_numpy_is_the_twin(shape, batch, length, features, outputs, seed):
    rng = np.random.default_rng(seed)
    weights = drawn(shape, features, outputs, rng)
    windows = rng.standard_normal((batch, length, features)).astype(np.float32)
    exact = {name: w.astype(np.float64) for name, w in weights.items()}
    wanted = np.stack([twin_network(exact, shape, window.astype(np.float64)) for window in windows])
    network = network_of(weights, shape, torch.float64)
    with torch.no_grad():
        rows = torch.from_numpy(windows).double()
        np.testing.assert_allclose(network(rows).numpy(), wanted, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(rolled(network, rows)[:, -1].numpy(), wanted, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(forward.Network.of(weights, shape).run(windows), wanted, rtol=2e-3, atol=2e-3)


@given(st.integers(1, 3), seeds)
@settings(max_examples=10)
def test_the_served_size_agrees_in_single_precision(batch, seed):
    """The sizes of the published strategy (six layers of 256, state 128, 8 rows), with weights as training begins."""
    torch.manual_seed(seed % 2**31)
    network = Network(Shape(), 20, 28).eval()
    windows = np.random.default_rng(seed).standard_normal((batch, 8, 20)).astype(np.float32)
    ours = forward.Network.of({n: t.numpy() for n, t in network.state_dict().items()}, Shape()).run(windows)
    with torch.no_grad():
        theirs, exact = network(torch.from_numpy(windows)), network.double()(torch.from_numpy(windows).double())
    np.testing.assert_allclose(ours, exact.numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(theirs.numpy(), exact.numpy(), rtol=1e-5, atol=1e-5)

"""Laws of the network that need no witness: chunks, causality, linearity, gradients, names, long and extreme inputs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_inference.mamba import forward
from contango_inference.mamba.net import A_HIGH, A_LOW, DT_HIGH, DT_LOW, Mamba2, Network, ssd
from contango_inference.mamba.shape import Shape

SMALL = Shape(layers=2, d_model=8, d_state=3, headdim=4, groups=2, d_conv=3, chunk=4)
FEATURES, OUTPUTS = 5, 7
seeds, lengths, chunks = st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 24)


def scan_inputs(seed, batch=2, length=9, heads=4, width=3, groups=2, size=3):
    """x, dt, a, b, c in double precision."""
    rng = np.random.default_rng(seed)
    dt = np.logaddexp(0.0, rng.standard_normal((batch, length, heads)))
    b, c = (rng.standard_normal((batch, length, groups, size)) for _ in range(2))
    found = rng.standard_normal((batch, length, heads, width)), dt, -np.exp(rng.standard_normal(heads)), b, c
    return [torch.from_numpy(v) for v in found]


def network(seed, shape=SMALL, scale=1.0, dtype=torch.float32):
    """Weights as training begins, those of the projections times ``scale``."""
    torch.manual_seed(seed % 2**31)
    made = Network(shape, FEATURES, OUTPUTS).eval()
    with torch.no_grad():
        for layer in made.layers:
            layer.mixer.in_proj.weight.mul_(scale)
    return made.to(dtype)


def numpy_of(made):
    return forward.Network.of({name: w.detach().numpy() for name, w in made.state_dict().items()}, made.shape)


def windows_of(seed, batch=2, length=8, scale=1.0):
    return (scale * np.random.default_rng(seed).standard_normal((batch, length, FEATURES))).astype(np.float32)


def close(a, b, tolerance=1e-9):
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


# --- the scan ---------------------------------------------------------------------------------------------------------


@given(seeds, lengths, chunks, chunks)
def test_the_chunk_does_not_matter(seed, length, one, other):
    inputs = scan_inputs(seed, length=length)
    for mine, yours in zip(ssd(*inputs, one), ssd(*inputs, other), strict=True):
        close(mine, yours, 1e-11)


@given(seeds, lengths, st.integers(1, 6), chunks)
def test_rows_of_zero_step_keep_the_state_and_are_read_through_it(seed, length, idle, chunk):
    x, dt, a, b, c = scan_inputs(seed, length=length + idle)
    dt[:, length:] = 0.0
    y, state = ssd(x, dt, a, b, c, chunk)
    _, before = ssd(x[:, :length], dt[:, :length], a, b[:, :length], c[:, :length], chunk)
    close(state, before, 1e-11)
    read = torch.einsum("bhpn,blhn->blhp", before, c[:, length:].repeat_interleave(2, dim=2))
    close(y[:, length:], read, 1e-11)


@given(seeds, lengths, chunks, st.floats(-3, 3), st.floats(-3, 3))
def test_the_scan_is_linear_in_x(seed, length, chunk, alpha, beta):
    x, dt, a, b, c = scan_inputs(seed, length=length)
    other = torch.from_numpy(np.random.default_rng(seed + 1).standard_normal(tuple(x.shape)))
    mixed = ssd(alpha * x + beta * other, dt, a, b, c, chunk)
    for whole, mine, yours in zip(mixed, ssd(x, dt, a, b, c, chunk), ssd(other, dt, a, b, c, chunk), strict=True):
        close(whole, alpha * mine + beta * yours, 1e-10)


@given(seeds, st.integers(2, 20), chunks, st.data())
def test_the_scan_is_causal(seed, length, chunk, data):
    inputs = scan_inputs(seed, length=length)
    cut = data.draw(st.integers(1, length - 1))
    x, dt, a, b, c = (v.clone() for v in inputs)
    for later in (x, b, c):
        later[:, cut:] += 1.0
    dt[:, cut:] *= 3.0
    changed, same = ssd(x, dt, a, b, c, chunk)[0], ssd(*inputs, chunk)[0]
    assert torch.equal(changed[:, :cut], same[:, :cut])
    assert not torch.allclose(changed[:, cut:], same[:, cut:])


@given(seeds, lengths, chunks)
def test_a_window_begins_with_nothing_remembered(seed, length, chunk):
    """Rows of zeros before the first change nothing."""
    x, dt, a, b, c = scan_inputs(seed, length=length)
    ahead = [torch.cat([torch.zeros_like(v[:, :1]), v], dim=1) for v in (x, dt, b, c)]
    y, state = ssd(ahead[0], ahead[1], a, ahead[2], ahead[3], chunk)
    wanted, last = ssd(x, dt, a, b, c, chunk)
    close(y[:, 1:], wanted, 1e-11)
    close(state, last, 1e-11)


@pytest.mark.parametrize(("length", "chunk"), [(5, 2), (4, 4), (3, 8)])
def test_gradients_are_those_of_finite_differences(length, chunk):
    inputs = [v.requires_grad_() for v in scan_inputs(1, batch=1, length=length, heads=2, width=2, groups=1, size=2)]
    assert torch.autograd.gradcheck(lambda *v: ssd(*v, chunk), inputs)


@pytest.mark.parametrize("seed", range(3))
def test_long_sequences_stay_finite_and_agree_in_single_precision(seed):
    """2,048 rows by chunks of 64 with steps as training begins: within 1e-5 of the double-precision recurrence."""
    x, _, _, b, c = scan_inputs(seed, length=2048, size=8)
    rng = np.random.default_rng(seed)
    dt = torch.from_numpy(np.exp(rng.uniform(np.log(DT_LOW), np.log(DT_HIGH), (2, 2048, 4))))
    a = -torch.from_numpy(rng.uniform(A_LOW, A_HIGH, 4))
    y, state = ssd(*(v.float() for v in (x, dt, a, b, c)), 64)
    exact, last = ssd(x, dt, a, b, c, 1)
    assert float((y - exact).abs().max()) < 1e-5 * float(exact.abs().max())
    assert float((state - last).abs().max()) < 1e-5 * float(last.abs().max())


@given(seeds, chunks, st.sampled_from([1e-3, 1.0, 1e3]), st.sampled_from([1e-3, 1.0, 1e3]))
@settings(max_examples=50)
def test_extreme_rows_and_steps_overflow_nothing(seed, chunk, size, step):
    x, dt, a, b, c = scan_inputs(seed, length=17)
    y, state = ssd((size * x).float(), (step * dt).float(), a.float(), (size * b).float(), (size * c).float(), chunk)
    assert torch.isfinite(y).all()
    assert torch.isfinite(state).all()


# --- the block --------------------------------------------------------------------------------------------------------


@given(seeds, st.integers(2, 20), st.data())
@settings(max_examples=50)
def test_a_block_is_causal(seed, length, data):
    torch.manual_seed(seed % 2**31)
    block, u = Mamba2(SMALL).double(), torch.randn(2, length, SMALL.d_model, dtype=torch.float64)
    cut = data.draw(st.integers(1, length - 1))
    later = u.clone()
    later[:, cut:] += 1.0
    with torch.no_grad():
        close(block(later)[:, :cut], block(u)[:, :cut], 1e-12)
        close(block(u[:, :cut]), block(u)[:, :cut], 1e-12)
        assert not torch.allclose(block(later)[:, cut:], block(u)[:, cut:])


def test_training_begins_with_the_published_steps_and_decays():
    torch.manual_seed(0)
    block = Mamba2(Shape())
    step, a = torch.nn.functional.softplus(block.dt_bias.double()), block.A_log.exp()
    assert ((step > 0.999 * DT_LOW) & (step < 1.001 * DT_HIGH)).all()
    assert ((a >= A_LOW * 0.999) & (a <= A_HIGH * 1.001)).all()
    assert (block.D == 1.0).all()


# --- the network ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [SMALL, Shape(), Shape(layers=1, d_model=6, d_state=2, headdim=2, groups=3, expand=1)]
)
def test_the_state_dict_has_the_names_and_shapes_that_are_declared(shape):
    made = Network(shape, FEATURES, OUTPUTS).state_dict()
    assert {name: tuple(w.shape) for name, w in made.items()} == shape.tensors(FEATURES, OUTPUTS)


@given(seeds, st.integers(1, 12))
@settings(max_examples=50)
def test_the_last_row_alone_is_read_with_all_before_it_remembered(seed, length):
    made, windows = network(seed, dtype=torch.float64), torch.from_numpy(windows_of(seed, length=length)).double()
    with torch.no_grad():
        memories = made.begin(len(windows))
        for t in range(length):
            said, memories = made.step(windows[:, t], memories)
            close(said, made(windows[:, : t + 1]), 1e-9)


@pytest.mark.parametrize("row", range(8))
def test_every_row_of_a_window_moves_the_answer(row):
    made, windows = network(3), windows_of(3)
    moved = windows.copy()
    moved[:, row] += 1.0
    with torch.no_grad():
        assert not torch.allclose(made(torch.from_numpy(moved)), made(torch.from_numpy(windows)), atol=1e-6)
    assert not np.allclose(numpy_of(made).run(moved), numpy_of(made).run(windows), atol=1e-6)


def test_every_weight_is_reached_by_the_gradient():
    made = network(5)
    made(torch.from_numpy(windows_of(5))).square().sum().backward()
    for name, weight in made.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().sum() > 0, name


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    made, windows = Network(SMALL, FEATURES, OUTPUTS, dropout=0.5), torch.from_numpy(windows_of(0))
    with torch.no_grad():
        assert not torch.equal(made.train()(windows), made(windows))
        assert torch.equal(made.eval()(windows), made(windows))


@given(seeds, st.sampled_from([1e-3, 1.0, 1e3]), st.sampled_from([1.0, 1e3]))
@settings(max_examples=50)
def test_extreme_windows_and_weights_stay_finite_without_a_warning(seed, rows, weights):
    """Gates of thousands below zero among them, whose exponential overflows single precision."""
    made, windows = network(seed, scale=weights), windows_of(seed, scale=rows)
    ours = numpy_of(made).run(windows)
    with torch.no_grad():
        theirs = made(torch.from_numpy(windows)).numpy()
    assert np.isfinite(ours).all()
    if weights == 1.0:
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_what_overflows_is_not_finite_and_raises_nothing():
    made = network(0)
    with torch.no_grad():
        made.head.weight.fill_(3e38)
    out = numpy_of(made).run(windows_of(0))
    assert out.shape == (2, OUTPUTS)
    assert not np.isfinite(out).all()


@pytest.mark.parametrize("batch", [0, 1, 5])
def test_any_batch_and_any_layout_of_windows(batch):
    made, wide = network(1), windows_of(1, batch=2 * batch)
    ours = numpy_of(made)
    np.testing.assert_array_equal(ours.run(wide[::2]), ours.run(wide[::2].copy()))
    assert ours.run(wide[::-2]).shape == (batch, OUTPUTS)
    assert ours.run(wide[::2].astype(np.float64)).dtype == np.float32


def test_weights_that_miss_a_tensor_are_refused_by_its_name():
    weights = {name: w.numpy() for name, w in network(0).state_dict().items() if name != "layers.1.mixer.A_log"}
    with pytest.raises(KeyError, match="A_log"):
        forward.Network.of(weights, SMALL)


# --- the sizes --------------------------------------------------------------------------------------------------------


def test_the_published_sizes():
    """Width 256, expansion 2, state 128, four taps, heads of 64: 465,176 weights a block."""
    shape = Shape()
    assert (shape.d_inner, shape.heads, shape.conv_width, shape.in_width) == (512, 8, 768, 1288)
    weights = sum(math.prod(size) for size in shape.mixer().values())
    assert weights == 465_176


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"headdim": 48}, "headdim 48 must divide"),
        ({"groups": 3}, "groups 3 must divide the 8 heads"),
        ({"layers": 0}, "layers"),
        ({"d_conv": 1}, "d_conv"),
        ({"width": 3}, "width"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_by_name(sizes, words):
    with pytest.raises(ValueError, match=words):
        Shape(**sizes)

"""The same network in torch, for training and for the torch backend: a scan by chunks, and a recurrent ``step``.

The scan is the state-space duality of the paper: inside a chunk an attention-like product under a decaying mask,
between chunks a recurrence of states. On CUDA with ``mamba_ssm`` installed its fused kernel computes the scan with the
same weights: names and shapes of a block are those of ``mamba_ssm.Mamba2``. Letters: ``shape.py``.

Deviation from the paper: none in the block; around it, features are embedded by one linear layer and the last row alone
is read by one linear head.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contango_inference.mamba.shape import Shape

EPSILON = 1e-5
DT_LOW, DT_HIGH, DT_FLOOR = 1e-3, 1e-1, 1e-4
A_LOW, A_HIGH = 1.0, 16.0


class Memory(NamedTuple):
    """What one block remembers between steps: the last K inputs of its convolution and its state."""

    inputs: Tensor  # (B, E + 2GN, K)
    state: Tensor  # (B, H, P, N)


class RMSNorm(nn.Module):
    """x / sqrt(mean(x²) + ε) · weight over each group of the last axis; where there is a gate, x · SiLU(z) for x."""

    def __init__(self, width: int, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        if z is not None:
            x = x * F.silu(z)
        parts = x.reshape(*x.shape[:-1], self.groups, x.shape[-1] // self.groups)  # each over its own mean, as Mamba2's
        parts = parts * torch.rsqrt(parts.square().mean(dim=-1, keepdim=True) + EPSILON)
        return parts.flatten(-2) * self.weight


def ssd(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
    """The scan by chunks: y (B, L, H, P) without the direct path, and the last state (B, H, P, N).

    x (B, L, H, P); dt (B, L, H), after softplus; a (H,), below 0; b and c (B, L, G, N). L need not divide by the chunk:
    rows of zero step are appended, which change no state.
    """
    batch, length, heads, width = x.shape
    fill = -length % chunk
    x, dt, b, c = (F.pad(v, (0, 0) * (v.dim() - 2) + (0, fill)) for v in (x, dt, b, c))
    chunks, share = (length + fill) // chunk, heads // b.shape[2]
    x, dt, b, c = (v.reshape(batch, chunks, chunk, *v.shape[2:]) for v in (x, dt, b, c))  # (B, C, Q, …)
    b, c = (v.repeat_interleave(share, dim=3) for v in (b, c))  # (B, C, Q, H, N)
    xdt = x * dt[..., None]  # (B, C, Q, H, P)
    total = torch.cumsum(dt * a, dim=2)  # (B, C, Q, H): log decay since the chunk began
    gap = total[:, :, :, None, :] - total[:, :, None, :, :]  # (B, C, Q, Q, H): from row j to row i
    seen = torch.ones(chunk, chunk, dtype=torch.bool, device=x.device).tril()[None, None, :, :, None]
    mask = gap.masked_fill(~seen, -torch.inf).exp()  # masked before exp: a future row must not overflow
    scores = torch.einsum("bcihn,bcjhn->bcijh", c, b) * mask  # (B, C, Q, Q, H)
    inside = torch.einsum("bcijh,bcjhp->bcihp", scores, xdt)
    left = (total[:, :, -1:, :] - total).exp()  # (B, C, Q, H): decay from a row to the chunk's end
    made = torch.einsum("bcjhn,bcjh,bcjhp->bchpn", b, left, xdt)  # what each chunk adds to the state
    whole = total[:, :, -1, :].exp()  # (B, C, H): decay over a chunk
    state = x.new_zeros(batch, heads, width, b.shape[-1])
    begins = []
    for k in range(chunks):
        begins.append(state)
        state = state * whole[:, k, :, None, None] + made[:, k]
    before = torch.stack(begins, dim=1)  # (B, C, H, P, N)
    across = torch.einsum("bcihn,bchpn,bcih->bcihp", c, before, total.exp())
    return (inside + across).reshape(batch, chunks * chunk, heads, width)[:, :length], state


class Mamba2(nn.Module):
    """One block: windows of rows (B, L, D) to rows (B, L, D)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.in_proj = nn.Linear(shape.d_model, shape.in_width, bias=False)
        width = shape.conv_width
        self.conv1d = nn.Conv1d(width, width, shape.d_conv, groups=width, padding=shape.d_conv - 1)
        step = torch.exp(torch.empty(shape.heads).uniform_(0.0, 1.0) * _log_ratio(DT_HIGH, DT_LOW)) * DT_LOW
        step = step.clamp(min=DT_FLOOR)
        self.dt_bias = nn.Parameter(step + torch.log(-torch.expm1(-step)))  # softplus(dt_bias) = step
        self.A_log = nn.Parameter(torch.empty(shape.heads).uniform_(A_LOW, A_HIGH).log())
        self.D = nn.Parameter(torch.ones(shape.heads))
        self.norm = RMSNorm(shape.d_inner, shape.groups)
        self.out_proj = nn.Linear(shape.d_inner, shape.d_model, bias=False)

    def forward(self, u: Tensor) -> Tensor:
        z, channels, dt = self._projected(u)
        mixed = F.silu(self.conv1d(channels.transpose(1, 2))[..., : u.shape[1]]).transpose(1, 2)  # (B, L, E + 2GN)
        x, b, c = self._parts(mixed)
        y = _scanned(x, dt, -self.A_log.exp(), b, c, self.shape.chunk) + x * self.D[:, None]  # (B, L, H, P)
        return cast(Tensor, self.out_proj(self.norm(y.flatten(-2), z)))  # (B, L, D)

    def step(self, u: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """One row (B, D) and what is remembered to one row and the new memory."""
        z, channels, dt = self._projected(u[:, None, :])
        inputs = torch.cat([memory.inputs[..., 1:], channels.transpose(1, 2)], dim=-1)  # (B, E + 2GN, K)
        mixed = F.silu((inputs * self.conv1d.weight[:, 0, :]).sum(-1) + cast(Tensor, self.conv1d.bias))  # (B, E + 2GN)
        x, b, c = (part[:, 0] for part in self._parts(mixed[:, None, :]))
        share = self.shape.heads // self.shape.groups
        b, c = (v.repeat_interleave(share, dim=1) for v in (b, c))  # (B, H, N)
        keep = (dt[:, 0] * -self.A_log.exp()).exp()  # (B, H)
        state = memory.state * keep[..., None, None] + torch.einsum("bh,bhp,bhn->bhpn", dt[:, 0], x, b)
        y = torch.einsum("bhpn,bhn->bhp", state, c) + x * self.D[:, None]  # (B, H, P)
        return cast(Tensor, self.out_proj(self.norm(y.flatten(-2), z[:, 0]))), Memory(inputs, state)

    def begin(self, batch: int) -> Memory:
        """Nothing remembered."""
        s, like = self.shape, self.A_log
        return Memory(
            like.new_zeros(batch, s.conv_width, s.d_conv), like.new_zeros(batch, s.heads, s.headdim, s.d_state)
        )

    def _projected(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z (B, L, E), the channels of the convolution (B, L, E + 2GN), dt after softplus (B, L, H)."""
        s = self.shape
        z, channels, dt = self.in_proj(u).tensor_split([s.d_inner, s.d_inner + s.conv_width], dim=-1)
        return z, channels, F.softplus(dt + self.dt_bias)

    def _parts(self, mixed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, L, H, P), b and c (B, L, G, N)."""
        s = self.shape
        x, b, c = mixed.tensor_split([s.d_inner, s.d_inner + s.groups * s.d_state], dim=-1)
        rows = mixed.shape[:-1]
        return (
            x.reshape(*rows, s.heads, s.headdim),
            b.reshape(*rows, s.groups, s.d_state),
            c.reshape(*rows, s.groups, s.d_state),
        )


class Layer(nn.Module):
    """x + mixer(norm(x))."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm, self.mixer = RMSNorm(shape.d_model), Mamba2(shape)

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.mixer(self.norm(x)))

    def step(self, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        y, memory = self.mixer.step(self.norm(x), memory)
        return x + y, memory


class Network(nn.Module):
    """Windows (B, L, F) to outputs (B, O); its state dict is the weights file."""

    def __init__(self, shape: Shape, features: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Linear(features, shape.d_model)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm_f = RMSNorm(shape.d_model)
        self.drop = nn.Dropout(dropout)  # acts in training alone
        self.head = nn.Linear(shape.d_model, outputs)

    def forward(self, windows: Tensor) -> Tensor:
        x = self.embed(windows)  # (B, L, D)
        for layer in self.layers:
            x = layer(x)
        return cast(Tensor, self.head(self.drop(self.norm_f(x[:, -1, :]))))  # (B, O)

    def step(self, row: Tensor, memories: list[Memory]) -> tuple[Tensor, list[Memory]]:
        """One row (B, F) and what the layers remember to outputs (B, O) and what they remember then."""
        x, after = self.embed(row), []
        for layer, memory in zip(self.layers, memories, strict=True):
            x, new = cast(Layer, layer).step(x, memory)
            after.append(new)
        return cast(Tensor, self.head(self.norm_f(x))), after

    def begin(self, batch: int) -> list[Memory]:
        return [cast(Layer, layer).mixer.begin(batch) for layer in self.layers]


def _log_ratio(high: float, low: float) -> float:
    return float(torch.log(torch.tensor(high / low)))


def _scanned(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, chunk: int) -> Tensor:
    if x.is_cuda:
        fused = _fused()
        if fused is not None:
            return fused(x, dt, a, b, c, chunk)
    return ssd(x, dt, a, b, c, chunk)[0]


def _fused() -> Callable[..., Tensor] | None:
    """The scan of ``mamba_ssm`` where it is installed; it takes the same arguments."""
    try:
        from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined
    except ImportError:
        return None
    return cast(Callable[..., Tensor], mamba_chunk_scan_combined)

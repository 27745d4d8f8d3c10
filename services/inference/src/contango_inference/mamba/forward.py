"""The whole network from its weights, in numpy with two compiled loops: no torch, any batch. Pure.

    row → embed → layers × (x + mixer(rms_norm(x))) → rms_norm → head of the last row

Single precision throughout, as the weights are. Letters: ``shape.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from contango_inference.mamba.recurrence import convolved, recurred
from contango_inference.mamba.shape import Shape

Floats = npt.NDArray[np.float32]
EPSILON = np.float32(1e-5)
ONE = np.float32(1.0)


@dataclass(frozen=True, slots=True)
class Block:
    """One layer's weights, transposed where a row is multiplied from the left."""

    norm: Floats  # (D,)
    into: Floats  # (D, 2E + 2GN + H)
    taps: Floats  # (E + 2GN, K)
    taps_bias: Floats  # (E + 2GN,)
    dt_bias: Floats  # (H,)
    decay: Floats  # (H,)
    direct: Floats  # (H,)
    gated: Floats  # (E,)
    out: Floats  # (E, D)


@dataclass(frozen=True, slots=True)
class Network:
    """All weights, ready to use; ``run`` takes windows (B, L, F) to outputs (B, O)."""

    shape: Shape
    embed: Floats  # (F, D)
    embed_bias: Floats  # (D,)
    blocks: tuple[Block, ...]
    norm: Floats  # (D,)
    head: Floats  # (D, O)
    head_bias: Floats  # (O,)

    @classmethod
    def of(cls, weights: Mapping[str, npt.NDArray[np.floating]], shape: Shape) -> Self:
        """From tensors by name (see ``Shape.tensors``). Raises KeyError for one that is missing."""
        w = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in weights.items()}
        return cls(
            shape,
            _across(w["embed.weight"]),
            w["embed.bias"],
            tuple(_block(w, f"layers.{i}.") for i in range(shape.layers)),
            w["norm_f.weight"],
            _across(w["head.weight"]),
            w["head.bias"],
        )

    def run(self, windows: npt.ArrayLike) -> Floats:
        """Outputs (B, O) of the last row of each window (B, L, F); not finite where single precision overflows."""
        u = np.asarray(windows, dtype=np.float32)  # (B, L, F)
        # SiLU of a gate far below 0 is −0 by way of exp(−z) = ∞; what else overflows shows in the outputs.
        with np.errstate(over="ignore", invalid="ignore"):
            x = u @ self.embed + self.embed_bias  # (B, L, D)
            for block in self.blocks:
                x = x + _mixed(_normed(x, block.norm), block, self.shape)
            last = _normed(x[:, -1, :], self.norm)  # (B, D)
            return np.asarray(last @ self.head + self.head_bias, dtype=np.float32)  # (B, O)


def _across(weight: Floats) -> Floats:
    return np.ascontiguousarray(weight.T)


def _block(w: Mapping[str, Floats], at: str) -> Block:
    mixer = f"{at}mixer."
    return Block(
        norm=w[f"{at}norm.weight"],
        into=_across(w[f"{mixer}in_proj.weight"]),
        taps=np.ascontiguousarray(w[f"{mixer}conv1d.weight"][:, 0, :]),
        taps_bias=w[f"{mixer}conv1d.bias"],
        dt_bias=w[f"{mixer}dt_bias"],
        decay=-np.exp(w[f"{mixer}A_log"]),
        direct=w[f"{mixer}D"],
        gated=w[f"{mixer}norm.weight"],
        out=_across(w[f"{mixer}out_proj.weight"]),
    )


def _mixed(u: Floats, block: Block, shape: Shape) -> Floats:
    batch, length, _ = u.shape
    inner, heads, state = shape.d_inner, shape.heads, shape.groups * shape.d_state
    projected = u @ block.into  # (B, L, 2E + 2GN + H)
    z = projected[..., :inner]
    channels = np.empty((batch, length, shape.conv_width), dtype=np.float32)
    convolved(projected[..., inner : inner + shape.conv_width], block.taps, block.taps_bias, channels)
    dt = _softplus(projected[..., inner + shape.conv_width :] + block.dt_bias)  # (B, L, H)
    x = channels[..., :inner].reshape(batch, length, heads, shape.headdim)
    b = channels[..., inner : inner + state].reshape(batch, length, shape.groups, shape.d_state)
    c = channels[..., inner + state :].reshape(batch, length, shape.groups, shape.d_state)
    y = np.empty((batch, length, heads, shape.headdim), dtype=np.float32)
    recurred(x, dt, block.decay, b, c, block.direct, y)
    gated = y.reshape(batch, length, inner) * (z / (ONE + np.exp(-z)))  # (B, L, E)
    return _normed(gated, block.gated, shape.groups) @ block.out  # (B, L, D)


def _normed(x: Floats, weight: Floats, groups: int = 1) -> Floats:
    """Each row, group by group, over its root mean square, times ``weight``."""
    parts = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
    scale = np.sqrt(np.mean(parts * parts, axis=-1, keepdims=True, dtype=np.float32) + EPSILON)
    return np.asarray((parts / scale).reshape(x.shape) * weight, dtype=np.float32)


def _softplus(x: Floats) -> Floats:
    return np.asarray(np.logaddexp(np.float32(0.0), x), dtype=np.float32)

"""The two loops over time of a Mamba-2 block, compiled: the causal convolution and the state's recurrence.

Both are written as the definition says, one row after the other; the network of ``net.py`` computes the same by chunks,
and the tests hold the two against each other. Letters: ``shape.py``.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float32]


@njit(cache=True)
def convolved(u, weight, bias, out):  # type: ignore[no-untyped-def]  # (B, L, C), (C, K), (C,), (B, L, C)
    """Each channel's causal convolution with its K taps, the newest row last, then SiLU."""
    batch, length, channels = u.shape
    taps = weight.shape[1]
    for i in range(batch):
        for t in range(length):
            for j in range(channels):
                total = bias[j]
                for k in range(max(0, taps - 1 - t), taps):
                    total += weight[j, k] * u[i, t - (taps - 1) + k, j]
                out[i, t, j] = total / (np.float32(1.0) + np.exp(-total))


@njit(cache=True)
def recurred(x, dt, decay, b, c, d, out):  # type: ignore[no-untyped-def]
    """y (B, L, H, P) into ``out`` from x (B, L, H, P), dt (B, L, H), decay = A (H,), b and c (B, L, G, N), d (H,)."""
    batch, length, heads, width = x.shape
    groups, size = b.shape[2], b.shape[3]
    share = heads // groups
    state = np.empty((width, size), dtype=np.float32)
    for i in range(batch):
        for h in range(heads):
            g = h // share
            state[:] = 0.0
            for t in range(length):
                step = dt[i, t, h]
                keep = np.exp(step * decay[h])
                for p in range(width):
                    enter = step * x[i, t, h, p]
                    total = np.float32(0.0)
                    for n in range(size):
                        new = keep * state[p, n] + enter * b[i, t, g, n]
                        state[p, n] = new
                        total += new * c[i, t, g, n]
                    out[i, t, h, p] = total + d[h] * x[i, t, h, p]

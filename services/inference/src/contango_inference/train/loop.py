"""One network learns: AdamW on pinball loss and cross entropy, stopped by a validation tail. Needs torch.

    loss = mean pinball of ln(variance / anchor²) over horizons and levels + direction_weight · cross entropy

On one CPU thread equal inputs give equal bytes: the seed sets the first weights, the order of rows and dropout.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from contango_inference.mamba.net import Network
from contango_inference.models.manifest import DIRECTIONS
from contango_inference.train.sample import Ints, Learned, Sample, Singles, Tell
from contango_inference.train.settings import TrainSettings

SMALLEST_STEP = 1e-3


def learn(train: Sample, validation: Sample, s: TrainSettings, seed: int, tell: Tell | None = None) -> Learned:
    """Train one network; ``tell(pass, most)`` is called after each pass."""
    device = torch.device(_device(s.device))
    with _repeatable(seed):
        network = Network(s.shape, train.windows.shape[2], s.contract(()).outputs, s.learning.dropout)
        _begin(network, train, s)
        network.to(device)
        return _learn(network, _tensors(train, device), _tensors(validation, device), s, seed, tell)


def _learn(
    network: Network,
    train: tuple[Tensor, Tensor, Tensor],
    validation: tuple[Tensor, Tensor, Tensor],
    s: TrainSettings,
    seed: int,
    tell: Tell | None,
) -> Learned:
    p, order = s.learning, np.random.default_rng(seed)
    levels = torch.tensor(s.inference.levels, device=train[0].device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=p.rate, weight_decay=p.decay)
    curve: list[tuple[float, float]] = []
    best, kept = 0, _weights(network)
    for epoch in range(p.epochs):
        learned = _pass(network, optimiser, train, levels, order.permutation(len(train[2])), s)
        network.eval()
        with torch.no_grad():
            judged = float(loss_of(network(validation[0]), validation[1], validation[2], levels, p.direction_weight))
        curve.append((learned, judged))
        if tell is not None:
            tell(epoch + 1, p.epochs)
        if judged <= min(value for _, value in curve):
            best, kept = epoch, _weights(network)
        elif epoch - best >= p.patience:
            break
    return Learned(kept, tuple(curve), best)


def _pass(
    network: Network,
    optimiser: torch.optim.Optimizer,
    train: tuple[Tensor, Tensor, Tensor],
    levels: Tensor,
    order: Ints,
    s: TrainSettings,
) -> float:
    network.train()
    total = 0.0
    for start in range(0, len(order), s.learning.batch):
        rows = torch.from_numpy(order[start : start + s.learning.batch]).to(train[0].device)
        windows, ratios, directions = (part[rows] for part in train)
        loss = loss_of(network(windows), ratios, directions, levels, s.learning.direction_weight)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), s.learning.largest_gradient)
        optimiser.step()
        total += float(loss.detach()) * len(rows)
    return total / len(order)


def loss_of(raw: Tensor, ratios: Tensor, directions: Tensor, levels: Tensor, direction_weight: float) -> Tensor:
    """The loss of outputs (r, O) against log ratios (r, H) and directions (r,)."""
    logits = raw[:, : len(DIRECTIONS)]
    quantiles = log_ratios(raw, ratios.shape[1], len(levels))  # (r, H, Q)
    miss = ratios[..., None] - quantiles
    pinball = torch.maximum(levels * miss, (levels - 1.0) * miss).mean()
    return pinball + direction_weight * F.cross_entropy(logits, directions)


def log_ratios(raw: Tensor, horizons: int, levels: int) -> Tensor:
    """Quantiles (r, H, Q) as ``contango_inference.models.answer`` reads them from outputs (r, O)."""
    shaped = raw[:, len(DIRECTIONS) :].reshape(-1, horizons, levels)
    return torch.cat([shaped[..., :1], F.softplus(shaped[..., 1:])], dim=-1).cumsum(dim=-1)


def _begin(network: Network, train: Sample, s: TrainSettings) -> None:
    """Begin at the past's own quantiles and shares: what is learned is what the features add."""
    quantiles = np.quantile(train.ratios.astype(np.float64), s.inference.levels, axis=0).T  # (H, Q)
    steps = np.maximum(np.diff(quantiles, axis=1), SMALLEST_STEP)
    parts = np.concatenate([quantiles[:, :1], np.log(np.expm1(steps))], axis=1)
    counts = np.bincount(train.directions, minlength=len(DIRECTIONS)) + 1.0
    bias = np.concatenate([np.log(counts / counts.sum()), parts.ravel()])
    with torch.no_grad():
        network.head.bias.copy_(torch.from_numpy(bias))
        network.head.weight.mul_(0.1)


def _tensors(sample: Sample, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    parts = (sample.windows, sample.ratios.astype(np.float32), sample.directions)
    windows, ratios, directions = (torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in parts)
    return windows, ratios, directions


def _weights(network: Network) -> dict[str, Singles]:
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def _device(wanted: str) -> str:
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """One thread, the seed, deterministic kernels; what was set before comes back."""
    threads, strict, state = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_rng_state(),
    )
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
        torch.set_rng_state(state)

"""What a streaming indicator is, and the few helpers around it.

A kernel is a module with the names of `KernelModule` (nothing to inherit). Its whole state is one record
of fixed size, held as an array of shape (1,) because numba takes that from Python fastest; parameters are
stored in the record. `step(state, *inputs)` is the only code that computes: the batch loops the same
compiled function, so batch, stream and restart from bytes agree bit for bit.

Rules for every kernel
* "Not ready" is a count: state["count"] < WARM_UP(params). Until then `step` returns nan; Python callers
  get None from `Stream`.
* A sample that is not finite, or impossible for the kernel (a price of 0 where a logarithm is taken, a high
  below the low), is rejected: `rejected` is counted, nothing else changes, and nan is returned for that
  sample. The next good sample continues as if the bad one had never been sent.
* Window buffers have the next power of two as length, so that numba compiles once per size class and not
  once per window.

Several steps are composed in one compiled function of the caller; one call from Python then does them all:

>>> from numba import njit
>>> from contango_quant.stream import ema, rsi
>>> @njit
... def both(ema_state, rsi_state, close):
...     return ema.step(ema_state, close), rsi.step(rsi_state, close)
>>> states = ema.init(ema.Params(window=2)), rsi.init(rsi.Params(window=2))
>>> [both(*states, x) for x in (10.0, 11.0, 10.5)][-1]
(10.5, 66.66666666666667)
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

State = NDArray[np.void]  # shape (1,), structured
HEADER: list[Any] = [("count", "<i8"), ("rejected", "<i8")]
MAX_WINDOW = 65_536
MIN_CAPACITY = 32


class KernelModule(Protocol):
    """The names that a kernel module defines."""

    @property
    def Params(self) -> Any:
        """A frozen dataclass; ValueError for impossible values."""

    @property
    def INPUTS(self) -> tuple[str, ...]:
        """In the order in which `step` takes them."""

    @property
    def OUTPUTS(self) -> tuple[str, ...]:
        """One name: `step` returns a float; several: a tuple."""

    @property
    def step(self) -> Callable[..., Any]:
        """Compiled: (state, *inputs) -> value or values; changes the state in place."""

    @property
    def batch(self) -> Callable[..., None]:
        """Compiled: (state, *input columns, out): loops `step`."""

    def state_dtype(self, params: Any) -> np.dtype[np.void]:
        """The record's layout; it begins with HEADER."""

    def init(self, params: Any) -> State:
        """A record that has seen nothing."""

    def WARM_UP(self, params: Any) -> int:
        """Accepted samples needed before the outputs are defined."""


def check_window(window: int, least: int = 1) -> None:
    """Raise ValueError unless `window` is an integer in [least, MAX_WINDOW]."""
    if isinstance(window, bool) or not isinstance(window, int) or not least <= window <= MAX_WINDOW:
        raise ValueError(f"window must be an integer from {least} to {MAX_WINDOW}, got {window!r}")


def capacity(window: int) -> int:
    """Length of a buffer that holds `window` values: the next power of two, at least 32.

    >>> capacity(20), capacity(252)
    (32, 256)
    """
    return max(MIN_CAPACITY, 1 << (window - 1).bit_length())


def new_state(dtype: np.dtype[np.void], **fields: float) -> State:
    """A record of zeros with some `fields` set."""
    state = np.zeros(1, dtype=dtype)
    for name, value in fields.items():
        state[name] = value
    return state


def restore(kernel: KernelModule, params: Any, data: bytes) -> State:
    """The state whose `tobytes()` was `data`; ValueError when the length does not fit the parameters."""
    dtype = kernel.state_dtype(params)
    if len(data) != dtype.itemsize:
        raise ValueError(f"data must be {dtype.itemsize} bytes for {params!r}, got {len(data)}")
    return np.frombuffer(data, dtype=dtype).copy()  # a copy, for the record must be writable


def is_ready(kernel: KernelModule, params: Any, state: State) -> bool:
    """Whether the kernel has accepted as many samples as its outputs need."""
    return bool(state["count"][0] >= kernel.WARM_UP(params))


def run(kernel: KernelModule, state: State, *columns: ArrayLike) -> NDArray[np.float64]:
    """Feed whole columns: one row of outputs per sample, nan where there is none; `state` moves on.

    Shape (n,) for one output, (n, outputs) for several. ValueError for wrong or unequal columns.
    """
    if len(columns) != len(kernel.INPUTS):
        raise ValueError(f"inputs must be {', '.join(kernel.INPUTS)}, got {len(columns)} columns")
    lines = [np.require(c, dtype=np.float64, requirements=["C", "W"]) for c in columns]
    if any(line.ndim != 1 or line.shape != lines[0].shape for line in lines):
        raise ValueError(f"columns must be equally long lines, got shapes {[line.shape for line in lines]}")
    rows = lines[0].shape[0]
    out = np.empty(rows if len(kernel.OUTPUTS) == 1 else (rows, len(kernel.OUTPUTS)))
    kernel.batch(state, *lines, out)
    return out


class Stream:
    """One kernel with its state, for callers in Python: None where a value is not defined.

    >>> from contango_quant.stream import sma
    >>> stream = Stream(sma, sma.Params(window=2))
    >>> [stream.update(x) for x in (1.0, 3.0, float("nan"), 5.0)]
    [None, 2.0, None, 4.0]
    >>> stream.count, stream.rejected, stream.ready
    (3, 1, True)
    """

    def __init__(self, kernel: KernelModule, params: Any, state: State | None = None) -> None:
        self.state: State = kernel.init(params) if state is None else state
        self._warm_up: int = kernel.WARM_UP(params)
        self._step = kernel.step

    def update(self, *inputs: float) -> Any:
        """Feed one sample; the value, or a tuple of values, with None where undefined."""
        value = self._step(self.state, *map(float, inputs))
        if isinstance(value, tuple):
            return tuple(None if v != v else v for v in value)
        return None if value != value else value

    @property
    def count(self) -> int:
        """Samples accepted."""
        return int(self.state["count"][0])

    @property
    def rejected(self) -> int:
        """Samples rejected."""
        return int(self.state["rejected"][0])

    @property
    def ready(self) -> bool:
        """Whether enough samples were accepted."""
        return self.count >= self._warm_up

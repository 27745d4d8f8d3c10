"""numba's ``njit`` with the type of the function it compiles, so that callers stay checked."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """``function`` compiled on first call and cached on disk; never ``fastmath``: results must be the same bits."""
    return cast(Function, njit(cache=True)(function))

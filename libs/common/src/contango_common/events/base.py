"""Facts: frozen, flat pydantic models in the past tense, validated at birth.

Every event class names the ``FAMILY`` (the subject it travels under) and is known on the log by its class name, the
*tag*. Fields are only ever added, with defaults; a rename is a new class. NaN and infinities are refused: what is
missing is ``None`` and says why elsewhere.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from contango_common.domain.blocks import Block

TAGS: dict[str, type["Event"]] = {}


class Event(BaseModel):
    """Base of all facts. Subclasses register themselves under their name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)
    FAMILY: ClassVar[str] = ""
    TAG: ClassVar[str] = ""
    BY_REFERENCE: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not cls.FAMILY:
            return
        cls.TAG = cls.__name__
        if cls.TAG in TAGS and TAGS[cls.TAG].__module__ != cls.__module__:
            raise TypeError(f"two events are called {cls.TAG}")
        TAGS[cls.TAG] = cls


class ByReference(Event):
    """A fact whose bulk lies in blocks; the runtime attaches them before any fold sees the fact."""

    BY_REFERENCE: ClassVar[bool] = True
    __slots__ = ("_blocks",)  # beside the fields: not part of the fact, and nothing to set up when one is read

    def references(self) -> tuple[str, ...]:
        """Hashes of the blocks this fact needs."""
        raise NotImplementedError

    def attach(self, blocks: Mapping[str, Block]) -> None:
        """Give the fact its blocks, keyed by hash: the runtime calls this, or a fold whose fact names a new block."""
        object.__setattr__(self, "_blocks", blocks)

    def attached(self, digest: str) -> Block | None:
        """The block, where it was attached by whoever made the fact; None otherwise."""
        blocks: Mapping[str, Block] | None = getattr(self, "_blocks", None)
        return blocks.get(digest) if isinstance(blocks, dict) else None

    def block_at(self, digest: str) -> Block:
        """The attached block; KeyError when the runtime did not resolve it."""
        blocks: Mapping[str, Block] | None = getattr(self, "_blocks", None)
        if blocks is None:
            raise KeyError(f"{type(self).__name__} was not given its block {digest}")
        return blocks[digest]

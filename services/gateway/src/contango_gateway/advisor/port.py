"""What an advisor is to the rest: asked one question at a time, it says something or is silent with a reason."""

from typing import NamedTuple, Protocol

from contango_gateway.advisor.prompt import Prompt


class Said(NamedTuple):
    """The text of a reply, untrusted."""

    text: str


class Silent(NamedTuple):
    """Why there is no reply: one line, without anything that came from outside."""

    reason: str


class Advisor(Protocol):
    """Whoever answers. ``name`` stands in every fact about it; ``ask`` may take long, and is cancelled."""

    @property
    def name(self) -> str: ...

    async def ask(self, prompt: Prompt) -> Said | Silent: ...

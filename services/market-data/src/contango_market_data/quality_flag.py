"""A finding about data: what is wrong, how often, where it was first seen. Pure."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Flag:
    """``reason`` is a short fixed phrase; ``first_where`` names file and line, or session and contract."""

    reason: str
    count: int
    first_where: str
    detail: str


class FlagBook:
    """Counts findings by reason; of each reason the first place and detail are kept."""

    def __init__(self) -> None:
        self._flags: dict[str, Flag] = {}

    def add(self, reason: str, count: int, first_where: str, detail: str = "") -> None:
        if count <= 0:
            return
        known = self._flags.get(reason)
        if known is None:
            self._flags[reason] = Flag(reason, count, first_where, detail)
        else:
            self._flags[reason] = replace(known, count=known.count + count)

    def merge(self, flag: Flag) -> None:
        self.add(flag.reason, flag.count, flag.first_where, flag.detail)

    def flags(self) -> list[Flag]:
        return list(self._flags.values())

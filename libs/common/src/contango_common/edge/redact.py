"""Taking secrets out of text and data: registered values, telling keys, addresses with passwords."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

MASK = "**"
_WORDS = r"pass(?:word|wd|phrase)?|pwd|token|secret|api[_-]?key|private[_-]?key|credential|authorization|cookie"
SECRET_KEY = re.compile(rf"(?:^|[_\-.])(?:\w*(?:{_WORDS})s?)$|^(?:{_WORDS})", re.IGNORECASE)
# password=abc, "api_key": "abc", token: abc — the value up to the next quote, blank or separator.
_ASSIGNED = re.compile(
    rf"""(?P<key>[\w.-]*(?:{_WORDS})s?["']?\s*[=:]\s*)(?P<value>(?:Basic|Bearer)\s+\S+|"[^"]*"|'[^']*'|[^\s,;&}})\]]+)""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+")
_IN_ADDRESS = re.compile(r"(\w+://)([^\s/@]*)@")
DEPTH_LIMIT = 8


class Redactor:
    """Knows this program's secrets and masks them, and whatever looks like one.

    >>> redactor = Redactor(["s3cr3t!"])
    >>> redactor.text("login s3cr3t! at postgresql://joe:pw@db/x with token=abc")
    'login ** at postgresql://**@db/x with token=**'
    """

    def __init__(self, secrets: Iterable[str | SecretStr] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.register(*secrets)

    def register(self, *secrets: str | SecretStr) -> None:
        """Mask these from now on, also in their URL, JSON and repr spellings."""
        for secret in secrets:
            text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
            spellings = (text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1])
            self._known.update(spelling for spelling in spellings if spelling)
        longest_first = sorted(self._known, key=lambda spelling: (-len(spelling), spelling))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """`text` without secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        text = _IN_ADDRESS.sub(rf"\1{MASK}@", text)
        text = _ASSIGNED.sub(lambda hit: hit["key"] + MASK, text)
        return _BEARER.sub(rf"\1 {MASK}", text)

    def data(self, value: Any, depth: int = 0) -> Any:
        """`value` as plain JSON data without secrets; whatever cannot be shown becomes a word."""
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return value if -(2**63) <= value < 2**63 else str(value)
        if isinstance(value, SecretStr):
            return MASK
        if depth >= DEPTH_LIMIT:
            return "..."
        if isinstance(value, Mapping):
            return {self.text(_shown(key)): self._entry(key, item, depth) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.data(item, depth + 1) for item in value]
        return self.text(_shown(value))

    def _entry(self, key: Any, value: Any, depth: int) -> Any:
        return MASK if SECRET_KEY.search(_shown(key)) else self.data(value, depth + 1)


def _shown(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001  (a log line must not fail because of what it shows)
        return "<unprintable>"
    return text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be encoded

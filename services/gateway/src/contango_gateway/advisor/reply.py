"""What an advisor answered, read with suspicion. Pure and total: any bytes give a note or the reason why there is none.

The text of a reply is untrusted. It is never run, never parsed for orders, never quoted in a reason; of it survive one
of three words, one number and one line of plain text, cut to length, without control, format or private characters
(a writing direction turned around would show another text than it holds). Whoever builds HTML escapes it: ``as_html``.
"""

import html
import unicodedata
from typing import Any, NamedTuple, get_args

import orjson

from contango_common.events.advice import Stance

BODY_LIMIT_BYTES = 64 * 1024
TEXT_LIMIT_BYTES = 8 * 1024
NOTE_LIMIT_CHARACTERS = 600
STANCES: tuple[Stance, ...] = get_args(Stance)
_KEYS = {"stance", "confidence", "note"}
_FENCE = "```"


class Advice(NamedTuple):
    """A reply that fits: ``confidence`` in [0, 1], ``note`` one line of at most ``NOTE_LIMIT_CHARACTERS``."""

    stance: Stance
    confidence: float
    note: str


class Unusable(NamedTuple):
    """A reply that does not fit, and why, in words of our own."""

    reason: str


def content_of(body: bytes) -> str | Unusable:
    """The text of the first choice in the body of a chat completion.

    >>> content_of(b'{"choices":[{"message":{"role":"assistant","content":"{}"}}]}')
    '{}'
    >>> content_of(b"<html>")
    Unusable(reason='the API answered with something that is no JSON')
    """
    if len(body) > BODY_LIMIT_BYTES:
        return Unusable(f"the API answered with more than {BODY_LIMIT_BYTES} bytes")
    try:
        content = orjson.loads(body)["choices"][0]["message"]["content"]
    except orjson.JSONDecodeError:
        return Unusable("the API answered with something that is no JSON")
    except (KeyError, IndexError, TypeError):
        return Unusable("the API answered with JSON that is no chat completion")
    return content if isinstance(content, str) else Unusable("the API answered with a completion that has no text")


def parse(text: str | bytes) -> Advice | Unusable:
    """The one JSON object that was asked for, with exactly its three keys; a code fence around it is forgiven.

    >>> parse('{"stance": "favourable", "confidence": 0.7, "note": "Carry is\\\\u0007 rich."}')
    Advice(stance='favourable', confidence=0.7, note='Carry is rich.')
    >>> parse('{"stance": "favourable", "confidence": 7, "note": "Sure."}')
    Unusable(reason='the confidence is no number from 0 to 1')
    >>> parse(b"Buy everything!")
    Unusable(reason='the reply is no JSON')
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    if len(data) > TEXT_LIMIT_BYTES:
        return Unusable(f"the reply is larger than {TEXT_LIMIT_BYTES} bytes")
    try:
        raw = orjson.loads(_unfenced(data))
    except orjson.JSONDecodeError:
        return Unusable("the reply is no JSON")
    if not isinstance(raw, dict) or set(raw) != _KEYS:
        return Unusable("the reply is no object with exactly the keys stance, confidence and note")
    return _checked(raw["stance"], raw["confidence"], raw["note"])


def _checked(stance: Any, confidence: Any, note: Any) -> Advice | Unusable:
    if stance not in STANCES:
        return Unusable("the stance is none of " + ", ".join(STANCES))
    number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    if not number or not 0.0 <= confidence <= 1.0:  # nan and infinities are outside, too
        return Unusable("the confidence is no number from 0 to 1")
    shown = plain(note) if isinstance(note, str) else ""
    if not shown:
        return Unusable("the note is no text, or is empty")
    return Advice(stance, float(confidence), shown)


def plain(text: str) -> str:
    """One line without control, format, private, unassigned or surrogate characters; white space is single blanks.

    >>> plain(" a\\x00\\n\\u202eb\\t c ")
    'a b c'
    """
    spaced = (" " if character.isspace() else character for character in text)
    kept = "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))
    return " ".join(kept.split())


def cut(text: str, limit: int = NOTE_LIMIT_CHARACTERS) -> str:
    """``text`` with at most ``limit`` characters; an ellipsis says that there was more.

    >>> cut("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def as_html(text: str) -> str:
    """``text`` to be put into a page.

    >>> as_html("<script>alert('x')</script>")
    '&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;'
    """
    return html.escape(text, quote=True)


def _unfenced(data: bytes) -> bytes:
    """What stands between a code fence's first and last line, else all of it."""
    body, fence = data.strip(), _FENCE.encode()
    if len(body) < 2 * len(fence) or not body.startswith(fence) or not body.endswith(fence):
        return body
    _, line_end, inner = body[: -len(fence)].partition(b"\n")
    return inner if line_end else body

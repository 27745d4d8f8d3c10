"""The dashboard as one self-contained page: style and script stand in it, and the policy allows these two alone."""

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Page:
    """``policy`` is the page's Content-Security-Policy."""

    html: str
    policy: str


def load_page() -> Page:
    """Put the parts together.

    >>> "default-src 'none'" in load_page().policy
    True
    """
    folder = files("contango_gateway.dashboard")
    style, script, body = (folder.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js", "page.html"))
    html = body.replace("/*STYLE*/", style, 1).replace("/*SCRIPT*/", script, 1)
    policy = (
        "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; style-src {_hash(style)}; script-src {_hash(script)}"
    )
    return Page(html, policy)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

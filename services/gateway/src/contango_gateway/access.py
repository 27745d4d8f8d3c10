"""Who may ask: the bearer token, or a session cookie that was given for it.

The cookie holds no token: it is a random name signed with a key that only the token gives, so it survives a restart of
the gateway and dies with the token. Pages of other origins cannot use it: SameSite=Strict, and a request that changes
something must come from our own origin and carry the session's CSRF token. Comparisons take constant time.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable

COOKIE = "contango_session"
CSRF_HEADER = "x-csrf-token"
SESSION_S = 12 * 3600
MIN_TOKEN_CHARACTERS = 16


class Access:
    """Knows the token and the wall time (``now_s``); answers yes or no."""

    def __init__(self, token: str, now_s: Callable[[], float]) -> None:
        self._token = token.encode()
        self._now_s = now_s
        self._key = hmac.digest(self._token, b"contango gateway session 1", "sha256")

    def token_fits(self, given: str) -> bool:
        return hmac.compare_digest(self._hidden(given.encode()), self._hidden(self._token))

    def bearer_fits(self, authorization: str | None) -> bool:
        """Whether a header ``Authorization: Bearer …`` carries the token."""
        scheme, _, given = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and self.token_fits(given.strip())

    def new_session(self) -> str:
        """The value of a cookie that is good for ``SESSION_S`` seconds."""
        body = f"{int(self._now_s()) + SESSION_S}.{secrets.token_urlsafe(18)}"
        return f"{body}.{self._sign('session', body)}"

    def session_fits(self, cookie: str | None) -> bool:
        body, _, signature = (cookie or "").rpartition(".")
        if not body or not hmac.compare_digest(signature.encode(), self._sign("session", body).encode()):
            return False
        ends, _, _ = body.partition(".")
        return int(ends) > self._now_s()

    def csrf(self, cookie: str) -> str:
        """The token that the page of this session sends with every command."""
        return self._sign("csrf", cookie)

    def csrf_fits(self, cookie: str, given: str | None) -> bool:
        return hmac.compare_digest((given or "").encode(), self.csrf(cookie).encode())

    def _hidden(self, value: bytes) -> bytes:
        """Same length for everything: the comparison does not tell how long the token is."""
        return hmac.digest(self._key, value, "sha256")

    def _sign(self, what: str, body: str) -> str:
        return hmac.new(self._key, f"{what}:{body}".encode(), hashlib.sha256).hexdigest()

"""What the deployment says about an advisor, checked before anything is asked. Without an address there is none."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from contango_common.domain.errors import UserError

OFF = (
    "the advisor is off: no address is configured. It is optional and decides nothing; to have notes on proposals set "
    "CONTANGO_ADVISOR_URL and CONTANGO_ADVISOR_MODEL (and CONTANGO_ADVISOR_KEY_FILE where the API wants a key)"
)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NAME_LIMIT_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class AdvisorSettings:
    """``url`` ends in ``/chat/completions``; ``deadline_s`` bounds a question with all its attempts."""

    url: str
    model: str
    key: SecretStr | None
    deadline_s: float

    @property
    def exposed(self) -> bool:
        """Whether the key would travel in the open, over plain HTTP to another machine."""
        address = urlsplit(self.url)
        return self.key is not None and address.scheme == "http" and address.hostname not in LOOPBACK


def advisor_settings(url: str | None, model: str | None, key: SecretStr | None, deadline_s: float) -> AdvisorSettings:
    """Raises UserError with one line when the advisor is off or a setting does not do; never shows the key."""
    if not url:
        raise UserError(OFF)
    if not model or not model.isprintable() or len(model) > NAME_LIMIT_CHARACTERS:
        raise UserError(
            f"CONTANGO_ADVISOR_MODEL: missing, unprintable or longer than {NAME_LIMIT_CHARACTERS} characters; "
            "give the name under which the API knows the model"
        )
    if not 0.0 < deadline_s <= 600.0:
        raise UserError(f"CONTANGO_ADVISOR_DEADLINE_S = {deadline_s}: must be above 0 and at most 600 seconds")
    if key is not None and not (key.get_secret_value().isascii() and key.get_secret_value().isprintable()):
        raise UserError("CONTANGO_ADVISOR_KEY_FILE: the key holds other than printable ASCII; write the key alone")
    return AdvisorSettings(endpoint(url), model, key, deadline_s)


def endpoint(url: str) -> str:
    """The address that questions are posted to: an API's base (``https://host/v1``) or the endpoint itself.

    Raises UserError for what is no plain HTTP address.

    >>> endpoint("https://llm.example/v1/")
    'https://llm.example/v1/chat/completions'
    """
    try:
        address = urlsplit(url)
        plain = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        plain = False
    if not plain or not url.isprintable() or " " in url or "@" in url or "?" in url or "#" in url:
        raise UserError(
            "CONTANGO_ADVISOR_URL: must be http(s)://host[:port]/path without credentials, query or fragment; "
            "a key comes from CONTANGO_ADVISOR_KEY_FILE"
        )
    base = url.rstrip("/")
    return base if base.endswith("/chat/completions") else f"{base}/chat/completions"

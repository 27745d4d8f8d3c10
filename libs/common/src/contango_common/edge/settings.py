"""Deployment settings (addresses, ports, paths, credentials): YAML, then CONTANGO_ variables, then secret files.

Trading parameters are not here: they are facts on the log.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from annotated_types import Ge, Le
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo

from contango_common.domain.errors import UserError
from contango_common.edge.redact import MASK, Redactor
from contango_common.edge.secretfile import read_secret

PREFIX = "CONTANGO_"
# Read by others: tests, and the embedded servers' own search for their programs.
OTHERS = re.compile(r"CONTANGO_(TEST_\w+|NATS_SERVER|POSTGRES_BIN|POSTGRES_OS_USER|TRITON_SERVER)")
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseModel):
    """Where things are and how to reach them; `nats_url` or `postgres_dsn` missing means: the embedded one.

    >>> load_settings(environ={"CONTANGO_HTTP_PORT": "9101"}).http_port
    9101
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    run_dir: Path = Path("run")
    block_dir: Path | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    runtime: Literal["free", "lockstep"] = "free"
    catalog: Path | None = None
    book: Path | None = None
    start: Annotated[int, Field(ge=19000101, le=29991231)] | None = None
    end: Annotated[int, Field(ge=19000101, le=29991231)] | None = None
    speed: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    snapshot_every: Annotated[int, Field(ge=1)] = 2000

    http_host: str = "127.0.0.1"
    http_port: Port = 0
    gateway_host: str = "127.0.0.1"
    gateway_port: Port = 0
    gateway_token: SecretStr | None = None
    service_urls: Annotated[str, Field(pattern=r"^([a-z-]+=https?://[^,\s]+(,|$))*$")] = ""

    nats_url: str | None = None
    nats_user: str | None = None
    nats_password: SecretStr | None = None
    nats_token: SecretStr | None = None
    nats_port: Port = 0
    nats_sync_interval: Annotated[str, Field(pattern=r"^(always|[1-9][0-9]*(ms|s|m))$")] = "2m"

    models_dir: Path = Path("models")
    earnings_model: Path | None = None
    inference_backend: Literal["numpy", "torch", "triton"] = "numpy"
    inference_deadline_s: Annotated[float, Field(gt=0, le=60)] = 0.05
    triton_url: Annotated[str, Field(pattern=r"^[^@/\s]+:[0-9]+$")] = "127.0.0.1:8001"

    # An optional model that comments on proposals; without an address there is none. It is never in the order path.
    advisor_url: str | None = None
    advisor_model: str | None = None
    advisor_key: SecretStr | None = None
    advisor_deadline_s: Annotated[float, Field(gt=0, le=600)] = 30.0

    postgres_dsn: str | None = None
    postgres_password: SecretStr | None = None
    postgres_port: Port = 0
    postgres_fsync: bool = True

    @field_validator("nats_url")
    @classmethod
    def _address_only(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"(nats|tls)://[^@\s/]+", url):
            raise ValueError("must be nats://host:port without credentials; put those in secret files")
        return url

    @field_validator("postgres_dsn")
    @classmethod
    def _no_password(cls, dsn: str | None) -> str | None:
        try:
            parts = conninfo_to_dict(dsn or "")
        except Exception:  # noqa: BLE001  (psycopg's text would repeat the address)
            raise ValueError("must be postgresql://user@host:port/database") from None
        if "password" in parts:
            raise ValueError("must hold no password; name its file in postgres_password_file")
        return dsn

    @property
    def blocks(self) -> Path:
        """The block store's folder."""
        return self.block_dir or self.run_dir / "blocks"

    def postgres_conninfo(self) -> SecretStr | None:
        """Address with password for psycopg, None when the embedded server is meant."""
        if self.postgres_dsn is None:
            return None
        secret = {"password": self.postgres_password.get_secret_value()} if self.postgres_password else {}
        return SecretStr(make_conninfo(self.postgres_dsn, **secret))

    def nats_login(self) -> dict[str, str]:
        """Keyword arguments for `nats.connect`, as `EmbeddedNats.login` gives them."""
        secrets = {"password": self.nats_password, "token": self.nats_token}
        given = {key: secret.get_secret_value() for key, secret in secrets.items() if secret}
        return given | ({"user": self.nats_user} if self.nats_user else {})

    def neighbours(self) -> dict[str, str]:
        """``service_urls`` ("risk=http://risk:9100,…") as a mapping: where the gateway asks for health."""
        return dict(pair.split("=", 1) for pair in self.service_urls.split(",") if pair)

    def secrets(self) -> list[str]:
        """Every secret held, for the log's redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


@dataclass(frozen=True)
class _Given:
    value: Any
    where: str  # for messages: "deploy.yaml: http_port" or "environment: CONTANGO_HTTP_PORT"


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; the environment wins over the file.

    A secret is never given itself but as `<key>_file` (YAML) or `CONTANGO_<KEY>_FILE`. Raises UserError with
    one line naming place, key, value and range of everything that is wrong.
    """
    given = _from_yaml(path) if path is not None else {}
    for key, entry in _from_environment(os.environ if environ is None else environ).items():
        # A file named in the environment also replaces the file named in YAML, and so on.
        given[key] = entry
    try:
        return Settings.model_validate({key: entry.value for key, entry in given.items()})
    except ValidationError as error:
        raise UserError("; ".join(_line(problem, given) for problem in error.errors())) from None


def _from_yaml(path: Path) -> dict[str, _Given]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name an existing settings file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}:{line} not valid YAML; correct it") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds a {type(content).__name__}; write one 'key: value' per line")
    found: dict[str, _Given] = {}
    for key, value in content.items():
        _take(found, str(key), value, f"{path}: {key}")
    return found


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    found: dict[str, _Given] = {}
    for name in sorted(environ):
        if name.startswith(PREFIX) and not OTHERS.fullmatch(name):
            _take(found, name.removeprefix(PREFIX).lower(), environ[name], f"environment: {name}")
    return found


def _take(found: dict[str, _Given], key: str, value: Any, where: str) -> None:
    """Put one entry in its place, reading the file when it names a secret's."""
    plain = key.removesuffix("_file")
    named_file = key.endswith("_file") and _is_secret(plain)
    if not named_file and key not in Settings.model_fields:
        names = [name + "_file" * _is_secret(name) for name in Settings.model_fields]
        raise UserError(f"{where}: unknown key; known are {', '.join(names)}")
    if not named_file and _is_secret(key):
        raise UserError(f"{where}: secrets come from files; write it into one and name that in {key}_file")
    if named_file:
        found[plain] = _Given(read_secret(Path(str(value)), where), where)
    else:
        found[key] = _Given(value, where)


def _is_secret(key: str) -> bool:
    field = Settings.model_fields.get(key)
    return field is not None and SecretStr in get_args(field.annotation)


def _line(problem: Any, given: Mapping[str, _Given]) -> str:
    key = str(problem["loc"][0])
    entry = given[key]
    hidden = _is_secret(key) or "password" in problem["msg"]
    value = MASK if hidden else Redactor().text(repr(entry.value))
    message = problem["msg"].removeprefix("Value error, ")
    return f"{entry.where} = {value}: {message}{_range(Settings.model_fields[key])}"


def _range(field: FieldInfo) -> str:
    low = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
    high = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    return "" if low is None and high is None else f" (range {low} to {high})"

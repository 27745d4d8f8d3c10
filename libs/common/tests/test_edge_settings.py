"""Settings: precedence, secret files, and errors that name place, key, value and range."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_common.edge.secretfile import read_secret, write_secret
from contango_common.edge.settings import Settings, load_settings


def yaml_file(folder: Path, text: str) -> Path:
    path = folder / "deploy.yaml"
    path.write_text(text)
    return path


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secret"
    write_secret(path, text)
    path.chmod(mode)
    return path


def test_defaults_need_nothing() -> None:
    settings = load_settings(environ={})
    assert settings == Settings()
    assert settings.http_host == "127.0.0.1"
    assert settings.gateway_host == "127.0.0.1"
    assert settings.postgres_conninfo() is None
    assert settings.blocks == Path("run/blocks")


def test_environment_wins_over_file(tmp_path: Path) -> None:
    path = yaml_file(tmp_path, "http_port: 9100\nrun_dir: here\npostgres_fsync: false\n")
    settings = load_settings(path, {"CONTANGO_HTTP_PORT": "9200", "PATH": "/bin"})
    assert (settings.http_port, settings.run_dir, settings.postgres_fsync) == (9200, Path("here"), False)


@given(port=st.integers())
def test_ports_are_taken_or_refused_by_range(port: int) -> None:
    environ = {"CONTANGO_HTTP_PORT": str(port)}
    if 0 <= port <= 65535:
        assert load_settings(environ=environ).http_port == port
    else:
        with pytest.raises(UserError, match=r"environment: CONTANGO_HTTP_PORT = .*\(range 0 to 65535\)"):
            load_settings(environ=environ)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http_port: 70000", ["deploy.yaml: http_port = 70000", "range 0 to 65535"]),
        ("http_port: many", ["deploy.yaml: http_port = 'many'", "integer"]),
        ("log_level: loud", ["log_level = 'loud'", "'DEBUG', 'INFO'"]),
        ("nats_sync_interval: soon", ["nats_sync_interval = 'soon'", "always"]),
        ("max_loss_usd: 5", ["deploy.yaml: max_loss_usd: unknown key; known are run_dir"]),
        ("- a\n- b", ["deploy.yaml: holds a list"]),
        ("http_port: [", ["deploy.yaml: line ", "not valid YAML"]),
        ("http_port: 70000\ngateway_port: -1", ["http_port = 70000", "; ", "gateway_port = -1"]),
        ("nats_token: abc", ["nats_token: secrets come from files", "nats_token_file"]),
        ("nats_token_file: /does/not/exist", ["nats_token_file", "No such file", "name a readable"]),
        ("nats_url: localhost", ["nats_url = 'localhost'", "nats://host:port"]),
        ("postgres_dsn: 'nonsense here'", ["postgres_dsn = ", "postgresql://user@host:port/database"]),
    ],
)
def test_errors_are_one_line_with_place_key_value_and_cure(tmp_path: Path, text: str, parts: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        load_settings(yaml_file(tmp_path, text), {})
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_missing_file_and_unknown_variable(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: No such file or directory; name an existing"):
        load_settings(tmp_path / "none.yaml", {})
    with pytest.raises(UserError, match="environment: CONTANGO_HTTP_PROT: unknown key"):
        load_settings(environ={"CONTANGO_HTTP_PROT": "1"})
    load_settings(environ={"CONTANGO_TEST_DSN": "x", "CONTANGO_NATS_SERVER": "y"})


def test_secrets_come_from_files_and_stay_hidden(tmp_path: Path) -> None:
    path = secret_file(tmp_path, "p@ss word/1\n")
    environ = {
        "CONTANGO_POSTGRES_DSN": "postgresql://joe@db:5433/book",
        "CONTANGO_POSTGRES_PASSWORD_FILE": str(path),
        "CONTANGO_NATS_TOKEN_FILE": str(path),
    }
    settings = load_settings(environ=environ)
    assert settings.nats_login() == {"token": "p@ss word/1"}
    assert settings.secrets().count("p@ss word/1") == 2
    conninfo = settings.postgres_conninfo()
    assert conninfo is not None
    assert "password='p@ss word/1'" in conninfo.get_secret_value()
    for shown in (repr(settings), str(settings), str(conninfo), settings.model_dump_json()):
        assert "p@ss" not in shown


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CONTANGO_POSTGRES_DSN", "postgresql://joe:hunter2@db/book"),
        ("CONTANGO_NATS_URL", "nats://joe:hunter2@bus:4222"),
        ("CONTANGO_GATEWAY_TOKEN", "hunter2"),
    ],
)
def test_credentials_in_plain_are_refused_and_not_repeated(key: str, value: str) -> None:
    with pytest.raises(UserError) as caught:
        load_settings(environ={key: value})
    assert key in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secret_files_must_be_private_and_full(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="readable by everybody; run chmod 600"):
        read_secret(secret_file(tmp_path, "x", 0o644), "token")
    assert read_secret(secret_file(tmp_path, "x", 0o640), "token").get_secret_value() == "x"
    with pytest.raises(UserError, match="is empty"):
        read_secret(secret_file(tmp_path, "\n"), "token")
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        read_secret(tmp_path / "secret", "token")


def test_writing_a_secret_closes_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old and long")
    path.chmod(0o666)
    write_secret(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == "new"

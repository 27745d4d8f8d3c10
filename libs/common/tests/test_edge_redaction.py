"""Planted secrets appear in no output, and a log line never raises."""

import base64
import io
import json
import logging
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from contango_common.edge.logs import JsonHandler, fields
from contango_common.edge.redact import Redactor

SECRET = 'pl@nted "s\\ecret"/ü\n1'
secrets = st.text(st.characters(exclude_categories=("Cs",)), min_size=4, max_size=24).filter(
    lambda text: len(set(text)) > 2 and "*" not in text
)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(out: io.StringIO) -> logging.Logger:
    logger = logging.Logger("contango.redaction-test")
    logger.addHandler(JsonHandler("risk", Redactor([SECRET]), out))
    return logger


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def spellings(secret: str) -> list[str]:
    return [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]]


def test_a_line_has_the_agreed_keys(log: logging.Logger, out: io.StringIO) -> None:
    log.info("started on %d", 4222, extra=fields(port=4222, ratio=0.5, ok=True, none=None))
    [line] = lines(out)
    assert line.pop("ts").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "service": "risk",
        "logger": "contango.redaction-test",
        "msg": "started on 4222",
        "fields": {"port": 4222, "ratio": 0.5, "ok": True, "none": None},
    }


def test_planted_secret_is_in_no_place_of_a_line(log: logging.Logger, out: io.StringIO) -> None:
    log.info("a " + SECRET)
    log.info("b %s", SECRET)
    log.info("c %r", {"x": SECRET})
    log.info("d", extra=fields(x=SECRET, deep={"y": [SECRET, (SECRET, {SECRET})], SECRET: 1}))
    log.info("e", extra=fields(x=SecretStr(SECRET), url=f"nats://joe:{quote(SECRET, safe='')}@bus"))
    log.info("f", extra=fields(obj=ValueError(SECRET), raw=SECRET.encode()))
    try:
        raise ValueError(SECRET) from KeyError(SECRET)
    except ValueError:
        log.exception("g")
    log.info(SECRET, SECRET, SECRET)  # arguments that do not fit
    assert len(lines(out)) == 8
    for form in spellings(SECRET):
        assert form not in out.getvalue()
        assert json.dumps(form)[1:-1] not in out.getvalue()


@given(secret=secrets, before=st.text(max_size=10), after=st.text(max_size=10))
def test_registered_secrets_never_pass(secret: str, before: str, after: str) -> None:
    redactor = Redactor([SecretStr(secret)])
    for form in spellings(secret):
        assert form not in redactor.text(f"{before}{form}{after}")
    assert secret not in json.dumps(redactor.data({"k": [secret, {"d": secret}]}), ensure_ascii=False)


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "PASSWORD: hunter2",
        "'api_key': 'hunter2'",
        '{"token": "hunter2", "x": 1}',
        "X-Api-Key=hunter2&y=2",
        "client_secret = hunter2",
        "postgresql://joe:hunter2@db:5432/book",
        "nats://hunter2@bus",
        "Authorization: Bearer hunter2",
        "sent Bearer hunter2 to them",
        "Authorization: Basic " + base64.b64encode(b"joe:hunter2").decode(),
        "host=db user=joe password=hunter2 dbname=book",
        "CONTANGO_NATS_TOKEN=hunter2",
    ],
)
def test_what_looks_like_a_secret_is_masked_without_being_known(text: str) -> None:
    masked = Redactor().text(text)
    assert "hunter2" not in masked
    assert base64.b64encode(b"joe:hunter2").decode() not in masked
    assert "**" in masked


@pytest.mark.parametrize("key", ["password", "nats_token", "apiKey", "API-KEY", "db.secret", "passwords", "Cookie"])
def test_telling_keys_hide_any_value(key: str) -> None:
    assert Redactor().data({key: {"deep": ["hunter2"]}, "port": 1}) == {key: "**", "port": 1}


@pytest.mark.parametrize("text", ["strike 4200, expiry 20260320", "tokens: none", "keyboard=1", "a: b = c"])
def test_ordinary_words_stay(text: str) -> None:
    kept = Redactor().text(text)
    assert kept.split()[0] == text.split()[0]
    assert "4200" in kept or "strike" not in text


@given(data=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8))
def test_any_data_becomes_one_json_line(data: Any) -> None:
    out = io.StringIO()
    handler = JsonHandler("risk", Redactor(), out)
    record = logging.LogRecord("x", logging.INFO, "", 0, "m", None, None)
    record.fields = {"data": data}
    handler.emit(record)
    assert handler.dropped == 0
    assert out.getvalue().count("\n") == 1
    json.loads(out.getvalue())


def test_nothing_raises(log: logging.Logger, out: io.StringIO) -> None:
    loop: list[Any] = []
    loop.append(loop)
    log.info("%d", "not a number")
    log.info("x %s", Unprintable())
    log.info("x", extra=fields(obj=Unprintable(), loop=loop, big=2**200, odd={1: 2, None: 3}, lone="\ud800"))
    log.info("lone \ud800")
    try:
        raise RuntimeError(Unprintable())
    except RuntimeError:
        log.exception("x")
    assert len(lines(out)) == 5


def test_a_broken_stream_is_counted_not_raised() -> None:
    out = io.StringIO()
    handler = JsonHandler("risk", Redactor(), out)
    out.close()
    handler.handle(logging.LogRecord("x", logging.INFO, "", 0, "m", None, None))
    assert handler.dropped == 1


PROGRAM = """
import logging, sys, threading, warnings
from contango_common.edge.logs import configure, get_logger
secret = sys.stdin.read()
redactor = configure("risk", secrets=[secret])
redactor.register("learned-later")
get_logger("a").info("x " + secret + " learned-later")
logging.getLogger("somebody.elses").warning("y %s", secret)
warnings.warn("z " + secret)
thread = threading.Thread(target=lambda: int(secret)); thread.start(); thread.join()
class Late:
    def __del__(self): raise ValueError(secret)
Late()
int(secret)
"""


def test_whole_program_leaks_nothing_on_its_way_out() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=SECRET, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    for form in [*spellings(SECRET), "learned-later"]:
        assert form not in done.stderr
    shown = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in shown] == [
        "INFO",
        "WARNING",
        "WARNING",
        *["CRITICAL"] * 3,
    ]
    assert "ValueError" in shown[-1]["error"]

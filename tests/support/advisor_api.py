"""A chat-completions API on a free port of this machine that answers as it is told, well or badly."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[BaseHTTPRequestHandler], None]
GOOD = '{"stance": "favourable", "confidence": 0.75, "note": "IV rank 60 and a calm regime."}'


@dataclass
class Api:
    """``asked`` are the requests that arrived (headers in lower case, body); each takes the next of ``script``.

    The last behaviour of the script stays. ``over`` is set when the server goes away: what hangs ends then.
    """

    script: list[Behaviour]
    asked: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def next(self) -> Behaviour:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def completion(text: Any) -> bytes:
    """A reply as such APIs wrap it."""
    return json.dumps({"id": "x", "choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


def body(data: bytes, status: int = 200, **headers: str) -> Behaviour:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"content-length": str(len(data)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


def says(text: Any) -> Behaviour:
    return body(completion(text))


def status(code: int, **headers: str) -> Behaviour:
    return body(b'{"error": "no"}', code, **headers)


def hangs(request: BaseHTTPRequestHandler) -> None:
    request.server.api.over.wait()  # type: ignore[attr-defined]


def drips(request: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for ever: never silent, never done."""
    request.send_response(200)
    request.end_headers()
    while not request.server.api.over.wait(0.01):  # type: ignore[attr-defined]
        request.wfile.write(b" ")
        request.wfile.flush()


def pours(request: BaseHTTPRequestHandler) -> None:
    """An answer without an end, as fast as it is taken."""
    request.send_response(200)
    request.end_headers()
    while not request.server.api.over.is_set():  # type: ignore[attr-defined]
        request.wfile.write(b" " * 16_384)


def breaks_off(request: BaseHTTPRequestHandler) -> None:
    """Promises more than it sends."""
    request.send_response(200)
    request.send_header("content-length", "1000")
    request.end_headers()
    request.wfile.write(b'{"choices"')


def echoes_the_key(request: BaseHTTPRequestHandler) -> None:
    """A note that holds the key: plain, with an invisible character in its middle, and across a cut at 600."""
    key = request.headers["authorization"].removeprefix("Bearer ")
    shown = f"key {key} and {key} "
    hidden = f"key {key} and {key[:4]}\u200b{key[4:]} "
    note = hidden + "x" * (588 - len(shown)) + key + " y" * 100
    says(json.dumps({"stance": "neutral", "confidence": 0.5, "note": note}))(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        api: Api = self.server.api  # type: ignore[attr-defined]
        data = self.rfile.read(int(self.headers.get("content-length", "0")))
        api.asked.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(data)))
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked may have gone away
            api.next()(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(*script: Behaviour) -> Iterator[Api]:
    """The API, alive inside the block."""
    api = Api(list(script))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.api = api  # type: ignore[attr-defined]
    api.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.over.set()
        server.shutdown()
        server.server_close()
        thread.join()

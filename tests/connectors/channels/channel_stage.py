"""A provider at the wire: real sockets on this machine that say what a test scripts, and do it badly."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors.base import OutgoingMessage
from connectors.transport import Limits

QUICK = Limits(connect_seconds=1, read_seconds=0.15, total_seconds=0.3, max_bytes=100_000)
DRIPS = 50_000


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))


@dataclass(frozen=True)
class Reply:
    """What goes back, as documented."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def raw(self) -> bytes:
        content = self.body if isinstance(self.body, bytes) else b""
        if self.body is not None and not isinstance(self.body, bytes):
            content = json.dumps(self.body).encode()
        lines = [f"HTTP/1.1 {self.status} Said", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


Script = Callable[[socket.socket], None]
Answer = Callable[[Request], Reply | Script]


@dataclass
class Stage:
    """The provider. `answer` may be changed by a test; `requests` is what came in so far."""

    url: str
    answer: Answer
    requests: list[Request] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def says(self, *replies: Reply | Script) -> None:
        """Give these answers in turn, the last one for ever."""
        left = list(replies)
        self.answer = lambda _request: left.pop(0) if len(left) > 1 else left[0]

    def hang(self, _connection: socket.socket) -> None:
        """Say nothing until the test is over."""
        self.ended.wait(10)

    @property
    def only(self) -> Request:
        [request] = self.requests
        return request


def reset(connection: socket.socket) -> None:
    """Cut the connection off as a crashed machine does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(_connection: socket.socket) -> None:
    """End the connection without a word."""


def truncate(connection: socket.socket) -> None:
    """End it in the middle of a good answer."""
    connection.sendall(
        b'HTTP/1.1 202 Accepted\r\nX-Message-Id: m1\r\nContent-Length: 100\r\n\r\n{"sid": "SM1'
    )


def truncate_head(connection: socket.socket) -> None:
    """End it in the middle of the answer's head."""
    connection.sendall(b"HTTP/1.1 202 Accepted\r\nX-Mess")


def drip(connection: socket.socket) -> None:
    """A good answer that never ends."""
    connection.sendall(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m1\r\nContent-Length: 50000\r\n\r\n")
    for _ in range(DRIPS):
        connection.sendall(b"x")


def nonsense(connection: socket.socket) -> None:
    """Something that is no HTTP at all."""
    connection.sendall(b"220 mail.example ESMTP\r\n")


class LeapingClock:
    """A monotonic clock that every look moves on by ten seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


@contextmanager
def running(answer: Answer) -> Iterator[Stage]:
    """A provider that listens."""
    server = _Server(("127.0.0.1", 0), _Handler)
    stage = Stage(f"http://127.0.0.1:{server.server_address[1]}", answer)
    server.stage = stage
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    yield stage
    stage.ended.set()
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def unused_url() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def mail(**changes: Any) -> OutgoingMessage:
    """A mail as the outbox renders it."""
    told: dict[str, Any] = {
        "message_id": "4711",
        "channel": "email",
        "to_address": "anna.bianchi@example.com",
        "from_address": "ciao@bottega.example",
        "from_name": "Bottega",
        "subject": "Ciao Anna",
        "text": "Buongiorno",
        "html": "<p>Buongiorno</p>",
        "headers": {
            "List-Unsubscribe": "<https://app.example/u/t0ken>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "labels": ("welcome", "W1"),
    }
    return OutgoingMessage(**{**told, **changes})


def sms(**changes: Any) -> OutgoingMessage:
    """A text message as the outbox renders it."""
    told: dict[str, Any] = {
        "message_id": "4712",
        "channel": "sms",
        "to_address": "+393331234567",
        "from_address": "Bottega",
        "from_name": "Bottega",
        "subject": "",
        "text": "Bottega: buon compleanno! Stop: https://b.example/s/x",
        "html": None,
    }
    return OutgoingMessage(**{**told, **changes})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    stage: Stage


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, dict(self.headers), body)
        self.server.stage.requests.append(request)
        said = self.server.stage.answer(request)
        if isinstance(said, Reply):
            self.wfile.write(said.raw())
            return
        self.close_connection = True
        try:
            said(self.connection)
        except OSError:
            return

    do_GET = do_POST = do_PATCH = _serve

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            return

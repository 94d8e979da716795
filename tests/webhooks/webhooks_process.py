"""A serving process of its own, and a client that speaks to it over a bare socket."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.webhooks.webhooks_providers import public_key, signing_key

ROOT = Path(__file__).parents[2]
CLIENT_SECRET = "the secret of the app"
ENCRYPTION_KEY = "dGhpcnR5LXR3byBieXRlcyBvZiB0aGUgdGVzdHMgISE="
OPERATORS_KEY = signing_key(4710)
SETTINGS = {
    "SECRET_KEY": "signing-key-of-the-tests",
    "ENCRYPTION_KEYS": ENCRYPTION_KEY,
    "SHOPIFY_CLIENT_SECRET": CLIENT_SECRET,
    "ALLOW_PRIVATE_STORES": "1",
    "LOG_LEVEL": "WARNING",
    "SENDGRID_WEBHOOK_PUBLIC_KEY": public_key(OPERATORS_KEY),
}
EMBEDDED, HOSTED = ("--worker", "none"), ("--hosted",)
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What came back. `status` is 0 when the connection ended without an answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Serving:
    """A running `ritorno serve`."""

    process: "subprocess.Popen[bytes]"
    port: int
    database_url: str

    def post(self, path: str, headers: Headers, body: bytes) -> Answer:
        """Post a body of a known length."""
        lines = [("Content-Length", str(len(body))), *headers]
        return exchange(self.port, head("POST", path, lines) + body)

    def kill(self) -> None:
        """End it as kill -9 does, with everything that it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(
    database_url: str,
    arguments: Sequence[str],
    folder: Path,
    *,
    port: int = 0,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Serving]:
    """A serving process for the time of a block, ready to answer."""
    port = port or free_port()
    own = {"PYTHONPATH": str(ROOT), "DATABASE_URL": database_url}
    with (folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli.entry", "serve", "--port", str(port), *arguments],
            cwd=folder,
            env={**os.environ, **SETTINGS, **own, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    found = Serving(process, port, database_url)
    try:
        _wait_until_up(found, folder)
        yield found
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                found.kill()


def head(method: str, path: str, headers: Headers) -> bytes:
    """The first part of a request; header names go out as they are written."""
    lines = [f"{method} {path} HTTP/1.1", "Host: shop.test", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def exchange(port: int, request: bytes) -> Answer:
    """Send raw bytes and read the answer to its end, also of a server that hangs up in the middle."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return _read(connection)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def pause(seconds: float) -> None:
    """Let other processes go on."""
    threading.Event().wait(seconds)


def _read(connection: socket.socket) -> Answer:
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    first, _, body = received.partition(b"\r\n\r\n")
    lines = first.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
    pairs = (line.partition(":")[::2] for line in lines[1:])
    return Answer(status, {name.lower(): value.strip() for name, value in pairs}, body)


def _wait_until_up(found: Serving, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and found.process.poll() is None:
        with suppress(OSError):
            if exchange(found.port, head("GET", "/healthz", [])).status == 200:
                return
        pause(_POLL_SECONDS)
    raise RuntimeError(f"serve did not come up: {(folder / 'serve.log').read_text()[-2000:]}")

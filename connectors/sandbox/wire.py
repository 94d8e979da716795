"""HTTP to the app over a few keep-alive connections, all driven by one thread.

A request goes out as one piece over the socket of an http.client connection, and the next one is made
while the app still works on it: several times the rate of http.client's own request methods, without
the cost of threads that wait for each other. Of an answer only the status counts: what http.client makes
of its headers took a fourth of the time in which a world's deliveries cross.
"""

import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead, RemoteDisconnected
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10.0
_OLD = "HTTP/1.0"
_END = b"\r\n"
_BLANK = (_END, b"\n", b"")
_BODILESS = (204, 304)


class UnreachableError(Exception):
    """The app gave no answer: it is down, or went down in the middle."""


class Request(NamedTuple):
    """One request; header names are sent as written."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class Target(NamedTuple):
    """Where a topic's deliveries go: the URL, the signing secret, the webhook's id (0: Shopify)."""

    url: str
    secret: str
    webhook_id: int


class Lane:
    """One connection at a time to one server, kept open between requests. Redirects are not followed."""

    def __init__(self) -> None:
        self._connection: HTTPConnection | None = None
        self._answers: BinaryIO | None = None
        self._server = ("", "")
        self._is_reused = False
        self._method = ""
        self._raw = b""

    def fileno(self) -> int:
        """The socket's number, to wait on for the answer; -1 while closed."""
        sock = self._connection.sock if self._connection else None
        return sock.fileno() if sock else -1

    def start(self, request: Request) -> None:
        """Send a request.

        Raises:
            UnreachableError: the server takes no connection.
        """
        parts = urlsplit(request.url)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        self._method, self._raw = request.method, _raw(request, parts.netloc, target)
        self._is_reused = self._server == (parts.scheme, parts.netloc) and self.fileno() >= 0
        self._server = (parts.scheme, parts.netloc)
        if self._connection and self._is_reused:
            try:
                self._connection.sock.sendall(self._raw)
                return
            except OSError:
                self._is_reused = False
        self._send_afresh()

    def finish(self) -> int:
        """Wait for the answer and give its status; a kept connection that had died is replaced once.

        Raises:
            UnreachableError: no answer, also not over a fresh connection.
        """
        try:
            return self._read()
        except (OSError, HTTPException, ValueError) as error:
            if not self._is_reused:
                self.close()
                raise UnreachableError(f"{self._server[1]}: {error!r}") from error
        self._is_reused = False
        self._send_afresh()
        return self.finish()

    def abandon(self) -> None:
        """Give up the request under way: `finish` will say that there was no answer."""
        self.close()
        self._is_reused = False

    def close(self) -> None:
        """Close the connection."""
        if self._answers:
            self._answers.close()
        if self._connection:
            self._connection.close()
        self._answers = self._connection = None

    def _send_afresh(self) -> None:
        self.close()
        scheme, netloc = self._server
        try:
            self._connection = _connection(scheme, netloc)
            self._connection.connect()
            self._answers = self._connection.sock.makefile("rb")
            self._connection.sock.sendall(self._raw)
        except OSError as error:
            self.close()
            raise UnreachableError(f"{netloc}: {error!r}") from error

    def _read(self) -> int:
        if self._answers is None:
            raise TimeoutError("no answer in time")
        version, status, headers = _read_head(self._answers)
        is_last = not _read_body(self._answers, status, headers, self._method)
        if is_last or version == _OLD or headers.get("connection", "").lower() == "close":
            self.close()
        return status


def _read_head(answers: BinaryIO) -> tuple[str, int, dict[str, str]]:
    """The version, the status and the headers, under lower-case names.

    Raises:
        HTTPException: the server hung up, or what it says is no HTTP.
    """
    line = answers.readline()
    if not line:
        raise RemoteDisconnected("closed without an answer")
    version, _, rest = line.decode("latin-1").partition(" ")
    if not rest[:3].isdigit():
        raise HTTPException(f"no HTTP: {line[:80]!r}")
    headers = {}
    while (line := answers.readline()) not in _BLANK:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return version, int(rest[:3]), headers


def _read_body(answers: BinaryIO, status: int, headers: Mapping[str, str], method: str) -> bool:
    """Read the body and drop it; False when it ended with the connection, which serves no further request.

    Raises:
        HTTPException: it broke off.
        ValueError: it does not say how long it is.
    """
    if method == "HEAD" or status in _BODILESS:
        return True
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int(answers.readline().partition(b";")[0], 16):
            _skip(answers, size + len(_END))
        while answers.readline() not in _BLANK:
            pass
        return True
    if "content-length" in headers:
        _skip(answers, int(headers["content-length"]))
        return True
    answers.read()
    return False


def _skip(answers: BinaryIO, size: int) -> None:
    read = len(answers.read(size))
    if read < size:
        raise IncompleteRead(b"", size - read)


def _connection(scheme: str, netloc: str) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(netloc, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    return HTTPConnection(netloc, timeout=TIMEOUT_SECONDS)


def _raw(request: Request, netloc: str, target: str) -> bytes:
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {netloc}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body or request.method == "POST":
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + request.body

"""One request and its answer over a connection that stays open, at a fifth of the processor time of urllib3.

The request leaves in one piece. An answer that came whole with the first read and tells its length is read
here; every other one (in chunks, in parts, compressed, the connection's last, not HTTP) by the standard
library and urllib3, which alone decide what is no answer.
"""

import io
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any

from urllib3 import HTTPHeaderDict
from urllib3 import HTTPResponse as DecodedResponse
from urllib3.util import Url

from connectors.answers import Headers, Response
from connectors.transport import NotSent, bounded_body
from connectors.wire import read_timed

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*")
_WHOLE = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [^\r\n]*)?((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*)*)\r\n\r\n"
)
_DIGITS = re.compile(r"[0-9]{1,9}")
_OUT_OF_THE_ORDINARY = ("transfer-encoding", "content-encoding", "connection")
"""Headers by which a body is more than so many bytes, or its connection the last one's."""


@dataclass(frozen=True, slots=True)
class Route:
    """What requests have in common that differ in their bodies alone: the way, and the head, written once."""

    method: str
    where: Url
    head: bytes = field(repr=False)

    def request(self, body: bytes | None) -> bytes:
        """A whole request."""
        if body is None:
            return self.head + b"\r\n"
        return b"%bContent-Length: %d\r\n\r\n%b" % (self.head, len(body), body)


def route(method: str, where: Url, headers: Mapping[str, str]) -> Route:
    """The way of requests that differ in their bodies alone.

    Raises:
        NotSent: a header holds what no header may.
    """
    told = {"Host": _host(where), "Accept-Encoding": "identity", **headers}
    lines = [f"{name}: {value}" for name, value in told.items()]
    if not all(map(_HEADER.fullmatch, lines)):
        raise NotSent("a header has characters that no header may have", permanent=True)
    head = "\r\n".join([f"{method} {where.request_uri} HTTP/1.1", *lines, ""])
    return Route(method, where, head.encode("latin-1"))


class Line:
    """A connection that is open, and what came over it. One call at a time.

    Args:
        connection: one of urllib3's, connected.
        read_seconds: of silence from the other side.
    """

    def __init__(self, connection: Any, read_seconds: float) -> None:
        self._connection = connection
        self._read_seconds = read_seconds
        self._reader: io.BufferedReader | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the other side has neither ended it nor said anything unasked."""
        return bool(self._connection.is_connected)

    def close(self) -> None:
        """End the connection."""
        if self._reader is not None:
            self._reader.close()
        self._connection.close()

    def ask(self, method: str, request: bytes, *, max_bytes: int) -> tuple[Response, bool]:
        """Send a request and read its answer, held to the deadline that is kept (`connectors.wire`).

        Returns:
            the answer, and whether the connection may be used again.

        Raises:
            OSError, HTTPError, HTTPException: there was no answer; the other side may have acted on it.
            ConnectorError: the answer is too large.
        """
        sock = self._connection.sock
        sock.settimeout(self._read_seconds)
        # It may have answered before it had read all.
        with suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(request)
        if self._reader is None:
            self._reader = read_timed(sock)
        found = _whole(self._reader, max_bytes) if method != "HEAD" else None
        return found or self._by_the_book(self._reader, method, max_bytes)

    def _by_the_book(self, reader: io.BufferedReader, method: str, max_bytes: int) -> tuple[Response, bool]:
        # It closes what it read from; the connection itself stays open.
        self._reader = None
        # It asks what it calls a socket for a reader, and for nothing else.
        raw = HTTPResponse(_Opened(reader), method=method)  # type: ignore[arg-type]
        raw.begin()
        answer = DecodedResponse(
            raw,
            HTTPHeaderDict(raw.headers.items()),
            raw.status,
            preload_content=False,
            original_response=raw,
            request_method=method,
        )
        content = bounded_body(answer, max_bytes)
        return Response(answer.status, answer.headers, content), not raw.will_close


class _Opened:
    """What http.client takes for a socket."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self._reader


def _whole(reader: io.BufferedReader, max_bytes: int) -> tuple[Response, bool] | None:
    """The answer, if it is all there by now and of the plain kind; else nothing was taken from the reader.

    A connection that brought more than its answer is not to be used again.
    """
    held = reader.peek()
    head = _WHOLE.match(held)
    if head is None:
        return None
    headers = Headers(line.partition(":")[::2] for line in head[2].decode("latin-1").split("\r\n")[1:])
    length = headers.get("content-length", "")
    if not _DIGITS.fullmatch(length) or any(name in headers for name in _OUT_OF_THE_ORDINARY):
        return None
    end = head.end() + int(length)
    if int(length) > max_bytes or len(held) < end:
        return None
    reader.read(end)
    return Response(int(head[1]), headers, held[head.end() : end]), len(held) == end


def _host(where: Url) -> str:
    is_usual = where.port is None or where.port == _DEFAULT_PORTS[str(where.scheme)]
    return str(where.host) if is_usual else f"{where.host}:{where.port}"

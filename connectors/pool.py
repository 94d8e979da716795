"""The way out to those who send for us: `ProviderPool`, kept-open connections of the standard library.

A mail is one call, and calls are most of what sending costs: urllib3's layers took as long again as the call.
What they give beside it is not asked of a provider: no call is tried twice or redirected, and compressed
answers are not asked for.
"""

import json
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from weakref import finalize

from urllib3 import HTTPHeaderDict
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url, wait_for_read

from connectors.answers import Response
from connectors.base import ConnectorError
from connectors.transport import Limits, NotSent
from connectors.wire import Deadline, TimedResponse, kept


class ProviderPool:
    """Keep-alive HTTP to a provider that the operator chose; safe to share between threads.

    Args:
        connections: kept open per host.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        connections: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._idle: defaultdict[_Origin, deque[HTTPConnection]] = defaultdict(deque)
        self._most_idle = connections
        # Channels are dropped as they are, when others are used more.
        finalize(self, _close, self._idle)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send one request, never twice, and read the whole answer, whatever its status.

        Raises:
            NotSent: the request never left.
            ConnectorError: anything else; the provider may have acted on the request.
        """
        target = _target(url)
        deadline = Deadline(self._clock() + self._limits.total_seconds, self._clock)
        connection = self._taken(target.origin)
        try:
            with kept(deadline):
                # Who refuses a body may answer and hang up before it is sent: the answer counts.
                with suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(method, target.path, body, headers or {})
                answer = connection.getresponse()
                content = _read(answer, self._limits.max_bytes)
        except (OSError, HTTPException) as error:
            connection.close()
            # The cause is cut off: its text may hold the address, its traceback would be stored.
            raise ConnectorError(f"no usable answer ({type(error).__name__})") from None
        except ConnectorError:
            connection.close()
            raise
        self._keep(target.origin, connection)
        return Response(answer.status, HTTPHeaderDict(answer.headers.items()), content)

    def post_json(self, url: str, payload: object, headers: Mapping[str, str] | None = None) -> Response:
        """Post JSON; see `request`."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.request("POST", url, headers=sent, body=json.dumps(payload).encode())

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Get; see `request`."""
        return self.request("GET", url, headers=headers)

    def close(self) -> None:
        """Close the connections kept open."""
        _close(self._idle)

    def _taken(self, origin: "_Origin") -> HTTPConnection:
        """A connection that is open and nobody else's: the one used last, which is the likeliest to live."""
        idle = self._idle[origin]
        while (connection := _last(idle)) is not None:
            # What can be read before anything was asked is the end of the connection.
            if not wait_for_read(connection.sock, timeout=0):
                connection.sock.settimeout(self._limits.read_seconds)
                return connection
            connection.close()
        return self._opened(origin)

    def _opened(self, origin: "_Origin") -> HTTPConnection:
        seconds = self._limits.connect_seconds
        connection: HTTPConnection = (
            _TlsConnection(origin.host, origin.port, timeout=seconds, context=self._tls)
            if origin.scheme == "https"
            else _PlainConnection(origin.host, origin.port, timeout=seconds)
        )
        try:
            connection.connect()
        except UnicodeError:
            raise NotSent("the address cannot be called", permanent=True) from None
        except OSError:
            connection.close()
            raise NotSent("no connection") from None
        connection.sock.settimeout(self._limits.read_seconds)
        return connection

    def _keep(self, origin: "_Origin", connection: HTTPConnection) -> None:
        idle = self._idle[origin]
        if connection.sock is None or len(idle) >= self._most_idle:
            connection.close()
        else:
            idle.append(connection)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once: it reads every authority that the system trusts."""
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context


class _Origin(NamedTuple):
    """Where a connection leads."""

    scheme: str
    host: str
    port: int | None


class _Target(NamedTuple):
    """What is asked of whom."""

    origin: _Origin
    path: str


class _PlainConnection(HTTPConnection):
    response_class = TimedResponse


class _TlsConnection(HTTPSConnection):
    response_class = TimedResponse


def _last(idle: deque[HTTPConnection]) -> HTTPConnection | None:
    try:
        return idle.pop()
    except IndexError:
        return None


def _close(idle: dict[_Origin, deque[HTTPConnection]]) -> None:
    while idle:
        _, connections = idle.popitem()
        for connection in connections:
            connection.close()


@lru_cache(maxsize=256)
def _target(url: str) -> _Target:
    """Where a URL leads.

    Raises:
        NotSent: nowhere.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise NotSent("the address cannot be called", permanent=True) from None
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise NotSent("the address cannot be called", permanent=True)
    return _Target(_Origin(parts.scheme, parts.host.strip("[]"), parts.port), parts.request_uri)


def _read(answer: HTTPResponse, max_bytes: int) -> bytes:
    """The whole body.

    Raises:
        ConnectorError: it is larger than that.
    """
    # Of a body whose length was told the whole is read, so that one that ends too early is noticed.
    is_told = answer.length is not None and answer.length <= max_bytes
    content = answer.read() if is_told else answer.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ConnectorError("the answer is too large", permanent=True, status=answer.status)
    return content

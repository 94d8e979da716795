"""Connections that keep a deadline and, where asked, open to public addresses only.

Both transports build on these. The checks sit where the socket is opened and read, so that nothing
above (a redirect, a second look-up of the name, a body that drips) can walk around them.
"""

import http.client
import io
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

WEB_PORTS = (80, 443)
"""The only ports of a store that is not allowed to be private."""


class AddressRefused(NewConnectionError):
    """The host leads to an address or a port that a store may not have."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The instant, in seconds of a monotonic `clock`, at which a call is over whatever arrives."""

    at: float
    clock: Callable[[], float]

    def remaining_seconds(self) -> float:
        """How long the call may still take.

        Raises:
            TimeoutError: nothing is left.
        """
        left = self.at - self.clock()
        if left <= 0:
            raise TimeoutError("the call took longer than it may")
        return left


@contextmanager
def kept(deadline: Deadline) -> Iterator[None]:
    """Hold every connection used inside to the deadline."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def use_timed_connections(pools: PoolManager, *, only_public: bool) -> None:
    """Make a pool manager open only connections of this module."""
    pools.pool_classes_by_scheme = (
        {"http": _PublicPlainPool, "https": _PublicTlsPool}
        if only_public
        else {"http": _PlainPool, "https": _TlsPool}
    )


def opened(scheme: str, host: str, port: int | None, *, connect_seconds: float) -> HTTPConnection:
    """A connection of this module that is open, to whatever address; so many seconds for each tried.

    Raises:
        OSError, HTTPError: it could not be opened.
    """
    kind = _TlsConnection if scheme == "https" else _PlainConnection
    connection = kind(host, port, timeout=connect_seconds)
    try:
        connection.connect()
    except (OSError, HTTPError):
        connection.close()
        raise
    return connection


def read_timed(sock: socket.socket) -> io.BufferedReader:
    """A reader of a socket that is held to the deadline in whose `kept` it reads.

    Leave the socket its time-out of a single read when this is called.
    """
    return io.BufferedReader(_TimedRaw(socket.SocketIO(sock, "r"), sock))


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)

# The old site-local block, which ipaddress calls global although no public host can have it.
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
_NEVER_PUBLIC = (*EXTRA_BLOCKED_NET_RANGES, _SITE_LOCAL)


class _TimedRaw(io.RawIOBase):
    """Gives each read of a socket no more time than the whole call has left.

    A socket's own time-out starts again with every byte, so a peer that drips one byte at a time
    would hold a worker for ever.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._read_seconds = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]
        deadline = _current.get()
        if deadline is not None:
            left = deadline.remaining_seconds()
            self._sock.settimeout(left if self._read_seconds is None else min(left, self._read_seconds))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """An answer that is read no longer than the deadline in whose `kept` it is read."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel=debuglevel, method=method, url=url)
        self.fp = io.BufferedReader(_TimedRaw(self.fp.detach(), sock))


class _PlainConnection(HTTPConnection):
    response_class = _TimedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _TimedResponse

    def connect(self) -> None:
        try:
            super().connect()
        except (ssl.SSLError, TimeoutError) as error:
            # Nothing of the request has left yet: the caller may try again without a doubt.
            raise NewConnectionError(self, "no TLS connection") from error


class _PublicPlainConnection(_PlainConnection):
    def _new_conn(self) -> socket.socket:
        return _open_public(self)


class _PublicTlsConnection(_TlsConnection):
    def _new_conn(self) -> socket.socket:
        return _open_public(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _PublicPlainPool(HTTPConnectionPool):
    ConnectionCls = _PublicPlainConnection


class _PublicTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTlsConnection


def _open_public(connection: HTTPConnection) -> socket.socket:
    """Resolve once, refuse unless every address is public, connect to one that was checked."""
    if connection.port not in WEB_PORTS:
        raise AddressRefused(connection, "port refused")
    addresses = _resolve(connection)
    if not all(_is_public(address) for address in addresses):
        raise AddressRefused(connection, "address refused")
    failure: OSError | None = None
    for address in addresses:
        try:
            return create_connection(
                (address, connection.port),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            failure = error
    raise NewConnectionError(connection, "no connection") from failure


def _resolve(connection: HTTPConnection) -> list[str]:
    try:
        found = socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, reason) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _NEVER_PUBLIC)

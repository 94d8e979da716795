"""The way out to storefronts: `StoreTransport`. The other one, to those who send for us, is in `pool`.

Both cap the whole call by the clock and the answer by its size, follow no redirect, and put neither
an address nor a secret into a message or a log.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests import PreparedRequest, Request
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, NewConnectionError
from urllib3.response import BaseHTTPResponse

from connectors.answers import Response, Stream
from connectors.base import ConnectorError
from connectors.wire import AddressRefused, Deadline, kept, use_timed_connections

__all__ = ["Limits", "NotSent", "Response", "StoreTransport", "Stream", "bounded_body", "failure_of"]

# urllib3 writes paths with their queries (signatures, codes) to its log, from DEBUG to WARNING.
logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)


class NotSent(ConnectorError):
    """The request certainly never left: no name, no connection, no TLS, or an address refused."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take and how much may come back.

    Attributes:
        connect_seconds: for each address tried.
        read_seconds: of silence from the other side.
        total_seconds: for the whole call, however steadily bytes drip in. Only the look-up of the
            name is left to the system's own limit.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 60.0
    max_bytes: int = 32 * 1024 * 1024


class StoreTransport:
    """HTTP to a store whose address a merchant typed: not to be trusted with our network.

    One instance belongs to one thread. Connections are kept open between calls.

    Args:
        allow_private: lets a store live on a private address and on any port.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._session = _session(self._limits, only_public=not allow_private)
        self._heads: dict[tuple[object, ...], PreparedRequest] = {}

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        json: object = None,
        body: bytes | None = None,
    ) -> Response:
        """Send one request and read the whole answer, whatever its status.

        Args:
            url: with its own query, or without one.
            query: comes behind a URL without one, percent-encoded already.

        Raises:
            NotSent: the request never left.
            ConnectorError: anything else; the other side may have acted on the request.
        """
        limits = self._limits
        try:
            with kept(self._deadline()):
                request = self._head(method, url, headers or {}).copy()
                if query:
                    request.url = f"{request.url}?{query}"
                if body is not None or json is not None:
                    request.prepare_body(body, None, json)
                answer = self._session.send(
                    request, timeout=(limits.connect_seconds, limits.read_seconds), stream=True
                )
                content = bounded_body(answer.raw, limits.max_bytes)
        except (OSError, HTTPError) as error:
            # The cause is cut off: its text holds the address, its traceback would be stored.
            raise failure_of(error) from None
        return Response(status=answer.status_code, headers=answer.headers, body=content)

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Stream]:
        """Get a body of any size, as its bytes stand on the other side, without holding it.

        The limit of a whole call holds for each piece of 256 KiB instead: what drips is cut off.

        Raises:
            NotSent: the request never left.
            ConnectorError: anything else, also while the pieces are read.
        """
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        timeout = (self._limits.connect_seconds, self._limits.read_seconds)
        try:
            with kept(self._deadline()):
                answer = self._session.request("GET", url, headers=sent, timeout=timeout, stream=True)
        except (OSError, HTTPError) as error:
            raise failure_of(error) from None
        try:
            yield Stream(answer.status_code, answer.headers, self._pieces(answer.raw))
        finally:
            answer.close()

    def post_json(self, url: str, payload: object, headers: Mapping[str, str] | None = None) -> Response:
        """Post JSON; see `request`."""
        return self.request("POST", url, headers=headers, json=payload)

    def _head(self, method: str, url: str, headers: Mapping[str, str]) -> PreparedRequest:
        """A request without its body and the changing part of its query: to check one takes long."""
        key = (method, url, *headers.items())
        found = self._heads.get(key)
        if found is None:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            found = self._session.prepare_request(Request(method, url, headers=dict(headers)))
            self._heads[key] = found
        return found

    def _deadline(self) -> Deadline:
        return Deadline(self._clock() + self._limits.total_seconds, self._clock)

    def _pieces(self, answer: BaseHTTPResponse) -> Iterator[bytes]:
        while True:
            try:
                with kept(self._deadline()):
                    piece = answer.read(_PIECE_BYTES)
            except (OSError, HTTPError) as error:
                raise failure_of(error) from None
            if not piece:
                return
            yield piece

    def close(self) -> None:
        """Close the connections kept open."""
        self._session.close()


_MOST_HEADS = 64
_CHUNK_BYTES = 64 * 1024
_PIECE_BYTES = 256 * 1024
_NEVER_SENT = (NewConnectionError, ConnectTimeoutError)
_BAD_REQUEST = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    LocationValueError,
)


class _NoRedirects(HTTPSession):  # type: ignore[misc]
    """requests reads a redirect's body without a limit even if it does not follow it."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _StoreAdapter(HTTPAdapter):
    def __init__(self, *, only_public: bool) -> None:
        self._only_public = only_public
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        use_timed_connections(self.poolmanager, only_public=self._only_public)


def _session(limits: Limits, *, only_public: bool) -> requests.Session:
    # The library's own filter looks at the first address only and logs host and address; ours
    # stands where the socket is opened (connectors.wire).
    config = Config(
        ip_filter_enable=False,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(limits.connect_seconds, limits.read_seconds),
        user_agent_override="Ritorno",
    )
    session: requests.Session = _NoRedirects(config)
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("http://", _StoreAdapter(only_public=only_public))
    session.mount("https://", _StoreAdapter(only_public=only_public))
    return session


def bounded_body(answer: BaseHTTPResponse, max_bytes: int) -> bytes:
    """The whole body; its connection goes back to the pool.

    Raises:
        ConnectorError: it is larger than that.
    """
    content = bytearray()
    try:
        # read1 returns what one read of the socket gave; read would wait for a full chunk.
        while chunk := answer.read1(_CHUNK_BYTES, decode_content=True):
            content += chunk
            if len(content) > max_bytes:
                raise ConnectorError("the answer is too large", permanent=True, status=answer.status)
    except (OSError, HTTPError, ConnectorError):
        answer.close()
        raise
    answer.release_conn()
    return bytes(content)


def failure_of(error: Exception) -> ConnectorError:
    """What a library's error means, without the address that its text may hold."""
    reason = getattr(error.args[0], "reason", error) if error.args else error
    if isinstance(reason, AddressRefused):
        return NotSent("the address is not a public one", permanent=True)
    if isinstance(reason, _NEVER_SENT):
        return NotSent("no connection")
    if isinstance(error, _BAD_REQUEST):
        return NotSent("the address cannot be called", permanent=True)
    return ConnectorError(f"no usable answer ({type(reason).__name__})")

"""The way out to those who send for us: `ProviderPool`, over connections that are kept open."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from http.client import HTTPException
from weakref import finalize

from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from connectors import exact_json
from connectors.answers import Response
from connectors.exchange import Line, Route, route
from connectors.transport import Limits, NotSent, failure_of
from connectors.wire import Deadline, kept, opened

_Origin = tuple[str, str, int | None]


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
        self._connections = connections
        self._clock = clock
        self._resting: dict[_Origin, deque[Line]] = {}
        finalize(self, _close, self._resting)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        may_leave: Callable[[], bool] = lambda: True,
    ) -> Response:
        """Send one request, never twice, and read the whole answer, whatever its status.

        Args:
            may_leave: asked last of all, once the connection stands, for opening one may take seconds.

        Raises:
            NotSent: the request never left.
            ConnectorError: anything else; the provider may have acted on the request.
        """
        return self.send(self.route_to(method, url, headers or {}), body, may_leave)

    def route_to(self, method: str, url: str, headers: Mapping[str, str]) -> Route:
        """The way of requests that differ in their bodies alone, for `send`.

        Raises:
            NotSent: the address leads nowhere, or a header holds what no header may.
        """
        return route(method, _read(url), headers)

    def send(
        self, way: Route, body: bytes | None = None, may_leave: Callable[[], bool] = lambda: True
    ) -> Response:
        """Send one request of a kind; see `request`."""
        limits, where, request = self._limits, way.where, way.request(body)
        with kept(Deadline(self._clock() + limits.total_seconds, self._clock)):
            line = self._line(where)
            is_reusable = False
            try:
                if not may_leave():
                    is_reusable = True
                    raise NotSent("not called: it was not to leave any more")
                answer, is_reusable = line.ask(way.method, request, max_bytes=limits.max_bytes)
            except (OSError, HTTPError, HTTPException) as error:
                # The cause is cut off: its text may hold the address, its traceback would be stored.
                raise failure_of(error) from None
            finally:
                self._put_back(where, line, is_reusable=is_reusable)
        return answer

    def post_json(self, url: str, payload: object, headers: Mapping[str, str] | None = None) -> Response:
        """Post JSON; see `request`."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.request("POST", url, headers=sent, body=exact_json.encoded(payload))

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Get; see `request`."""
        return self.request("GET", url, headers=headers)

    def close(self) -> None:
        """Close the connections kept open."""
        _close(self._resting)

    def _line(self, where: Url) -> Line:
        """A connection that rests and still stands, the last one used first, or else a new one.

        Raises:
            NotSent: there is none to be had.
        """
        origin = _origin(where)
        while (line := _last_of(self._resting.get(origin))) is not None:
            if line.is_usable:
                return line
            line.close()
        try:
            connection = opened(*origin, connect_seconds=self._limits.connect_seconds)
        except (OSError, HTTPError) as error:
            failure = failure_of(error)
            raise failure if isinstance(failure, NotSent) else NotSent("no connection") from None
        return Line(connection, self._limits.read_seconds)

    def _put_back(self, where: Url, line: Line, *, is_reusable: bool) -> None:
        resting = self._resting.setdefault(_origin(where), deque())
        if is_reusable and len(resting) < self._connections:
            resting.append(line)
        else:
            line.close()


def _last_of(lines: deque[Line] | None) -> Line | None:
    try:
        return lines.pop() if lines else None
    except IndexError:
        # Another thread was quicker.
        return None


def _close(resting: dict[_Origin, deque[Line]]) -> None:
    for lines in list(resting.values()):
        while (line := _last_of(lines)) is not None:
            line.close()


def _origin(where: Url) -> _Origin:
    return str(where.scheme), str(where.host), where.port


@lru_cache(maxsize=256)
def _read(url: str) -> Url:
    """The parts of a URL.

    Raises:
        NotSent: it leads nowhere.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise NotSent("the address cannot be called", permanent=True) from None
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise NotSent("the address cannot be called", permanent=True)
    return parts

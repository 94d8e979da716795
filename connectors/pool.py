"""The way out to those who send for us: `ProviderPool`, over urllib3's kept-open connections."""

import json
import time
from collections.abc import Callable, Mapping
from functools import lru_cache

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Retry, Url, parse_url

from connectors.answers import Response
from connectors.transport import Limits, NotSent, bounded_body, failure_of
from connectors.wire import Deadline, kept, use_timed_connections


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
        self._timeout = Timeout(connect=self._limits.connect_seconds, read=self._limits.read_seconds)
        self._pools = PoolManager(maxsize=connections, retries=False)
        use_timed_connections(self._pools, only_public=False)

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
        limits = self._limits
        try:
            with kept(Deadline(self._clock() + limits.total_seconds, self._clock)):
                where = _read(url)
                answer = self._pools.connection_from_host(where.host, where.port, where.scheme).urlopen(
                    method,
                    where.request_uri,
                    body=body,
                    headers=headers or {},
                    retries=_NEVER_AGAIN,
                    redirect=False,
                    assert_same_host=False,
                    timeout=self._timeout,
                    preload_content=False,
                )
                content = bounded_body(answer, limits.max_bytes)
        except (OSError, HTTPError) as error:
            # The cause is cut off: its text may hold the address, its traceback would be stored.
            raise failure_of(error) from None
        return Response(status=answer.status, headers=answer.headers, body=content)

    def post_json(self, url: str, payload: object, headers: Mapping[str, str] | None = None) -> Response:
        """Post JSON; see `request`."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.request("POST", url, headers=sent, body=json.dumps(payload).encode())

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Get; see `request`."""
        return self.request("GET", url, headers=headers)

    def close(self) -> None:
        """Close the connections kept open."""
        self._pools.clear()


_NEVER_AGAIN = Retry(total=False)
"""Made once: urllib3 would make one of a plain False at each call, and say so in its log."""


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

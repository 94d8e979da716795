"""What the pool of connections to a provider does beside what both transports do (`test_transport`)."""

import gc
import gzip
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from connectors.base import ConnectorError
from connectors.pool import ProviderPool
from connectors.transport import Limits, NotSent

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Script = Callable[[socket.socket], None]


class Provider:
    """Follows a script for each connection, in the order in which they come.

    `met` is how many came; `ended` is released for each that is over.
    """

    def __init__(self, *scripts: Script) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/path?q=1"
        self.met = 0
        self.ended = threading.Semaphore(0)
        self.asked: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, args=(scripts,), daemon=True)
        self._thread.start()

    def _serve(self, scripts: tuple[Script, ...]) -> None:
        for script in scripts:
            connection, _ = self._listener.accept()
            self.met += 1
            with connection:
                self.asked.append(connection.recv(65536))
                script(connection)
            self.ended.release()

    def close(self) -> None:
        """Wait for the script's end."""
        self._thread.join(5)
        self._listener.close()


def _says(raw: bytes) -> Script:
    return lambda connection: connection.sendall(raw)


@pytest.fixture
def pool() -> Iterator[ProviderPool]:
    made = ProviderPool(limits=Limits(read_seconds=2, max_bytes=100))
    yield made
    made.close()


def test_a_connection_that_the_provider_ended_is_not_used_again(pool: ProviderPool) -> None:
    provider = Provider(_says(OK), _says(OK))
    first = pool.get(provider.url)
    provider.ended.acquire(timeout=5)

    second = pool.get(provider.url)

    provider.close()
    assert (first.body, second.body, provider.met) == (b"ok", b"ok", 2)


def test_a_provider_that_closes_after_its_answer_is_connected_to_anew(pool: ProviderPool) -> None:
    provider = Provider(*[_says(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwhole")] * 2)

    bodies = [pool.get(provider.url).body for _ in range(2)]

    provider.close()
    assert bodies == [b"whole", b"whole"]


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf",
        b"HTTP/1.1 two\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_is_not_whole_leaves_the_outcome_open(raw: bytes, pool: ProviderPool) -> None:
    provider = Provider(_says(raw), _says(OK))

    with pytest.raises(ConnectorError, match="no usable answer") as failure:
        pool.post_json(provider.url, {})

    assert not isinstance(failure.value, NotSent)
    assert pool.get(provider.url).body == b"ok"
    provider.close()


@pytest.mark.parametrize(
    "head",
    [b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + b"x" * 255 + b"\r\n0\r\n\r\n", b"\r\n" + b"x" * 255],
)
def test_a_body_of_untold_length_is_bounded(head: bytes, pool: ProviderPool) -> None:
    provider = Provider(_says(b"HTTP/1.1 200 OK\r\n" + head))

    with pytest.raises(ConnectorError, match="too large"):
        pool.get(provider.url)

    provider.close()


def test_a_provider_may_answer_before_it_has_read_the_body(pool: ProviderPool) -> None:
    provider = Provider(_says(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))

    answer = pool.request("POST", provider.url, body=bytes(20_000_000))

    provider.close()
    assert answer.status == 413


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\nContent-Encoding: gzip\r\n\r\n"
        + gzip.compress(b"ok", mtime=0),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    ],
)
def test_an_answer_of_any_kind_that_http_has_is_read(raw: bytes, pool: ProviderPool) -> None:
    provider = Provider(_says(raw))

    answer = pool.get(provider.url)

    provider.close()
    assert (answer.status, answer.body) == (200, b"ok")


def test_an_answer_in_parts_is_the_same_as_a_whole_one(pool: ProviderPool) -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-Own: 1\r\nContent-Length: 10\r\n\r\n0123456789"
    never = threading.Event()

    def in_parts(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(len(raw)):
            connection.sendall(raw[number : number + 1])
            never.wait(0.002)

    provider = Provider(in_parts)

    answer = pool.get(provider.url)

    provider.close()
    assert (answer.status, answer.body, answer.headers.get("x-own")) == (200, b"0123456789", "1")


@pytest.mark.parametrize("body", [b"2\r\nok\r\n0\r\n\r\n", b""])
def test_a_connection_is_kept_after_an_answer_that_was_not_plain(body: bytes, pool: ProviderPool) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    first = chunked if body else b"HTTP/1.1 204 Nothing\r\n\r\n"

    def twice(connection: socket.socket) -> None:
        connection.sendall(first)
        connection.recv(65536)
        connection.sendall(OK)

    provider = Provider(twice)

    answers = [pool.get(provider.url).status for _ in range(2)]

    provider.close()
    assert (answers, provider.met) == ([200 if body else 204, 200], 1)


def test_what_came_beside_an_answer_is_no_answer_to_the_next_call(pool: ProviderPool) -> None:
    def twice(connection: socket.socket) -> None:
        connection.sendall(OK + b"HTTP/1.1 500 Old\r\nContent-Length: 0\r\n\r\n")
        connection.recv(65536)

    provider = Provider(twice, _says(OK))
    first = pool.get(provider.url)

    second = pool.get(provider.url)

    provider.close()
    assert (first.status, second.status, provider.met) == (200, 200, 2)


@pytest.mark.parametrize(
    "header",
    [("X-Own", "a\r\nX-More: b"), ("X-Own", "a\nb"), ("X Own", "a"), ("X-Own:", "a"), ("X-Own", "€")],
)
def test_a_header_that_is_none_never_leaves(header: tuple[str, str], pool: ProviderPool) -> None:
    with pytest.raises(NotSent) as failure:
        pool.request("GET", "http://127.0.0.1:1/", headers=dict([header]))

    assert failure.value.permanent


def test_a_server_that_ends_the_talk_about_tls_was_sent_nothing(pool: ProviderPool) -> None:
    provider = Provider(lambda _connection: None)

    with pytest.raises(NotSent):
        pool.get(provider.url.replace("http:", "https:"))

    provider.close()


def test_headers_are_read_without_regard_to_case_and_none_is_lost(pool: ProviderPool) -> None:
    provider = Provider(_says(b"HTTP/1.1 200 OK\r\nX-Own: a\r\nContent-Length:0\r\nx-OWN:\tb \r\n\r\n"))

    headers = pool.get(provider.url).headers

    provider.close()
    assert (headers["X-own"], "x-Own" in headers, "other" in headers) == ("a, b", True, False)
    assert (headers.get("X-OWN"), headers.get("other"), headers.get("other", "-")) == ("a, b", None, "-")
    assert dict(headers) == {"x-own": "a, b", "content-length": "0"}


def test_what_goes_out_says_whom_it_asks_and_for_what(pool: ProviderPool) -> None:
    provider = Provider(_says(OK))

    pool.request("POST", provider.url, headers={"X-Own": "1"}, body=b"")

    provider.close()
    lines = provider.asked[0].decode().split("\r\n")
    assert lines[0] == "POST /path?q=1 HTTP/1.1"
    assert {"Accept-Encoding: identity", "Content-Length: 0", "X-Own: 1"} <= set(lines)


def test_what_goes_one_way_differs_in_its_body_and_its_length_alone(pool: ProviderPool) -> None:
    provider = Provider(_says(OK), _says(OK))
    way = pool.route_to("POST", provider.url, {"X-Own": "1"})

    for body in (b"a", b"much longer"):
        pool.send(way, body)
        pool.close()

    provider.close()
    first, second = (asked.split(b"Content-Length: ") for asked in provider.asked)
    assert first[0] == second[0]
    assert (first[1], second[1]) == (b"1\r\n\r\na", b"11\r\n\r\nmuch longer")


@pytest.mark.parametrize("url", ["ftp://x.example/", "nonsense", "http://", "http://x.example:99999/"])
def test_an_address_that_is_none_was_never_sent(url: str, pool: ProviderPool) -> None:
    with pytest.raises(NotSent) as failure:
        pool.get(url)

    assert failure.value.permanent


def test_what_may_not_leave_once_the_connection_stands_is_not_sent_and_the_connection_kept(
    pool: ProviderPool,
) -> None:
    provider = Provider(_says(OK))
    with pytest.raises(NotSent, match="not to leave"):
        pool.request("POST", provider.url, body=b"{}", may_leave=lambda: False)
    answer = pool.request("POST", provider.url, body=b"[]")
    provider.close()

    assert answer.body == b"ok"
    assert [asked[-2:] for asked in provider.asked] == [b"[]"]
    assert provider.met == 1


def test_a_pool_that_is_dropped_closes_its_connections() -> None:
    ended = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(OK)
        if not connection.recv(1):
            ended.set()

    provider = Provider(answer)
    pool = ProviderPool()
    pool.get(provider.url)

    del pool
    gc.collect()

    provider.close()
    assert ended.is_set()

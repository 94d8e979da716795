"""The two transports against real sockets on this machine."""

import gzip
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from connectors.base import ConnectorError
from connectors.pool import ProviderPool
from connectors.transport import Limits, NotSent, Response, StoreTransport
from connectors.wire import _is_public

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

TLS_HELLO = b"\x16"
DRIPS = 50_000
_EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that reads one request and then follows a script; returns its address."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(script: Script) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        thread = threading.Thread(target=_answer, args=(listener, script), daemon=True)
        threads.append(thread)
        thread.start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()
    for thread in threads:
        thread.join(timeout=5)


def _answer(listener: socket.socket, script: Script) -> None:
    with listener:
        connection, _ = listener.accept()
    with connection:
        received = b""
        while b"\r\n\r\n" not in received and not received.startswith(TLS_HELLO):
            received += connection.recv(65536)
        try:
            script(connection)
        except OSError:
            return


def _saying(raw: bytes) -> Script:
    return lambda connection: connection.sendall(raw)


def _dripping(head: bytes) -> Script:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(DRIPS):
            connection.sendall(b"x")
        connection.sendall(b"\r\nContent-Length: 0\r\n\r\n")

    return drip


class _Clock:
    """A monotonic clock that a call's every look moves on by ten seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


def _both(**options: object) -> list[StoreTransport | ProviderPool]:
    return [StoreTransport(allow_private=True, **options), ProviderPool(**options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("transport", _both(), ids=["store", "provider"])
def test_an_answer_comes_back_whole(transport: StoreTransport | ProviderPool, serve: Serve) -> None:
    raw = b'HTTP/1.1 201 Made\r\nContent-Length: 8\r\nRetry-After: 7\r\n\r\n{"a": 1}'
    url = serve(_saying(raw))

    response = transport.post_json(url, {"b": 2})

    assert (response.status, response.json(), response.headers["retry-AFTER"]) == (201, {"a": 1}, "7")
    assert response.retry_after_seconds() == 7.0
    transport.close()


def test_a_chunked_and_compressed_answer_is_read(serve: Serve) -> None:
    packed = gzip.compress(b"[1, 2]")
    chunk = f"{len(packed):x}\r\n".encode() + packed + b"\r\n0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    url = serve(_saying(head + chunk))

    response = StoreTransport(allow_private=True).request("GET", url)

    assert response.json() == [1, 2]


@pytest.mark.parametrize("transport", _both(), ids=["store", "provider"])
def test_the_connection_is_kept_for_the_next_call(
    transport: StoreTransport | ProviderPool, serve: Serve
) -> None:
    def twice(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")

    url = serve(twice)

    answers = [transport.request("GET", url).body for _ in range(2)]

    assert answers == [b"1", b"2"]
    transport.close()


def test_requests_that_begin_alike_differ_in_their_bodies_and_queries(serve: Serve) -> None:
    received: list[bytes] = []

    def note(connection: socket.socket) -> None:
        # The fixture has read the first request.
        connection.sendall(_EMPTY)
        waiting = b""
        while len(received) < 3 and (piece := connection.recv(65536)):
            waiting += piece
            head, _, body = waiting.partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: ([0-9]+)", head)
            if length and len(body) == int(length[1]):
                received.append(waiting)
                waiting = b""
                connection.sendall(_EMPTY)

    url, transport = serve(note), StoreTransport(allow_private=True)
    for query, told in (("", None), ("a=%2F&b=1~", {"n": 1}), ("", {"n": 222}), ("c=%20", None)):
        transport.request("POST", f"{url}/x", headers={"X-Key": "k"}, query=query, json=told)
    transport.close()

    assert [one.splitlines()[0] for one in received] == [
        b"POST /x?a=%2F&b=1~ HTTP/1.1",
        b"POST /x HTTP/1.1",
        b"POST /x?c=%20 HTTP/1.1",
    ]
    assert [one.partition(b"\r\n\r\n")[2] for one in received] == [b'{"n": 1}', b'{"n": 222}', b""]
    assert all(b"X-Key: k\r\n" in one and b"User-Agent: Ritorno\r\n" in one for one in received)


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "],
    ids=["body", "headers"],
)
@pytest.mark.parametrize("index", [0, 1], ids=["store", "provider"])
def test_a_dripping_answer_is_cut_off_by_the_clock(index: int, head: bytes, serve: Serve) -> None:
    transport = _both(limits=Limits(total_seconds=35), clock=_Clock())[index]
    url = serve(_dripping(head))

    with pytest.raises(ConnectorError, match="Timeout") as failure:
        transport.request("GET", url)

    assert not isinstance(failure.value, NotSent)
    transport.close()


@pytest.mark.parametrize("index", [0, 1], ids=["store", "provider"])
def test_an_answer_that_is_too_large_is_refused(index: int, serve: Serve) -> None:
    transport = _both(limits=Limits(max_bytes=1000))[index]
    url = serve(_saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(2000)))

    with pytest.raises(ConnectorError, match="too large"):
        transport.request("GET", url)

    transport.close()


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(serve: Serve) -> None:
    packed = gzip.compress(bytes(4_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(packed)}\r\nContent-Encoding: gzip\r\n\r\n"
    transport = StoreTransport(allow_private=True, limits=Limits(max_bytes=100_000))
    url = serve(_saying(head.encode() + packed))

    with pytest.raises(ConnectorError, match="too large"):
        transport.request("GET", url)


@pytest.mark.parametrize("transport", _both(), ids=["store", "provider"])
def test_a_redirect_is_an_answer_and_is_not_followed(
    transport: StoreTransport | ProviderPool, serve: Serve
) -> None:
    url = serve(
        _saying(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nno")
    )

    response = transport.request("GET", url)

    assert (response.status, response.body) == (302, b"no")
    transport.close()


def test_a_redirect_with_an_endless_body_is_cut_off_too(serve: Serve) -> None:
    transport = StoreTransport(allow_private=True, limits=Limits(max_bytes=5000))
    url = serve(_dripping(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"))

    with pytest.raises(ConnectorError, match="too large"):
        transport.request("GET", url)


@pytest.mark.parametrize("transport", _both(), ids=["store", "provider"])
def test_a_refused_connection_was_never_sent(transport: StoreTransport | ProviderPool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(NotSent) as failure:
        transport.request("GET", f"http://127.0.0.1:{port}/secret?code=hush")

    assert not failure.value.permanent
    assert "127.0.0.1" not in str(failure.value)
    assert "hush" not in str(failure.value)


@pytest.mark.parametrize("transport", _both(), ids=["store", "provider"])
def test_a_server_that_speaks_no_tls_was_never_sent_anything(
    transport: StoreTransport | ProviderPool, serve: Serve
) -> None:
    url = serve(_saying(b"HTTP/1.1 400 Bad\r\n\r\n")).replace("http://", "https://")

    with pytest.raises(NotSent):
        transport.request("GET", url)


@pytest.mark.parametrize("transport", _both(), ids=["store", "provider"])
def test_a_connection_lost_after_the_request_may_have_been_acted_on(
    transport: StoreTransport | ProviderPool, serve: Serve
) -> None:
    url = serve(_saying(b""))

    with pytest.raises(ConnectorError) as failure:
        transport.request("GET", url)

    assert not isinstance(failure.value, NotSent)
    transport.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://100.64.0.1/",
        "http://192.88.99.1/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fec0::1]/",
        "http://0177.0.0.1/",
        "http://8.8.8.8:8080/",
    ],
)
def test_a_store_may_not_live_on_a_private_address_or_an_odd_port(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _socket, address: connected.append(address))

    with pytest.raises(NotSent, match="not a public one") as failure:
        StoreTransport().request("GET", url)

    assert failure.value.permanent
    assert connected == []


def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers)

    with pytest.raises(NotSent, match="not a public one"):
        StoreTransport().request("GET", "https://mixed.example/")


def test_a_host_is_looked_up_once_and_connected_to_by_the_address_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up: list[str] = []
    connected: list[object] = []

    def resolve(host: str, port: int, *_args: object, **_kwargs: object) -> list[object]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]

    def refuse(_socket: socket.socket, address: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", refuse)

    with pytest.raises(NotSent):
        StoreTransport().request("GET", "http://rebound.example/")

    assert looked_up.count("rebound.example") == 1
    assert connected == [("8.8.8.8", 80)]


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert _is_public(address)


@pytest.mark.parametrize("url", ["ftp://x.example/", "nonsense", "http://", "http://x.example:99999/"])
def test_an_address_that_is_none_was_never_sent(url: str) -> None:
    with pytest.raises(NotSent):
        StoreTransport().request("GET", url)


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 100_000, b""])
def test_a_body_that_is_not_json_is_a_connector_error(body: bytes) -> None:
    with pytest.raises(ConnectorError, match="not readable JSON") as failure:
        Response(200, {}, body).json()

    assert failure.value.status == 200


@pytest.mark.parametrize("value", ["", "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 40])
def test_a_wait_that_is_no_number_of_seconds_is_none(value: str) -> None:
    assert Response(429, {"Retry-After": value}, b"").retry_after_seconds() is None


@pytest.mark.parametrize("transport", _both(), ids=["store", "provider"])
def test_nothing_of_a_call_is_logged(
    transport: StoreTransport | ProviderPool, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = serve(_saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))

    transport.request("GET", f"{url}/path?code=hush", headers={"X-Token": "hush"})

    assert caplog.text == ""
    transport.close()


def test_no_cookie_is_kept_between_calls(serve: Serve) -> None:
    asked: list[bytes] = []

    def twice(connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head)
        asked.append(connection.recv(65536))
        connection.sendall(head)

    url = serve(twice)
    transport = StoreTransport(allow_private=True)

    for _ in range(2):
        transport.request("GET", url)

    assert b"cookie" not in asked[0].lower()
    transport.close()


def test_a_large_body_comes_in_pieces_as_it_stands(serve: Serve) -> None:
    packed = gzip.compress(b"x" * 10)
    body = packed + b"y" * 700_000
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    url = serve(_saying(head + body))

    with StoreTransport(allow_private=True, limits=Limits(max_bytes=1000)).stream(url) as stream:
        pieces = list(stream.pieces)

    assert stream.status == 200
    assert b"".join(pieces) == body
    assert max(len(piece) for piece in pieces) <= 256 * 1024


def test_a_body_that_ends_too_early_fails(serve: Serve) -> None:
    url = serve(_saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"))

    with (
        pytest.raises(ConnectorError, match="no usable answer"),
        StoreTransport(allow_private=True).stream(url) as stream,
    ):
        list(stream.pieces)


def test_a_piece_that_drips_is_cut_off_by_the_clock(serve: Serve) -> None:
    url = serve(_dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))
    transport = StoreTransport(allow_private=True, clock=_Clock())

    with pytest.raises(ConnectorError, match="no usable answer"), transport.stream(url) as stream:
        list(stream.pieces)


def test_a_stream_obeys_the_address_guard() -> None:
    with pytest.raises(NotSent), StoreTransport().stream("http://127.0.0.1:8080/file"):
        pass

"""What the sandbox makes of an app's answers, and how its errands cross."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from connectors.sandbox.errands import Queue, Runner
from connectors.sandbox.plan import Planned
from connectors.sandbox.wire import Lane, Request, UnreachableError
from tests.connectors.sandbox.sandbox_stage import Got, running_app

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def served(*connections: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these answers over each connection in turn and hangs up; what it heard."""
    heard: list[bytes] = []

    def _serve() -> None:
        for answers in connections:
            connection, _ = listening.accept()
            with connection:
                for answer in answers:
                    heard.append(connection.recv(65536))
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
        thread.join(5)


def asked(lane: Lane, url: str, method: str = "GET") -> int:
    lane.start(Request(method, url, {}))
    return lane.finish()


@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        ("GET", b"HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nno!", 404),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nok\r\n3\r\n\r\n!\r\n0\r\n\r\n",
            200,
        ),
        ("HEAD", b"HTTP/1.1 302 Found\r\nContent-Length: 99\r\n\r\n", 302),
        ("POST", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    ],
)
def test_an_answer_is_read_to_its_end_and_the_connection_kept(
    method: str, answer: bytes, status: int
) -> None:
    lane = Lane()
    with served([answer, GOOD]) as (url, heard):
        assert (asked(lane, url, method), asked(lane, url)) == (status, 200)
    assert len(heard) == 2
    lane.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nas long as it lasts",
    ],
)
def test_a_connection_that_ends_with_its_answer_is_followed_by_another(answer: bytes) -> None:
    lane = Lane()
    with served([answer], [GOOD]) as (url, _heard):
        assert asked(lane, url) == 200
        assert lane.fileno() == -1
        assert asked(lane, url) == 200
    lane.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"who is there?\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_none(answer: bytes) -> None:
    with served([answer]) as (url, _heard), pytest.raises(UnreachableError):
        asked(Lane(), url)


def test_the_next_round_is_written_while_the_app_works_on_the_one_before() -> None:
    written: list[str] = []
    is_ahead = threading.Event()

    def _answer(_got: Got) -> tuple[int, dict[str, str]]:
        # Were the next round written only once this one is answered, nobody would be let go.
        return (200 if is_ahead.wait(5) else 500), {}

    with running_app(_answer) as app:
        ran = flushed(app.url, written, lambda: is_ahead.set() if len(written) == 40 else None)
    assert ran == written
    assert len(app.got) == len(ran) == 40


def test_the_next_round_is_sent_while_the_app_works_on_the_one_before() -> None:
    came = threading.Semaphore(0)
    are_all_there = threading.Event()

    def _answer(_got: Got) -> tuple[int, dict[str, str]]:
        came.release()
        # Were the second round sent only once the first is answered, nobody would be let go.
        return (200 if are_all_there.wait(5) else 500), {}

    def _count() -> None:
        for _ in range(40):
            came.acquire(timeout=5)
        are_all_there.set()

    with running_app(_answer) as app:
        counting = threading.Thread(target=_count)
        counting.start()
        written: list[str] = []
        assert flushed(app.url, written, lambda: None) == written
        counting.join()


def test_what_fails_of_two_rounds_is_sent_again_and_nothing_else() -> None:
    answered: list[bytes] = []
    failing = {f"{number:032x}".encode() for number in (3, 35)}

    def _answer(got: Got) -> tuple[int, dict[str, str]]:
        if got.body in failing:
            failing.remove(got.body)
            return 503, {}
        answered.append(got.body)
        return 200, {}

    with running_app(_answer) as app:
        done = flushed(app.url, [], lambda: None)
    assert sorted(done) == sorted(key.decode() for key in answered)
    assert len(set(done)) == len(done) == 40
    assert len(app.got) == 42


def flushed(url: str, written: list[str], wrote: Callable[[], None]) -> list[str]:
    """Send forty errands; the keys of those that were answered with success, as they were told."""
    runner, queue, done = Runner(pauses_seconds=()), Queue[Planned](), list[str]()
    for number in range(40):
        queue.push(Planned(number, f"{number:032x}", "shopify", "orders/create", number, number, number))

    def _write(planned: Planned) -> list[Request]:
        written.append(planned.key)
        wrote()
        return [Request("POST", url, {}, planned.key.encode())]

    runner.flush(
        queue, 40, _write, lambda ended: done.extend(one.key for one, out in ended if out.status == 200)
    )
    runner.close()
    return done

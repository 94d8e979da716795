import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from connectors.base import Outcome, OutgoingMessage, SendResult, Unsettled
from connectors.channels.local import LocalChannel

NOW = datetime(2026, 5, 4, tzinfo=UTC)
Answer = Callable[[str, list[dict[str, Any]]], tuple[int, bytes]]


class Sink:
    """A sink on a real socket that answers as the test says and remembers what it was given."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.given: list[dict[str, Any]] = []
        self.connections = 0


@contextmanager
def sink(answer: Answer) -> Iterator[tuple[str, Sink]]:
    remembered = Sink(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            remembered.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            remembered.given += body
            self._reply(body)

        def do_GET(self) -> None:
            self._reply([])

        def log_message(self, *args: object) -> None:
            pass

        def _reply(self, body: list[dict[str, Any]]) -> None:
            status, content = remembered.answer(self.path, body)
            if status == 0:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", remembered
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def accepting(path: str, body: list[dict[str, Any]]) -> tuple[int, bytes]:
    accepted = [{"message_id": one["message_id"], "number": n, "times": 1} for n, one in enumerate(body, 1)]
    return 200, json.dumps({"accepted": accepted}).encode()


def always(status: int, content: object = b"") -> Answer:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda path, body: (status, raw)


def message(number: int = 1) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=str(number),
        channel="email",
        to_address="lucia@example.com",
        from_address="shop@example.com",
        from_name="Bottega",
        subject="Così",
        text="testo",
        html="<p>testo</p>",
        headers={"List-Unsubscribe": "<https://m.example/u/1>"},
    )


def unsettled(number: int) -> Unsettled:
    return Unsettled(str(number), "email", "lucia@example.com", "testo", NOW)


def sent(answer: Answer, *messages: OutgoingMessage) -> list[SendResult]:
    with sink(answer) as (url, _):
        channel = LocalChannel(url)
        found = list(channel.send(messages))
        channel.close()
        return found


def test_a_batch_is_one_post_and_each_message_gets_its_number() -> None:
    with sink(accepting) as (url, remembered):
        channel = LocalChannel(url)

        results = channel.send([message(1), message(2)])
        channel.close()

    assert [result.outcome for result in results] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert [result.provider_message_id for result in results] == ["1", "2"]
    assert [given["message_id"] for given in remembered.given] == ["1", "2"]
    assert remembered.given[0] == {
        "message_id": "1",
        "channel": "email",
        "to": "lucia@example.com",
        "from": "shop@example.com",
        "from_name": "Bottega",
        "subject": "Così",
        "text": "testo",
        "html": "<p>testo</p>",
        "headers": {"List-Unsubscribe": "<https://m.example/u/1>"},
    }


def test_the_connection_is_kept_open_between_batches() -> None:
    with sink(accepting) as (url, remembered):
        channel = LocalChannel(url)

        for number in range(5):
            channel.send([message(number)])
        channel.close()

    assert remembered.connections == 1


def test_what_may_not_leave_any_more_is_not_called() -> None:
    with sink(accepting) as (url, remembered):
        channel = LocalChannel(url)

        results = channel.send([message(1), message(2)], lambda message_id: message_id == "2")
        channel.close()

    assert [result.outcome for result in results] == [Outcome.RETRY, Outcome.ACCEPTED]
    assert [given["message_id"] for given in remembered.given] == ["2"]


def test_nothing_to_send_is_no_call() -> None:
    with sink(accepting) as (url, remembered):
        assert LocalChannel(url).send([]) == []

    assert remembered.connections == 0


def test_a_message_that_the_answer_does_not_name_is_unknown() -> None:
    results = sent(always(200, {"accepted": [{"message_id": "1", "number": 9}]}), message(1), message(2))

    assert [result.outcome for result in results] == [Outcome.ACCEPTED, Outcome.UNKNOWN]


@pytest.mark.parametrize(
    "answer",
    [
        always(500),
        always(502, b"<html>"),
        always(302),
        always(200, b"{"),
        always(200, b"[]"),
        always(200, {"accepted": "yes"}),
        always(200, {"accepted": [1, None]}),
        always(0),
    ],
    ids=["500", "502", "302", "cut", "list", "text", "odd entries", "closed"],
)
def test_an_answer_that_nobody_can_read_leaves_the_outcome_unknown(answer: Answer) -> None:
    results = sent(answer, message(1), message(2))

    assert [result.outcome for result in results] == [Outcome.UNKNOWN, Outcome.UNKNOWN]


def test_a_sink_that_refuses_the_batch_keeps_nothing_of_it() -> None:
    assert [result.outcome for result in sent(always(400), message(1))] == [Outcome.FAILED]


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_refused_connection_means_try_again() -> None:
    channel = LocalChannel(f"http://127.0.0.1:{unused_port()}")

    assert [result.outcome for result in channel.send([message(1)])] == [Outcome.RETRY]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (always(200, {"message_id": "7", "number": 3, "times": 1}), Outcome.ACCEPTED),
        (always(404), Outcome.RETRY),
        (always(200, {"message_id": "8", "number": 3}), None),
        (always(200, b"{"), None),
        (always(200, []), None),
        (always(500), None),
        (always(0), None),
    ],
)
def test_the_sink_settles_an_unknown_message(answer: Answer, outcome: Outcome | None) -> None:
    with sink(answer) as (url, _):
        channel = LocalChannel(url)
        found = channel.look_up(unsettled(7))
        channel.close()

    assert (found.outcome if found else None) == outcome


def test_without_a_sink_the_outbox_is_the_delivery() -> None:
    channel = LocalChannel(None)

    results = channel.send([message(5)])

    assert [(result.outcome, result.provider_message_id) for result in results] == [
        (Outcome.ACCEPTED, "outbox-5")
    ]
    assert channel.look_up(unsettled(5)) is None

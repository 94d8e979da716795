"""Every misbehaviour is what it says on the socket, hits whom it should, and is logged when it accepted."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from connectors.sandbox.journal import Journal
from connectors.sandbox.provider_faults import Aim, Faults, parse_rule
from tests.connectors.sandbox.sandbox_providers import KNOWN, Pair, mail, open_pair, serving


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with open_pair(tmp_path_factory.mktemp("faults")) as opened, serving(opened) as pair:
        yield pair


@pytest.fixture
def pair(shared: Pair) -> Iterator[Pair]:
    """Behaves well again afterwards."""
    yield shared
    shared.control("/faults", [])


def accepted(pair: Pair) -> int:
    return len(pair.providers.log.lines)


def raw_call(pair: Pair) -> http.client.HTTPConnection:
    """A mail sent, its answer not yet read."""
    connection = http.client.HTTPConnection(pair.url.removeprefix("http://"), timeout=5)
    body = requests.Request("POST", "http://x", json=mail()).prepare().body
    headers = {"Authorization": f"Bearer {KNOWN.sendgrid_api_key}", "Content-Type": "application/json"}
    connection.request("POST", "/sendgrid/v3/mail/send", body, headers)
    return connection


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_hanging_call_gives_no_answer(pair: Pair, is_accepted: bool) -> None:
    before = accepted(pair)
    pair.control("/faults", {"kind": "hang", "accepted": is_accepted})

    with pytest.raises(requests.ReadTimeout):
        pair.mail_over_wire(timeout=0.15)

    assert accepted(pair) - before == int(is_accepted)


def test_a_hanging_call_ends_by_itself_in_a_closed_connection(pair: Pair) -> None:
    pair.control("/faults", {"kind": "hang", "seconds": 0.05})

    connection = raw_call(pair)

    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_connection_is_closed_without_an_answer(pair: Pair, is_accepted: bool) -> None:
    before = accepted(pair)
    pair.control("/faults", {"kind": "close", "accepted": is_accepted})

    connection = raw_call(pair)

    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
    assert accepted(pair) - before == int(is_accepted)


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_connection_is_reset(pair: Pair, is_accepted: bool) -> None:
    before = accepted(pair)
    pair.control("/faults", {"kind": "reset", "accepted": is_accepted})

    connection = raw_call(pair)

    with pytest.raises(ConnectionResetError) as told:
        connection.getresponse()
    connection.close()
    # Its subclass RemoteDisconnected would be an orderly end.
    assert told.type is ConnectionResetError
    assert accepted(pair) - before == int(is_accepted)


def test_a_truncated_answer_is_shorter_than_it_says(pair: Pair) -> None:
    before = accepted(pair)
    pair.control("/faults", {"kind": "truncated"})

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        pair.sms_over_wire()
    connection = raw_call(pair)
    answer = connection.getresponse()

    assert answer.status == 202
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    connection.close()
    assert accepted(pair) - before == 2


def test_a_dripping_answer_comes_byte_by_byte_and_whole(pair: Pair) -> None:
    before = accepted(pair)
    pair.control("/faults", {"kind": "drip", "seconds": 0.3})
    pool = urllib3.HTTPConnectionPool("127.0.0.1", int(pair.url.rpartition(":")[2]), timeout=5)
    headers = {"Authorization": f"Bearer {KNOWN.sendgrid_api_key}"}

    answer = pool.request(
        "POST", "/sendgrid/v3/mail/send", json=mail(), headers=headers, preload_content=False
    )
    pieces = list(answer.read_chunked())
    pool.close()

    assert answer.status == 202
    assert len(pieces) == 32
    assert accepted(pair) - before == 1


STATUSES: list[tuple[dict[str, Any], int]] = [
    ({"kind": "429", "retry_after": 7}, 429),
    ({"kind": "503", "retry_after": 7}, 503),
    ({"kind": "503", "accepted": True, "retry_after": 7}, 503),
    ({"kind": "500"}, 500),
    ({"kind": "500", "accepted": True}, 500),
    ({"kind": "502-html"}, 502),
    ({"kind": "502-html", "accepted": True}, 502),
    ({"kind": "200-html"}, 200),
    ({"kind": "200-html", "accepted": True}, 200),
    ({"kind": "302"}, 302),
    ({"kind": "401"}, 401),
]


@pytest.mark.parametrize(("rule", "status"), STATUSES)
def test_a_wrong_answer_is_told_and_logged_only_when_accepted(pair: Pair, rule: Any, status: int) -> None:
    before = accepted(pair)
    pair.control("/faults", rule)

    by_sendgrid, by_twilio = pair.mail_over_wire(), pair.sms_over_wire()

    assert (by_sendgrid.status_code, by_twilio.status_code) == (status, status)
    is_page = status in {200, 302, 502}
    assert (by_sendgrid.headers["Content-Type"] == "application/json") is not is_page
    assert by_sendgrid.headers.get("Retry-After") == ("7" if status in {429, 503} else None)
    assert ("Location" in by_sendgrid.headers) is (status == 302)
    if not is_page:
        assert by_sendgrid.json()["errors"][0]["message"]
        assert by_twilio.json()["code"] in {20003, 20429, 20500, 20503}
    assert accepted(pair) - before == (2 if rule.get("accepted") else 0)


def test_a_rule_hits_only_whom_it_names_and_as_often_as_it_says(pair: Pair) -> None:
    pair.control("/faults", {"kind": "500", "provider": "sendgrid", "mid": "m-1", "times": 2})

    other = pair.mail_over_wire(personalizations=[{"to": [{"email": "b@example.com"}]}])
    statuses = [pair.mail_over_wire().status_code for _ in range(3)]

    assert (other.status_code, pair.sms_over_wire().status_code) == (202, 201)
    assert statuses == [500, 500, 202]


def test_other_calls_misbehave_on_their_own_rule(pair: Pair) -> None:
    pair.control("/faults", {"kind": "502-html", "calls": "read"})

    assert pair.sendgrid("GET", "/v3/scopes").status_code == 502
    assert pair.twilio("GET", "/Messages.json").status_code == 502
    assert pair.mail_over_wire().status_code == 202


def test_a_refused_mail_is_refused_under_a_rule_that_accepts(pair: Pair) -> None:
    pair.control("/faults", {"kind": "hang", "accepted": True})

    assert pair.mail_over_wire(subject=None).status_code == 400


def test_chance_is_the_same_in_every_run_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    def play(folder: Path, *, is_restarted: bool) -> list[bool]:
        hits: list[bool] = []
        for part in range(2 if is_restarted else 1):
            journal = Journal(folder)
            faults = Faults(journal, seed=3)
            if not part:
                faults.replace((parse_rule({"kind": "500", "probability": 0.5, "times": 20}),))
            for number in range(30 if is_restarted else 60):
                aim = Aim("sendgrid", "send", f"m-{number % 10}")
                hits.append(faults.choose(aim) is not None)
            journal.close()
        return hits

    straight = play(tmp_path / "straight", is_restarted=False)

    assert play(tmp_path / "restarted", is_restarted=True) == straight
    assert sum(straight) == 20
    assert not all(straight[:20])


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "explode"},
        {"kind": "429", "accepted": True},
        {"kind": "drip", "accepted": False},
        {"kind": "500", "a": 1},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(pair: Pair, rule: dict[str, object]) -> None:
    answer = pair.app.test_client().post("/control/providers/faults", json=rule)

    assert answer.status_code == 400


def test_what_misbehaved_is_told(pair: Pair) -> None:
    pair.control("/faults", {"kind": "503", "accepted": True})
    pair.mail_over_wire()

    told = pair.app.test_client().get("/control/providers/faults").json

    assert told is not None
    assert told["done"][-1] == {
        "provider": "sendgrid",
        "calls": "send",
        "mid": "m-1",
        "to": "anna@example.com",
        "kind": "503",
        "accepted": True,
    }


def test_a_hanging_call_sets_its_thread_free_when_the_caller_leaves(pair: Pair) -> None:
    """The server of this test has four threads; more callers than that give up, and it still serves."""
    pair.control("/faults", {"kind": "hang"})
    for _ in range(6):
        with socket.create_connection(("127.0.0.1", int(pair.url.rpartition(":")[2]))) as caller:
            body = b'{"personalizations":[]}'
            head = f"POST /sendgrid/v3/mail/send HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            caller.sendall(head.encode() + body)

    answer = requests.get(f"{pair.url}/sendgrid/v3/scopes", timeout=5, headers={"Connection": "close"})

    assert answer.status_code == 401

"""Bodies under the hosted server: slow, too many, broken off."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug import Request

from app.errors import Busy
from webhooks.bodies import Bodies, BodyRefused, Receive
from webhooks.bridge import environ_of

SCOPE: dict[str, Any] = {"type": "http", "headers": []}
MIB = 1024 * 1024


def _sender(*messages: dict[str, Any]) -> Receive:
    """Gives these messages, then nothing any more."""
    left = list(messages)

    async def _receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return _receive


def _parts(parts: Iterable[bytes]) -> list[dict[str, Any]]:
    return [{"type": "http.request", "body": part, "more_body": True} for part in parts]


END = {"type": "http.request", "body": b"", "more_body": False}


def _refusal(bodies: Bodies, *messages: dict[str, Any]) -> int:
    with pytest.raises(BodyRefused) as refused:
        asyncio.run(bodies.read(SCOPE, _sender(*messages)))
    return refused.value.answer.code


def test_a_body_in_parts_is_put_together() -> None:
    body = asyncio.run(Bodies().read(SCOPE, _sender(*_parts([b"a", b"", b"bc"]), END)))

    assert body == b"abc"


@pytest.mark.parametrize("parts", [[], [b"a"]], ids=["nothing", "a-part"])
def test_a_body_that_does_not_arrive_in_time_is_answered_408(parts: list[bytes]) -> None:
    assert _refusal(Bodies(seconds=0.01), *_parts(parts)) == 408


def test_a_sender_that_goes_away_leaves_nothing_held() -> None:
    bodies = Bodies(most_bytes=MIB)
    gone = {"type": "http.disconnect"}

    for _ in range(3):
        with pytest.raises(BodyRefused):
            asyncio.run(bodies.read(SCOPE, _sender(*_parts([b"x" * MIB]), gone)))

    assert asyncio.run(bodies.read(SCOPE, _sender(*_parts([b"x" * MIB]), END))) == b"x" * MIB


@pytest.mark.parametrize("parts", [[b"x" * (2 * MIB + 1)], [b"x" * MIB] * 3], ids=["at-once", "in-parts"])
def test_a_body_over_the_cap_is_answered_413_and_not_held(parts: list[bytes]) -> None:
    bodies = Bodies(most_bytes=4 * MIB)

    codes = [_refusal(bodies, *_parts(parts), END) for _ in range(3)]

    assert codes == [413] * 3


def test_an_announced_length_over_the_cap_is_refused_before_anything_is_read() -> None:
    scope = {**SCOPE, "headers": [(b"content-length", b"%d" % (2 * MIB + 1))]}

    with pytest.raises(BodyRefused) as refused:
        asyncio.run(Bodies().read(scope, _sender()))

    assert refused.value.answer.code == 413


def test_more_than_may_be_held_at_once_is_asked_to_come_again() -> None:
    bodies = Bodies(most_bytes=MIB)
    first = asyncio.run(bodies.read(SCOPE, _sender({"type": "http.request", "body": b"x" * MIB})))

    with pytest.raises(Busy):
        asyncio.run(bodies.read(SCOPE, _sender({"type": "http.request", "body": b"x"})))
    bodies.let_go(first)

    assert asyncio.run(bodies.read(SCOPE, _sender({"type": "http.request", "body": b"y"}))) == b"y"


def test_a_page_reads_a_body_that_came_in_chunks() -> None:
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/", "query_string": b""}
    headers = [(b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")]

    request = Request(environ_of(scope | {"headers": headers}, b'{"rating": 5}'))

    assert request.get_json() == {"rating": 5}

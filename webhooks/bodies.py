"""Bodies under an ASGI server: read to a cap and within a time, and not too many at once."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.errors import Busy
from webhooks.answers import TOO_LARGE, TOO_SLOW, Answer
from webhooks.door import MAX_BODY_BYTES

BODY_SECONDS = 10.0
"""How long a body may take to arrive."""
MOST_HELD_BYTES = 64 * 1024 * 1024
"""How much of bodies may be in memory at once; beyond it who comes is asked to come again."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class BodyRefused(Exception):
    """The body is not taken; `answer` says why. What is left of it is not read."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Bodies:
    """The bodies that are in memory now.

    Args:
        seconds: how long each may take to arrive.
        most_bytes: how much of them may be held at once.
    """

    def __init__(self, *, seconds: float = BODY_SECONDS, most_bytes: int = MOST_HELD_BYTES) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._held = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body; give it back by `let_go` when it has been dealt with.

        Raises:
            BodyRefused: it is too large, too slow, or its sender went away.
            Busy: too many bodies are held already.
        """
        if _declared_length(scope) > MAX_BODY_BYTES:
            raise BodyRefused(TOO_LARGE)
        try:
            async with asyncio.timeout(self._seconds):
                message = await receive()
                if message["type"] == "http.request" and not message.get("more_body", False):
                    whole: bytes = message.get("body", b"")
                    return self._hold(whole)
                return await self._read_on(message, receive)
        except TimeoutError:
            raise BodyRefused(TOO_SLOW) from None

    def let_go(self, body: bytes) -> None:
        """The body is no longer needed."""
        self._held -= len(body)

    def _hold(self, part: bytes) -> bytes:
        if len(part) > MAX_BODY_BYTES:
            raise BodyRefused(TOO_LARGE)
        if self._held + len(part) > self._most_bytes:
            raise Busy("too many deliveries arrive at once")
        self._held += len(part)
        return part

    async def _read_on(self, message: MutableMapping[str, Any], receive: Receive) -> bytes:
        body = bytearray()
        is_whole = False
        try:
            while not is_whole:
                if message["type"] != "http.request":
                    raise BodyRefused(TOO_SLOW)
                body += self._hold(message.get("body", b""))
                if len(body) > MAX_BODY_BYTES:
                    raise BodyRefused(TOO_LARGE)
                is_whole = not message.get("more_body", False)
                if not is_whole:
                    message = await receive()
            return bytes(body)
        finally:
            if not is_whole:
                self._held -= len(body)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0

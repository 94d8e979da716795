"""The webhook addresses under an ASGI server, in front of everything else that the process answers.

On the hosted form no thread waits for a delivery: neither for its body, so that a hundred slow senders
keep nobody away (RELIABILITY.md row 24), nor for its commit, which is what makes it twice as fast as
the same door under WSGI (BENCHMARKS.md, P1).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from app import watching
from app.errors import Busy
from app.inbox import Kept
from webhooks.answers import NOT_POSTED, Answer, kept_answer, too_busy
from webhooks.bodies import Bodies, BodyRefused, Receive, Scope
from webhooks.deliveries import Deliveries
from webhooks.door import PREFIX
from webhooks.posted import Posted
from webhooks.promises import LoopPromises
from webhooks.writer import InboxWriter

_LONG_BODY_BYTES = 64 * 1024

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class WebhookFront:
    """An ASGI app that takes `/webhooks/…` and hands everything else on.

    Args:
        threads: where what must ask the database, or reads a long body, is checked.
    """

    def __init__(
        self, deliveries: Deliveries, inbox: InboxWriter, inner: AsgiApp, *, threads: Executor
    ) -> None:
        self._deliveries = deliveries
        self._inbox = inbox
        self._inner = inner
        self._threads = threads
        self._bodies = Bodies()
        self._promises = LoopPromises()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a delivery, or pass the request on."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._inner(scope, receive, send)
            return
        # Without its place: part of that is what lets a shop in.
        with watching.span("POST /webhooks") as span:
            answer = await self._answer(scope, receive)
            span.note(**{"http.response.status_code": answer.code})
        await send({"type": "http.response.start", "status": answer.code, "headers": answer.raw_headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return NOT_POSTED
        headers = _read(scope["headers"])
        try:
            body = await self._bodies.read(scope, receive)
            try:
                query = scope["query_string"].decode("latin-1")
                checked = await self._check(Posted(scope["path"].removeprefix(PREFIX), query, headers, body))
                if isinstance(checked, Answer):
                    return checked
                await self._promises.promised(partial(self._inbox.hand_over, checked))
            finally:
                self._bodies.let_go(body)
        except BodyRefused as refused:
            return refused.answer
        except Busy as busy:
            return too_busy(busy)
        return kept_answer(checked)

    async def _check(self, posted: Posted) -> Kept | Answer:
        if len(posted.body) <= _LONG_BODY_BYTES and self._deliveries.is_quick(posted):
            return self._deliveries.check(posted)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._deliveries.check, posted)


def _read(told: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name; one that is there twice says both, as at the other server, and passes for neither."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in told}
    if len(headers) < len(told):
        headers = {}
        for name, value in ((one.decode("latin-1"), other.decode("latin-1")) for one, other in told):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers

"""How waitress hands requests on: deliveries together to the inbox, everything else to threads."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import Task, ThreadedTaskDispatcher, WSGITask

from app.inbox import Kept
from webhooks.answers import Answer
from webhooks.door import PREFIX
from webhooks.posted import Posted
from webhooks.unwaited import UnwaitedDeliveries

_LONG_BODY_BYTES = 64 * 1024
"""What is longer is checked by a thread: the loop has others to read from."""
_UNREAD_BYTES = 64 * 1024
"""Who has left more of its answers unread is answered by a thread: waitress lets whoever writes wait for a
client that does not read, and the inbox's writer must wait for nobody."""


class AnswerableRequest(HTTPRequestParser):  # type: ignore[misc]  # the package has no types
    """A request that may have its answer before any thread took it."""

    answer: Answer | None = None


def task_of(channel: HTTPChannel, request: AnswerableRequest) -> Any:
    """What answers a request: the site, or the answer that is there."""
    return WSGITask(channel, request) if request.answer is None else _Telling(channel, request)


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]  # the package has no types
    """Gives requests to threads, but for deliveries that can be checked at once."""

    def __init__(self, deliveries: UnwaitedDeliveries) -> None:
        super().__init__()
        self._deliveries = deliveries
        self._gathered: deque[tuple[HTTPChannel, Kept]] = deque()
        self._is_called = False

    def add_task(self, task: HTTPChannel) -> None:
        """Take a channel whose first request has come."""
        posted = _posted(task.requests[0]) if task.total_outbufs_len <= _UNREAD_BYTES else None
        kept = self._deliveries.check(posted) if posted else None
        if kept is None:
            super().add_task(task)
            return
        self._gathered.append((task, kept))
        if not self._is_called:
            # What is read until the loop comes to its call goes to the inbox as one group.
            self._is_called = True
            task.server.trigger.pull_trigger(self._hand_over)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Let what was taken come to its end; the inbox's writer answers what it keeps."""
        self._hand_over()
        return bool(super().shutdown(cancel_pending, timeout))

    def _hand_over(self) -> None:
        # First of all: who is gathered from here on calls again.
        self._is_called = False
        while self._gathered:
            channel, kept = self._gathered.popleft()
            self._deliveries.keep(kept, partial(_say, channel))


class Calls:
    """Wakes the loop once for all that is ready when it looks, not once for each answer."""

    def __init__(self, pull: Callable[[Callable[[], None]], None]) -> None:
        self._pull = pull
        self._is_called = False

    def __call__(self) -> None:
        """Call the loop, unless it is called already; once it has ended, nobody needs to be woken."""
        if not self._is_called:
            self._is_called = True
            with suppress(OSError):
                self._pull(self._looks)

    def _looks(self) -> None:
        # Before it looks at the channels: who is ready from here on calls again.
        self._is_called = False


class _Telling(Task):  # type: ignore[misc]  # the package has no types
    """Writes the answer that is there, in one piece."""

    complete = True

    def execute(self) -> None:
        answer = self.request.answer
        self.status = answer.status
        self.response_headers = answer.headers()
        head = self.build_response_header()
        self.wrote_header = True
        self.channel.write_soon(head + answer.body)


def _say(channel: HTTPChannel, answer: Answer) -> None:
    channel.requests[0].answer = answer
    channel.service()


def _posted(request: AnswerableRequest) -> Posted | None:
    """What was posted to a webhook address, unless it is long; the body can be read again after."""
    if request.error or request.command != "POST" or not request.path.startswith(PREFIX):
        return None
    stream = request.get_body_stream()
    body = stream.read(_LONG_BODY_BYTES + 1)
    stream.seek(0)
    if len(body) > _LONG_BODY_BYTES:
        return None
    headers = {name.replace("_", "-").lower(): value for name, value in request.headers.items()}
    return Posted(request.path.removeprefix(PREFIX), request.query, headers, body)

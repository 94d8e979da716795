"""How waitress hands requests on: deliveries together to the inbox, everything else to threads."""

from collections import deque
from collections.abc import Callable, Sequence
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
_MOST_GATHERED = 64
"""So many deliveries go to the inbox even while more are coming."""


class AnswerableRequest(HTTPRequestParser):  # type: ignore[misc]  # the package has no types
    """A request that may have its answer before any thread took it."""

    answer: Answer | None = None


def task_of(channel: HTTPChannel, request: AnswerableRequest) -> Any:
    """What answers a request: the site, or the answer that is there."""
    return WSGITask(channel, request) if request.answer is None else _Telling(channel, request)


def is_to_write(channel: HTTPChannel) -> bool:
    """Whether the loop has something to write: not while a thread writes, which calls if it leaves some.

    The loop would look again and again until that thread has its turn.
    """
    if not channel.total_outbufs_len:
        return bool(channel.will_close or channel.close_when_flushed)
    if not channel.outbuf_lock.acquire(False):
        return False
    channel.outbuf_lock.release()
    return True


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]  # the package has no types
    """Gives requests to threads, but for deliveries that can be checked at once."""

    def __init__(self, deliveries: UnwaitedDeliveries) -> None:
        super().__init__()
        self._deliveries = deliveries
        # Added to by threads as well: by who has answered a page of a channel behind which a delivery waits.
        self._gathered: deque[tuple[HTTPChannel, Kept]] = deque()
        self._is_called = False
        self._seen = 0
        self._answered: deque[tuple[HTTPChannel, Answer]] = deque()
        self._has_ended = False

    def add_task(self, task: HTTPChannel) -> None:
        """Take a channel whose first request has come."""
        posted = _posted(task.requests[0]) if task.total_outbufs_len <= _UNREAD_BYTES else None
        kept = self._deliveries.check(posted) if posted else None
        if kept is None:
            super().add_task(task)
            return
        self._gathered.append((task, kept))
        if not self._is_called:
            self._is_called = True
            _call(task)

    def look(self) -> None:
        """Have what was gathered handed over, once a look at all channels brought no more.

        The loop tells before each look. What comes together is kept together: a group of what one look finds
        would be a tenth of it, each with a way to the disk and to the writer's thread of its own.
        """
        count = len(self._gathered)
        if self._seen < count < _MOST_GATHERED:
            self._seen = count
            _call(self._gathered[0][0])
        elif count:
            _call(self._gathered[0][0], self._hand_over)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Let what was taken come to its end; from here on the inbox's writer answers what it keeps."""
        self._has_ended = True
        self._hand_over()
        self._say()
        return bool(super().shutdown(cancel_pending, timeout))

    def _hand_over(self) -> None:
        # First of all: who is gathered from here on calls again.
        self._is_called, self._seen = False, 0
        channels, kept = [], []
        while self._gathered:
            channel, one = self._gathered.popleft()
            channels.append(channel)
            kept.append(one)
        if kept:
            self._deliveries.keep(kept, partial(self._tell, channels))

    def _tell(self, channels: Sequence[HTTPChannel], answers: Sequence[Answer]) -> None:
        """Whatever thread this is: have the loop say the answers; once it has ended, say them here.

        Who writes while the loop looks makes it look again and again, and each waits for the other.
        """
        self._answered.extend(zip(channels, answers, strict=True))
        if not self._has_ended:
            with suppress(OSError):
                _call(channels[0], self._say)
                return
        self._say()

    def _say(self) -> None:
        while self._answered:
            channel, answer = self._answered.popleft()
            channel.requests[0].answer = answer
            channel.service()


class Calls:
    """Wakes the loop once for all that is ready when it looks, not once for each answer."""

    def __init__(self, pull: Callable[[], None]) -> None:
        self._pull = pull
        self._is_called = False

    def __call__(self) -> None:
        """Call the loop, unless it is called already; once it has ended, nobody needs to be woken."""
        if not self._is_called:
            self._is_called = True
            with suppress(OSError):
                self._pull()

    def heard(self) -> None:
        """Before the loop looks at the channels: who is ready from here on calls again."""
        self._is_called = False


class Looking:
    """Whether the server takes connections, which the loop asks before each look: then others are told of it.

    Args:
        is_open: the server's own answer.
        tell: those whom to tell.
    """

    def __init__(self, is_open: Callable[[], bool], *tell: Callable[[], None]) -> None:
        self._is_open = is_open
        self._tell = tell

    def __call__(self) -> bool:
        """Tell, and answer."""
        for tell in self._tell:
            tell()
        return self._is_open()


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


def _call(channel: HTTPChannel, thunk: Callable[[], None] | None = None) -> None:
    """Have the loop not wait at its next look, and do this first."""
    channel.server.trigger.pull_trigger(thunk)


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

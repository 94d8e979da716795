"""Deliveries for which no thread waits, under a server of threads.

They are checked where they are read, and answered by whoever kept them. A thread for each would be woken by
the server's loop, by the inbox's writer and by the other threads in turn, which costs more than all else that
is done for a delivery.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from app import watching
from app.errors import Busy
from app.inbox import Kept
from webhooks import promises
from webhooks.answers import Answer, kept_answer, too_busy
from webhooks.deliveries import Deliveries
from webhooks.posted import Posted
from webhooks.writer import InboxWriter

Say = Callable[[Sequence[Answer]], None]
"""Says the answers, in the deliveries' order and from whatever thread; must not raise."""


class UnwaitedDeliveries:
    """Checks and keeps deliveries without a thread that waits."""

    def __init__(self, deliveries: Deliveries, inbox: InboxWriter) -> None:
        self._deliveries = deliveries
        self._inbox = inbox
        self._patience = _Patience()

    def check(self, posted: Posted) -> Kept | None:
        """What is to be kept of a delivery; None if a thread should take it.

        That is all that must ask the database, or is refused; and every delivery while spans are told, which
        are a thread's.
        """
        if watching.tells_spans() or not self._deliveries.is_quick(posted):
            return None
        try:
            checked = self._deliveries.check(posted)
        except Busy:
            return None
        return checked if isinstance(checked, Kept) else None

    def keep(self, kept: Sequence[Kept], say: Say) -> None:
        """Return at once; the answers are said once all are durable, or known not to be."""
        waiting = _Waiting(kept, say)
        self._patience.mind(waiting)
        self._inbox.hand_over_all(kept, waiting.tell)


class _Waiting:
    """Deliveries that wait for their answers, which they have from whoever tells first."""

    __slots__ = ("_kept", "_open", "_say", "due")

    def __init__(self, kept: Sequence[Kept], say: Say) -> None:
        self.due = time.monotonic() + promises.ANSWER_SECONDS
        self._kept = kept
        self._say = say
        self._open = threading.Lock()

    @property
    def is_over(self) -> bool:
        return self._open.locked()

    def tell(self, failures: Sequence[Busy | None]) -> None:
        if self._open.acquire(blocking=False):
            told = zip(self._kept, failures, strict=True)
            self._say([kept_answer(kept) if busy is None else too_busy(busy) for kept, busy in told])

    def give_up(self) -> None:
        self.tell([Busy(promises.TOO_SLOW)] * len(self._kept))


class _Patience:
    """Ends the waiting of those whom nobody tells anything.

    All wait equally long, so that one timer minds the oldest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._timer: threading.Timer | None = None

    def mind(self, waiting: _Waiting) -> None:
        with self._lock:
            self._drop_those_told()
            self._waiting.append(waiting)
            if self._timer is None:
                self._start_timer()

    def _look(self) -> None:
        late = []
        now = time.monotonic()
        with self._lock:
            while self._waiting and (self._waiting[0].is_over or self._waiting[0].due <= now):
                late.append(self._waiting.popleft())
            self._timer = None
            if self._waiting:
                self._start_timer()
        for waiting in late:
            waiting.give_up()

    def _drop_those_told(self) -> None:
        while self._waiting and self._waiting[0].is_over:
            self._waiting.popleft()

    def _start_timer(self) -> None:
        left = self._waiting[0].due - time.monotonic()
        self._timer = threading.Timer(max(left, 0), self._look)
        self._timer.daemon = True
        self._timer.start()

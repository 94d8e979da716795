"""Who may still be written to: looked up before a batch is called out, and anew while its calls go on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Lock

from app import commits
from app.db import Database
from app.errors import Busy
from app.messaging import last_look
from app.stores import stopping
from connectors.sending import Outcome, OutgoingMessage, SendResult

FRESH_SECONDS = 0.02
"""How old a look may be that a call is begun by: a no that stood so long is never called out any more."""
SLOWEST_SECONDS = 5.0
"""A look that takes longer lets nobody go: what it saw is old, and the claim may end before the call."""
_STOPPED = SendResult(Outcome.RETRY, error="not called: everything was stopped")
_REFUSED = SendResult(Outcome.RETRY, error="not called: its recipient said no meanwhile")
_UNSEEN = SendResult(Outcome.RETRY, error="not called: nobody could see who said no meanwhile")


class LastLook:
    """What of a batch is kept back by now; asked before each call, by the thread that makes it.

    Who asks gets what a look found that began within `FRESH_SECONDS` before, or since. Where there is none,
    one thread looks, and those that ask meanwhile wait for what it finds. Nobody is let by a look that took
    longer than `SLOWEST_SECONDS`.

    Args:
        look: which of these messages are kept back now, and why; may raise Busy.
        is_changed: whether anything was committed since it was last asked; may raise Busy.
        clock: monotonic seconds.

    Attributes:
        kept_back: what the last look found, by the messages' ids.
    """

    def __init__(
        self,
        ids: Sequence[str],
        look: Callable[[Sequence[str]], Mapping[str, SendResult]],
        is_changed: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._ids = ids
        self._let: set[str] = set()
        self._found = look
        self._is_changed = is_changed
        self._clock = clock
        self._lock = Lock()
        self._under_way: Event | None = None
        self.kept_back: Mapping[str, SendResult] = {}
        self._began_at = self._look()

    def lets(self, message_id: str) -> bool:
        """Whether the message may still leave; never raises for what the database does."""
        oldest = self._clock() - FRESH_SECONDS
        while self._began_at < oldest:
            self._look_or_wait()
        is_let = message_id not in self.kept_back
        if is_let:
            self._let.add(message_id)
        return is_let

    def _look_or_wait(self) -> None:
        """Look if nobody does, else wait for that one: all go on at once, as a lock would not let them."""
        with self._lock:
            is_over, is_mine = self._under_way or Event(), self._under_way is None
            self._under_way = is_over
        if not is_mine:
            is_over.wait()
            return
        try:
            self._began_at = self._look()
        finally:
            with self._lock:
                self._under_way = None
            is_over.set()

    def _look(self) -> float:
        began_at = self._clock()
        waiting = [one for one in self._ids if one not in self._let]
        try:
            if self._is_changed():
                self.kept_back = self._found(waiting)
            is_seen = self._clock() - began_at <= SLOWEST_SECONDS
        except Busy:
            is_seen = False
        if not is_seen:
            self.kept_back = dict.fromkeys(waiting, _UNSEEN)
        return began_at


@contextmanager
def over(
    database: Database,
    store_id: int,
    messages: Sequence[OutgoingMessage],
    clock: Callable[[], float],
    *,
    since: object = None,
) -> Iterator[LastLook]:
    """A batch's last look, as long as it is called out; the first one is made at once.

    Args:
        database: sees the store's rows.
        since: the mark (`app/commits.py`) of the claim, if the batch is of one: where nobody wrote since, the
            gate itself saw all that a look would see.
    """

    def look(ids: Sequence[str]) -> Mapping[str, SendResult]:
        with database.read() as session:
            if stopping.is_stopped(session, store_id):
                return dict.fromkeys(ids, _STOPPED)
            refused = last_look.refused_meanwhile(session, store_id, sorted(map(int, ids)))
        return {str(number): _REFUSED for number in refused}

    with commits.since_asked(database, since) as is_changed:
        yield LastLook([message.message_id for message in messages], look, is_changed, clock)

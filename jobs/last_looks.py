"""Who may still be written to: looked up before a batch is called out, and anew while its calls go on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock

from app import written
from app.db import Database
from app.errors import Busy
from app.messaging import last_look
from app.stores import stopping
from connectors.sending import Outcome, OutgoingMessage, SendResult

FRESH_SECONDS = 0.02
"""How old a look may be that a call is begun by: a no that stood so long is never called out any more."""
_STOPPED = SendResult(Outcome.RETRY, error="not called: everything was stopped")
_REFUSED = SendResult(Outcome.RETRY, error="not called: its recipient said no meanwhile")
_UNSEEN = SendResult(Outcome.RETRY, error="not called: nobody could see who said no meanwhile")


class LastLook:
    """What of a batch is kept back by now; asked before each call, by the thread that makes it.

    Who asks gets what a look found that began within `FRESH_SECONDS` before, or since. Where there is none,
    one thread looks, and those that ask meanwhile wait for what it finds.

    Args:
        look: what is kept back now, and why; may raise Busy.
        is_changed: whether anything was committed since it was last asked; may raise Busy.
        clock: monotonic seconds.

    Attributes:
        kept_back: what the last look found, by the messages' ids.
    """

    def __init__(
        self,
        ids: Sequence[str],
        look: Callable[[], Mapping[str, SendResult]],
        is_changed: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._ids = ids
        self._found = look
        self._is_changed = is_changed
        self._clock = clock
        self._lock = Lock()
        self.kept_back: Mapping[str, SendResult] = {}
        self._began_at = self._look()

    def lets(self, message_id: str) -> bool:
        """Whether the message may still leave; never raises for what the database does."""
        oldest = self._clock() - FRESH_SECONDS
        if self._began_at < oldest:
            with self._lock:
                # Another thread may have looked while this one waited.
                if self._began_at < oldest:
                    self._began_at = self._look()
        return message_id not in self.kept_back

    def _look(self) -> float:
        began_at = self._clock()
        try:
            if self._is_changed():
                self.kept_back = self._found()
        except Busy:
            self.kept_back = dict.fromkeys(self._ids, _UNSEEN)
        return began_at


@contextmanager
def over(
    database: Database, store_id: int, messages: Sequence[OutgoingMessage], clock: Callable[[], float]
) -> Iterator[LastLook]:
    """A batch's last look, as long as it is called out; the first one is made at once.

    Args:
        database: sees the store's rows.
    """
    ids = {int(message.message_id): message.message_id for message in messages}

    def look() -> Mapping[str, SendResult]:
        with database.read() as session:
            if stopping.is_stopped(session, store_id):
                return dict.fromkeys(ids.values(), _STOPPED)
            refused = last_look.refused_meanwhile(session, store_id, sorted(ids))
        return {ids[number]: _REFUSED for number in refused}

    with written.since_asked(database) as is_changed:
        yield LastLook(list(ids.values()), look, is_changed, clock)

"""The alarm of a worker's process: one thread that listens, and has the stages of a message run at once."""

import threading
from collections.abc import Callable

import structlog

from app import wakeups
from app.db import Database
from app.errors import Busy

log = structlog.get_logger()
PATH = ("inbox", "flows", "confirmations", "outbox")
"""The stages from a delivery to its message, in the order in which they leave work for each other."""
_STARTS = {wakeups.INBOX: "inbox", wakeups.FLOWS: "flows", wakeups.OUTBOX: "outbox"}
_AGAIN_SECONDS = 1.0


class Alarm:
    """Listens from `open()` to `close()`; never on SQLite.

    Args:
        look: runs the stage of that name until it finds nothing; another turn of it may be under way.
    """

    def __init__(self, database: Database, look: Callable[[str], None]) -> None:
        self._database = database
        self._look = look
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="alarm", daemon=True)

    def open(self) -> None:
        """Begin to listen."""
        if not self._database.is_sqlite:
            self._thread.start()

    def close(self) -> None:
        """Stop listening, and wait for what was begun."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                for called in wakeups.calls(self._database, self._closed.is_set):
                    self._follow(called)
            except Busy:
                log.warning("not listening: every stage goes on at its own turns")
                self._closed.wait(_AGAIN_SECONDS)

    def _follow(self, called: set[str]) -> None:
        """Run the path from the earliest stage that is called for."""
        first = min((PATH.index(_STARTS[one]) for one in called if one in _STARTS), default=len(PATH))
        for stage in PATH[first:]:
            if not self._closed.is_set():
                self._look(stage)

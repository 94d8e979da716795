"""That providers can reach us is noted every half minute: silence means nothing while nobody listens."""

import threading

import structlog

from app import clock
from app.db import Database
from app.errors import Busy
from app.messaging import silence

log = structlog.get_logger()


class Ear:
    """A thread of a serving process that says so; what it could not note counts as not listening."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="ear", daemon=True)

    def open(self) -> None:
        """Begin to note."""
        self._thread.start()

    def close(self) -> None:
        """Stop noting, and wait for it."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _listen(self) -> None:
        while True:
            try:
                with self._database.write() as session:
                    silence.beat(session, clock.now())
            except Busy:
                log.warning("heartbeat missed")
            if self._closed.wait(silence.BEAT_SECONDS):
                return

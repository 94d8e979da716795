"""A waitress server on a thread of its own, for the time of a block."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from waitress import wasyncore


@contextmanager
def running(server: Any) -> Iterator[None]:
    """Serve; at the end the server's own loop closes what is open, and so comes to its end without a wait.

    A socket that another thread closes while the loop is about to look at it ends the loop with an error.
    """
    thread = threading.Thread(target=server.run, name="server", daemon=True)
    thread.start()
    try:
        yield
    finally:
        # The loop may be awake: then it closes the trigger, too, before it is pulled.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
        thread.join()
        server.task_dispatcher.shutdown()

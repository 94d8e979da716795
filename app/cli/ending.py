"""How a process hears that it is to end."""

import signal
from collections.abc import Callable
from types import FrameType


def on_termination(stop: Callable[[], None]) -> None:
    """Call this when the process is asked to end."""

    def _stop(_number: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, _stop)

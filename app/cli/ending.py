"""How a process hears that it is to end."""

import signal
from collections.abc import Callable
from types import FrameType


def on_termination(stop: Callable[[], None], *signals: signal.Signals) -> None:
    """Call this when the process is asked to end, by SIGTERM where no signal is named."""

    def _stop(_number: int, _frame: FrameType | None) -> None:
        stop()

    for number in signals or (signal.SIGTERM,):
        signal.signal(number, _stop)

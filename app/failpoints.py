"""Named places where a test may kill the process for real (`FAILPOINTS=name=probability,…`).

The names are `<joint>.<step>`, and stay: tests and benchmarks count deaths by them.
"""

import os
import random
import signal

_armed: dict[str, float] = {}


def arm(text: str) -> None:
    """Set the places that kill, from the setting's text; an empty text disarms all.

    Raises:
        ValueError: a part is not `name=probability`.
    """
    _armed.clear()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, probability = part.partition("=")
        _armed[name] = float(probability)


def reached(name: str) -> None:
    """Die here, as by kill -9, if the dice say so."""
    probability = _armed.get(name)
    if probability is not None and random.random() < probability:
        os.kill(os.getpid(), signal.SIGKILL)

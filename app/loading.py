"""How a process loads what it stays with: undisturbed, and without what it never uses."""

import gc
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app import heap

_NOT_TAKEN = ("rich", "greenlet", "charset_normalizer", "chardet")
"""Taken wherever they are found, and never used by us.

By structlog for what our logs never hold: 4 MiB and a tenth of a start. By requests, another 2.6 MiB, to
guess the encoding of a text: we read bytes. It can do without, and says so in a warning.
"""
_SAID_OF_IT = "Unable to find acceptable character detection dependency"
_COLLECTED_AFTER = (20_000, 20, 20)
"""Objects more than before, until the youngest are looked at; rounds of them, until the older ones are."""


@contextmanager
def loading() -> Iterator[None]:
    """Load in this block what the process keeps: a fifth quicker, for no collection looks at it, now or ever.

    A collector that is on goes over all that is loaded so far again and again, and finds nothing to free.
    """
    was_on, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    barred = _bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _SAID_OF_IT)
            yield
    finally:
        for name in barred:
            del sys.modules[name]
        if len(sys.modules) > before:
            keep_loaded()
        if was_on:
            gc.enable()


def keep_loaded() -> None:
    """Take what is loaded by now out of the garbage collector's rounds.

    It stays as long as the process; looking at it again and again cost a tenth of the work on a batch. What
    a batch makes goes with it, too: looked at after every 700 objects it cost three hundredths of the rest.
    Threads begin after this, and share two arenas.
    """
    heap.use_few_arenas()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)


def _bar() -> list[str]:
    """Have the import of a package fail as if it were not installed, where nobody has it yet."""
    modules: dict[str, Any] = sys.modules
    barred = [name for name in _NOT_TAKEN if name not in modules]
    modules.update(dict.fromkeys(barred))
    return barred

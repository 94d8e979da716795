"""How much a bar asks of a test: the numbers of the promise, small ones for a rehearsal, or the test's own.

The same test may run with every `make test`, and then with its own number.
"""

import os
from collections.abc import Callable
from enum import StrEnum

Note = Callable[[str, object], None]
"""How a test notes a figure: by the fixture `record_property` of pytest, which puts it into its report."""
VARIABLE = "BARS_SCALE"


class Scale(StrEnum):
    """How a bar is run."""

    FULL = "full"
    QUICK = "quick"


def asked(ordinary: int, *, full: int | None = None, quick: int) -> int:
    """The number for this run; `full` is the ordinary one where a bar asks for no more than that."""
    by_scale = {Scale.FULL: full or ordinary, Scale.QUICK: quick}
    named = os.environ.get(VARIABLE)
    return by_scale[Scale(named)] if named else ordinary

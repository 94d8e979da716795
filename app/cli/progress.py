"""How far something slow is, on standard error: redrawn on a terminal, a line now and then elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

_REDRAWN_AFTER_SECONDS, _A_LINE_AFTER_SECONDS = 0.5, 10.0


class Progress:
    """Tells of work that has steps, each of so many rows; of what is over before anybody wonders, nothing."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._told_at = monotonic()
        self.is_line_open = False

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """Say it, unless that was said a moment ago."""
        now = monotonic()
        if now - self._told_at < (_REDRAWN_AFTER_SECONDS if self._is_terminal else _A_LINE_AFTER_SECONDS):
            return
        self._told_at = now
        text = f"  {step}: {done:,} rows" if total is None else f"  {step}: {done:,} of {total:,} rows"
        # What was longer before is wiped out.
        line = f"\r\033[K{text}" if self._is_terminal else f"{text}\n"
        print(line, end="", file=sys.stderr, flush=True)
        self.is_line_open = self._is_terminal


@contextmanager
def telling() -> Iterator[Progress]:
    """Tell of the work in this block, and leave the line to whatever comes."""
    progress = Progress()
    try:
        yield progress
    finally:
        if progress.is_line_open:
            print(file=sys.stderr, flush=True)

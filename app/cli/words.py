"""What may stand on the command line: one line says what may not."""

import argparse
from datetime import UTC, datetime
from typing import NoReturn

_LARGEST = 2**63 - 1
STARTED_AT = "as if the first start were then, to repeat a run (default: now)"
"""What `--started-at` is for."""
PORT_WAY_OUT = "end what listens there, or name another one by --port or PORT"
"""What to do about a port that cannot be opened."""


class Parser(argparse.ArgumentParser):
    """Tells a mistake in one line, and where the usage is found."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with status 2."""
        self.exit(2, f"ritorno: {message}; `{self.prog} --help` shows how\n")


def number(word: str) -> int:
    """A whole number from 1 on, as a database can hold it: a row's, or how many.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    return _between(word, 1, _LARGEST)


def port(word: str) -> int:
    """A port; 0 is the one that is usual.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    return _between(word, 0, 65_535)


def aware(word: str) -> datetime:
    """A moment with its zone, as 2026-11-02T09:00:00Z.

    Raises:
        ValueError: it is none; argparse tells of that.
    """
    moment = datetime.fromisoformat(word)
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return moment.astimezone(UTC)


def _between(word: str, least: int, most: int) -> int:
    if not word.isascii() or not word.isdigit() or not least <= int(word) <= most:
        raise argparse.ArgumentTypeError(f"{word!r} is no whole number from {least} to {most}")
    return int(word)

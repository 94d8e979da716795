"""The command `ritorno`."""

from collections.abc import Sequence
from importlib import import_module

from app.loading import loading

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    with loading():
        parser = import_module("app.cli.parser")
    status: int = parser.main(argv)
    return status

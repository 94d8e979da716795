"""The command `ritorno`."""

from app.cli.parser import main

__all__ = ["main"]

"""The way to merchants' Liquid, which is loaded with the first text that is read or filled.

The library and what it brings are 3 MiB and a twentieth of a start; a web process whose pages show no message
never needs them.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from app.messaging.formats import Formats

if TYPE_CHECKING:
    from app.messaging.guards import Scope
    from app.messaging.templating import Template


def parse(source: str, variables: frozenset[str]) -> "Template":
    """See `templating.parse`."""
    template: Template = _loaded().parse(source, variables)
    return template


def used(source: str) -> frozenset[str]:
    """See `templating.used`."""
    names: frozenset[str] = _loaded().used(source)
    return names


def line_of(error: BaseException | None) -> int | None:
    """See `templating.line_of`."""
    line: int | None = _loaded().line_of(error)
    return line


def scope(values: Mapping[str, object], reader: Formats) -> "Scope":
    """See `templating.scope`."""
    made: Scope = _loaded().scope(values, reader)
    return made


@cache
def _loaded() -> Any:
    return import_module("app.messaging.templating")

"""What SQLAlchemy has for one engine and not for the other, by the engine's name."""

from types import ModuleType
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

_OF: dict[str, ModuleType] = {"postgresql": postgresql, "sqlite": sqlite}


def insert_into(name: str, table: Table) -> Any:
    """An INSERT as the engine has it, with ON CONFLICT."""
    return _OF[name].insert(table)


def writer_of(name: str) -> Any:
    """The dialect itself, which writes statements out."""
    return _OF[name].dialect()

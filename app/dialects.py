"""What SQLAlchemy knows of one engine, loaded by the engine's name: a process has to do with one of them."""

from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import Table


def insert_into(name: str, table: Table) -> Any:
    """An INSERT as `sqlite` or `postgresql` has it, with ON CONFLICT."""
    return _of(name).insert(table)


def writer_of(name: str) -> Any:
    """The dialect itself, which writes statements out."""
    return _of(name).dialect()


@cache
def _of(name: str) -> Any:
    return import_module(f"sqlalchemy.dialects.{name}")

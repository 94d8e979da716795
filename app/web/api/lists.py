"""What every list of the API shares: limit, cursor, filters and the envelope."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from app.db import Base, table_of, unindexed
from app.errors import BadInput
from app.web import paging
from app.web.context import LARGEST_ID

DEFAULT_LIMIT = 50
MAX_LIMIT = 250

Row = TypeVar("Row")
Model = TypeVar("Model", bound=Base)
Json = dict[str, Any]


def page(
    session: Session, statement: Select[Row], id_column: Any, *, sift: Sequence[ColumnElement[bool]] = ()
) -> paging.Page[Row]:
    """One page of rows by rising id, as `limit` and `cursor` of the request ask.

    Args:
        sift: what no index leads to; the page is sought among some tens of thousands of rows.

    Raises:
        BadInput: limit or cursor cannot be used.
    """
    order = paging.Order((id_column,))
    cursor = request.args.get("cursor")
    return paging.fetch(session, statement, order, cursor=cursor, limit=asked_limit(), sift=sift)


def rows_by_id(model: type[Model], store_id: int) -> Select[Model]:
    """The rows of a store for a list that nothing narrows to a few: both engines go along the ids.

    No index holds these tables by store and id, and SQLite would rather sort all rows of the store.
    """
    return select(model).where(unindexed(table_of(model).c.store_id) == store_id)


def envelope(found: paging.Page[Row], shape: Callable[[Row], Json]) -> Json:
    """`{"data": […], "next": cursor or null}`."""
    return {"data": [shape(row) for row in found.rows], "next": found.next}


def check_filters(*known: str) -> None:
    """Refuse a filter that the route does not have: ignoring it would answer another question.

    Raises:
        BadInput: the query names something else.
    """
    for name in request.args:
        if name not in (*known, "limit", "cursor"):
            raise BadInput(f"this list cannot be filtered by {name}", name)


def check_one_page() -> None:
    """Refuse a limit that is none, and every cursor: a list of one page never gave one away.

    Raises:
        BadInput: limit or cursor cannot be used.
    """
    asked_limit()
    if request.args.get("cursor"):
        raise BadInput("this cursor is not one of ours", "cursor")


def text_filter(name: str) -> str | None:
    """A filter's text, or None if it is not asked for."""
    return request.args.get(name) or None


def id_filter(name: str) -> int | None:
    """A filter that names a row of ours.

    Raises:
        BadInput: it is no id.
    """
    text = request.args.get(name)
    return None if text is None else as_id(text, name)


def choice_filter(name: str, choices: Sequence[str]) -> str | None:
    """A filter out of a few words.

    Raises:
        BadInput: another word.
    """
    text = request.args.get(name)
    if text is not None and text not in choices:
        raise BadInput(f"{name} is one of: {', '.join(choices)}", name)
    return text


def as_id(text: str, name: str) -> int:
    """A row's id from text.

    Raises:
        BadInput: it is none.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= LARGEST_ID and len(text) < 20):
        raise BadInput(f"{name} is the id of a row: a whole number", name)
    return int(text)


def asked_limit() -> int:
    """How many rows the request asks for.

    Raises:
        BadInput: none that a list gives.
    """
    text = request.args.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_LIMIT):
        raise BadInput(f"limit is a whole number from 1 to {MAX_LIMIT}", "limit")
    return int(text)

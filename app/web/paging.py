"""Keyset pages: an opaque cursor that names the last row seen, never an offset."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, and_, or_, select, union_all
from sqlalchemy.orm import Session

from app.db import UtcDateTime, from_micros, to_micros
from app.errors import BadInput
from connectors import exact_json

Row = TypeVar("Row")
_LARGEST = 2**63 - 1
LOOKS = (2_000, 58_000)
"""Through how many rows one page is sought where no index leads to those that are meant: first a few."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows and the cursor of what follows; None when nothing does.

    Attributes:
        looked: through how many rows it was sought in vain for a full page; None where it was not given up.
    """

    rows: Sequence[Row]
    next: str | None
    looked: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The one or two columns that put the rows in order, all the same way; the last must be unique."""

    columns: Sequence[Any]
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Kinds:
    """A column whose few values lead the index by which the rows are found in order.

    Whoever asks for rows of all kinds takes some of each, and of these the first: no index of its own. The
    order is that of one column, the id.
    """

    column: Any
    values: Sequence[Any]


def fetch(
    session: Session,
    statement: Select[Row],
    order: Order,
    *,
    cursor: str | None,
    limit: int,
    kinds: Kinds | None = None,
    sift: Sequence[ColumnElement[bool]] = (),
) -> Page[Row]:
    """The rows after the cursor, at most `limit`.

    Args:
        sift: what rows must be besides, which no index leads to. A page is then sought through so many rows
            as LOOKS adds up to, however many the statement has; it may be short, and still have a next one.

    Raises:
        BadInput: the cursor was not made by us for this order.
    """
    if sift:
        return _sifted(
            session, statement, order, sift, at=_position(cursor, order) if cursor else None, limit=limit
        )
    if cursor:
        statement = statement.where(_beyond(order, _position(cursor, order)))
    if kinds is not None:
        # Asked for first: within the statement SQLite would go through all of the store's rows for them.
        some = sorted(session.scalars(_first_of_each(statement, order, kinds, limit + 1)))
        first = some[-limit - 1 :] if order.is_descending else some[: limit + 1]
        statement = statement.where(order.columns[-1].in_(first))
    rows = list(session.scalars(_ordered(statement, order).limit(limit + 1)))
    has_more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, _cursor_of(rows[-1], order) if has_more else None)


def merged(pages: Sequence[Page[Row]], order: Order, *, limit: int) -> Page[Row]:
    """One page of what several sources have after one cursor, in one order; none of several was sifted."""
    if len(pages) == 1:
        return pages[0]
    names = [column.key for column in order.columns]
    rows = [row for page in pages for row in page.rows]
    rows.sort(key=attrgetter(*names), reverse=order.is_descending)
    has_more = len(rows) > limit or any(page.next for page in pages)
    rows = rows[:limit]
    return Page(rows, _cursor_of(rows[-1], order) if has_more else None)


def _sifted(
    session: Session,
    statement: Select[Row],
    order: Order,
    conditions: Sequence[ColumnElement[bool]],
    *,
    at: Sequence[Any] | None,
    limit: int,
) -> Page[Row]:
    """The rows that are so among the next ones in the order of their ids: of a few, then of many more."""
    column = order.columns[-1]
    rows: list[Row] = []
    for look in LOOKS:
        ahead = statement if at is None else statement.where(_beyond(order, at))
        last = _ordered(ahead.with_only_columns(column), order).limit(1).offset(look - 1)
        edge = session.execute(last).scalar_one_or_none()
        if edge is not None:
            ahead = ahead.where(column >= edge if order.is_descending else column <= edge)
        meant = _ordered(ahead.where(*conditions), order).limit(limit + 1 - len(rows))
        rows += session.scalars(meant)
        if len(rows) > limit:
            return Page(rows[:limit], _cursor_of(rows[limit - 1], order))
        if edge is None:
            return Page(rows, None)
        at = [edge]
    return Page(rows, _cursor(at or ()), looked=sum(LOOKS))


def _ordered(statement: Select[Any], order: Order) -> Select[Any]:
    for column in order.columns:
        statement = statement.order_by(column.desc() if order.is_descending else column)
    return statement


def _first_of_each(statement: Select[Any], order: Order, kinds: Kinds, limit: int) -> Select[Any]:
    """The ids of the first rows of each kind."""
    ids = _ordered(statement.with_only_columns(order.columns[-1]), order).limit(limit)
    parts = [ids.where(kinds.column == value).subquery() for value in kinds.values]
    return select(union_all(*(select(part) for part in parts)).subquery())


def _beyond(order: Order, position: Sequence[Any]) -> ColumnElement[bool]:
    """What comes after; a range on the first column, so that its index leads."""
    first, last = order.columns[0], order.columns[-1]
    after: ColumnElement[bool] = last < position[-1] if order.is_descending else last > position[-1]
    if len(order.columns) == 1:
        return after
    beyond = first < position[0] if order.is_descending else first > position[0]
    up_to = first <= position[0] if order.is_descending else first >= position[0]
    return and_(up_to, or_(beyond, after))


def _cursor_of(row: object, order: Order) -> str:
    return _cursor([getattr(row, column.key) for column in order.columns])


def _cursor(values: Sequence[Any]) -> str:
    plain = [to_micros(value) if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode("ascii").rstrip("=")


def _position(cursor: str, order: Order) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(exact_json.shallow(base64.urlsafe_b64decode(padded.encode("ascii"))))
        return [_typed(value, column) for value, column in zip(values, order.columns, strict=True)]
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise BadInput("this cursor is not one of ours", "cursor") from error


def _typed(value: Any, column: Any) -> Any:
    """The value as the column compares it.

    Raises:
        ValueError: the column could not hold it.
    """
    if type(value) is not int or abs(value) > _LARGEST:
        raise ValueError("not a position")
    return from_micros(value) if isinstance(column.type, UtcDateTime) else value

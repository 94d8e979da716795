"""What became of old messages and ended journeys, counted once: a flow's page reads sums for years of them.

A row joins the sums when it is old, and is marked in the same transaction. Whoever changes what was counted
of a marked row takes it back first: it is an ordinary row again until the next night. So sums and unmarked
rows together are at every moment what a count of all rows is.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    Update,
    bindparam,
    false,
    func,
    literal,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, is_one_of, table_of, unindexed, upsert
from app.models import Enrollment, FlowTally, Message
from app.models.enrollment import ACTIVE
from app.models.flow_tally import JOURNEYS, MESSAGES
from app.models.message import FINAL_STATES

LETTERS, ENROLLMENTS, TALLIES = table_of(Message), table_of(Enrollment), table_of(FlowTally)
AGE = timedelta(days=45)
"""When nearly nothing is told of a message any more, and its content is not kept either."""
A_COMMIT = 5_000
_KEY = ("store_id", "flow_key", "kind", "step", "state", "reason")


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that are counted: by which columns, and which of them are over.

    Attributes:
        clicked: set in those that were clicked; None where nothing is.
        since: from when on they age.
    """

    name: str
    table: Table
    state: Column[Any]
    reason: Column[Any]
    clicked: Column[Any] | None
    since: Column[Any]
    is_over: ColumnElement[bool]


_MESSAGES = Kind(
    name=MESSAGES,
    table=LETTERS,
    state=LETTERS.c.status,
    reason=LETTERS.c.reason,
    clicked=LETTERS.c.clicked_at,
    since=LETTERS.c.created_at,
    is_over=is_one_of(unindexed(LETTERS.c.status), FINAL_STATES),
)
_JOURNEYS = Kind(
    name=JOURNEYS,
    table=ENROLLMENTS,
    state=ENROLLMENTS.c.state,
    reason=ENROLLMENTS.c.exit_reason,
    clicked=None,
    since=ENROLLMENTS.c.ended_at,
    is_over=unindexed(ENROLLMENTS.c.state) != ACTIVE,
)
_KINDS = (_MESSAGES, _JOURNEYS)


def add(session: Session, store_id: int, now: datetime) -> int:
    """Count a batch of a store's rows that are old by now, of each kind; how many there were."""
    given = {"store": store_id, "before": now - AGE, "most": A_COMMIT}
    old = ((kind, session.execute(_OLD[kind.name], given).scalars().all()) for kind in _KINDS)
    return _move(session, store_id, old, by=1)


def take_back(session: Session, store_id: int, message_ids: Sequence[int]) -> None:
    """These messages are about to change: those that were counted are ordinary rows again."""
    _move(session, store_id, [(_MESSAGES, sorted(message_ids))], by=-1)


def messages_of(store_id: int, flow_key: str) -> CompoundSelect[Any]:
    """How a flow's messages stand: step, status, reason, how many and how many of them clicked.

    One statement, because a row moves from one part to the other.
    """
    return _whole(_MESSAGES, store_id, flow_key)


def journeys_of(store_id: int, flow_key: str) -> CompoundSelect[Any]:
    """How a flow's journeys stand: step, state, reason, how many, 0; of those under way the version, too."""
    return _whole(_JOURNEYS, store_id, flow_key, ENROLLMENTS.c.version_id)


def _whole(kind: Kind, store_id: int, flow_key: str, *others: Column[Any]) -> CompoundSelect[Any]:
    clicked: ColumnElement[int] = literal(0) if kind.clicked is None else func.count(kind.clicked)
    table = kind.table
    grouped = (table.c.step, kind.state, kind.reason)
    counted = (func.count().label("n"), clicked.label("clicked"))
    fresh = (
        select(table.c.step, kind.state.label("state"), kind.reason.label("reason"), *counted, *others)
        .where(table.c.store_id == store_id, table.c.flow_key == flow_key, table.c.is_tallied == false())
        .group_by(*grouped, *others)
    )
    kept = select(
        *(TALLIES.c[name] for name in ("step", "state", "reason", "n", "clicked")),
        *(literal(0) for _ in others),
    ).where(
        TALLIES.c.store_id == store_id,
        TALLIES.c.flow_key == flow_key,
        TALLIES.c.kind == kind.name,
        TALLIES.c.n > 0,
    )
    return union_all(fresh, kept)


def _old(kind: Kind) -> Select[Any]:
    table = kind.table
    return (
        select(table.c.id)
        .where(
            table.c.store_id == bindparam("store"),
            table.c.is_tallied == false(),
            kind.is_over,
            kind.since < bindparam("before", type_=UtcDateTime),
        )
        # Led by what is over, each batch would go through all that was counted before.
        .order_by(table.c.flow_key)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


def _marking(kind: Kind, by: int) -> Update:
    """Of the rows named those that are not marked so yet."""
    table = kind.table
    clicked = literal(None) if kind.clicked is None else kind.clicked
    return (
        update(table)
        .where(
            unindexed(table.c.store_id) == bindparam("store"),
            Among(table.c.id, "ids"),
            table.c.is_tallied == (false() if by > 0 else true()),
        )
        .values(is_tallied=by > 0)
        .returning(table.c.flow_key, table.c.step, kind.state, kind.reason, clicked)
    )


_OLD = {kind.name: _old(kind) for kind in _KINDS}
_MARKING = {(kind.name, by): _marking(kind, by) for kind in _KINDS for by in (1, -1)}


def _move(session: Session, store_id: int, found: Iterable[tuple[Kind, Sequence[int]]], *, by: int) -> int:
    """Mark the rows and move the sums by them, in the order of their keys; how many rows there were."""
    count, sums = 0, []
    for kind, ids in found:
        asked = {"store": store_id, "ids": ids}
        rows = session.execute(_MARKING[kind.name, by], asked).all() if ids else []
        count += len(rows)
        sums += [
            {"store_id": store_id, "kind": kind.name, **named, "n": by * n, "clicked": by * clicked}
            for named, n, clicked in _groups(rows)
        ]
    upsert(session, TALLIES, sums, key=_KEY, update=(), add=("n", "clicked"))
    return count


def _groups(rows: Iterable[Any]) -> Iterable[tuple[dict[str, str], int, int]]:
    counted, clicked = Counter[tuple[str, str, str, str]](), Counter[tuple[str, str, str, str]]()
    for flow_key, step, state, reason, clicked_at in rows:
        key = flow_key, step, state, reason or ""
        counted[key] += 1
        clicked[key] += clicked_at is not None
    for key, n in counted.items():
        yield dict(zip(("flow_key", "step", "state", "reason"), key, strict=True)), n, clicked[key]

"""Which journeys a batch concerns, and what it will ask of the shop for them: so that it is read at once.

What was not foreseen is read when it is asked for (`LiveShop`): foresight decides nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from app import timeline
from app.flows.ahead import Ahead
from app.flows.definition import Definition, Entry
from app.flows.steps import WaitEvent

Types = Mapping[int, Set[str]]
"""The types of a batch's timeline entries, by customer."""


_NOTHING: Set[str] = frozenset()


class Likely(NamedTuple):
    """The subjects of the orders whose products may be asked for, and who may be asked for a review."""

    subjects: frozenset[str]
    people: frozenset[int]


def types_of(events: Iterable[Any]) -> dict[int, set[str]]:
    """What is told of each customer."""
    told: dict[int, set[str]] = {}
    for event in events:
        told.setdefault(event.customer_id, set()).add(event.type)
    return told


def concerned(
    rows: Iterable[Any], told: Types, due_ids: Collection[int], definitions: Mapping[int, Definition]
) -> list[Any]:
    """Those journeys that are due, or that something told of their customers may move on or end."""
    return [
        row
        for row in rows
        if row.id in due_ids or _may_change(row, told.get(row.customer_id, _NOTHING), definitions)
    ]


def _may_change(row: Any, types: Set[str], definitions: Mapping[int, Definition]) -> bool:
    if row.waits_for in types or timeline.ERASED in types:
        return True
    return not _entry(row, definitions).exits_on.keys().isdisjoint(types)


def going_on(rows: Iterable[Any], told: Types, due_ids: Collection[int]) -> list[int]:
    """The ids of those journeys whose wait may be over: they are due, or what they await was told."""
    return sorted(
        row.id for row in rows if row.id in due_ids or row.waits_for in told.get(row.customer_id, _NOTHING)
    )


def look(
    rows: Iterable[Any],
    events: Sequence[Any],
    told: Types,
    *,
    due_ids: Collection[int],
    flows: Iterable[Definition],
    definitions: Mapping[int, Definition],
) -> Likely:
    """What the steps may ask that these journeys come to, and those that begin.

    Args:
        rows: the journeys that the batch concerns.
        flows: the definitions that let somebody in.
        definitions: those that the journeys are on, by the id of the version.
    """
    subjects: set[str] = set()
    people: set[int] = set()
    for row in rows:
        for ahead in _ways_on(row, told.get(row.customer_id, _NOTHING), due_ids, definitions):
            if ahead.asks_goods:
                subjects.add(row.subject)
            if ahead.asks_reviews:
                people.add(row.customer_id)
    asked = [one for flow in flows for entry in flow.entries for one in entry.ahead_on]
    goods_on = {kind for kind, ahead in asked if ahead.asks_goods}
    reviews_on = {kind for kind, ahead in asked if ahead.asks_reviews}
    subjects.update(event.subject for event in events if event.type in goods_on)
    people.update(event.customer_id for event in events if event.type in reviews_on)
    return Likely(frozenset(subjects), frozenset(people))


def _ways_on(
    row: Any, types: Set[str], due_ids: Collection[int], definitions: Mapping[int, Definition]
) -> Iterator[Ahead]:
    """What lies behind the step at which a journey waits, whichever way it goes on."""
    entry = _entry(row, definitions)
    step = entry.step(row.step)
    if step is None:
        return
    if row.id in due_ids:
        yield entry.ahead(entry.step_after(step.id), None)
    if row.waits_for in types:
        yield entry.ahead(step.came if isinstance(step, WaitEvent) else entry.step_after(step.id), None)


def _entry(row: Any, definitions: Mapping[int, Definition]) -> Entry:
    return definitions[row.version_id].entry(row.context["entry"])

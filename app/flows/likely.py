"""Which journeys a batch concerns, and what it will ask of the shop for them: so that it is read at once.

What was not foreseen is read when it is asked for (`Foreseen`): foresight decides nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app import timeline
from app.flows.ahead import Ahead
from app.flows.definition import Definition, Entry
from app.flows.steps import WaitEvent
from app.messaging.conditions import Asked

Types = Mapping[int, Set[str]]
"""The types of a batch's timeline entries, by customer."""


_NOTHING: Set[str] = frozenset()


class Likely(NamedTuple):
    """What may be asked for.

    Attributes:
        goods: the subjects of the orders whose products are.
        waiting: those among them whose products tell how long to wait.
        people: who may be asked for a review.
        subjects: those whose order or checkout a condition looks at.
        journeys: the ids of those whose messages or codes one looks at.
        beginners: the customers who may begin a journey.
    """

    goods: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    people: frozenset[int] = frozenset()
    subjects: frozenset[str] = frozenset()
    journeys: frozenset[int] = frozenset()
    beginners: frozenset[int] = frozenset()


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
    likely = _Likely()
    for row in rows:
        for ahead in _ways_on(row, told.get(row.customer_id, _NOTHING), due_ids, definitions):
            likely.note(ahead, row)
            if ahead.asks is not None and (ahead.asks.codes or ahead.asks.siblings):
                likely.journeys.add(row.id)
    entries = [entry for flow in flows for entry in flow.entries]
    moved: dict[str, list[Ahead]] = {}
    for entry in entries:
        for kind, ahead in entry.ahead_on:
            moved.setdefault(kind, []).append(ahead)
    begun = {kind for entry in entries for kind in entry.events if entry.has_messages}
    asked = {kind for entry in entries for kind in entry.events if _is_about(entry.asked)}
    for event in events:
        for ahead in moved.get(event.type, ()):
            likely.note(ahead, event)
        if event.type in begun:
            likely.beginners.add(event.customer_id)
        if event.type in asked:
            likely.subjects.add(event.subject)
    return likely.all()


@dataclass(slots=True)
class _Likely:
    """What was found likely so far."""

    goods: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    people: set[int] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)
    journeys: set[int] = field(default_factory=set)
    beginners: set[int] = field(default_factory=set)

    def note(self, ahead: Ahead, one: Any) -> None:
        """The journey of this row, or one that this entry moves, may come to what lies ahead."""
        if ahead.asks_goods:
            self.goods.add(one.subject)
        if ahead.needs_delay:
            self.waiting.add(one.subject)
        if ahead.asks_reviews:
            self.people.add(one.customer_id)
        if ahead.asks is not None and _is_about(ahead.asks):
            self.subjects.add(one.subject)

    def all(self) -> Likely:
        """All of it."""
        return Likely(*(frozenset(getattr(self, name)) for name in Likely._fields))


def _is_about(asked: Asked) -> bool:
    """Whether they look at the order or the checkout."""
    return asked.order or asked.basket


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

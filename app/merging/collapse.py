"""Which of two people's journeys go on, and which of their messages keep their key. Pure.

A journey is unique by flow, customer and occasion, a message for ever by its step, too. Once two customers
are one, both may have the same: the journey that is further along stays, and of a step that left to either
of them nothing leaves any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from app.models.enrollment import ACTIVE
from app.models.message import COUNTED_STATES, HELD, PREPARING, QUEUED

PLANNED = (QUEUED, PREPARING, HELD)


@dataclass(slots=True)
class Kept:
    """What becomes of the messages of two people.

    Attributes:
        keys: the new key by message, where it changes.
        cancelled: those that must not leave.
        journeys: the journey by message, where it changes.
    """

    keys: dict[int, str] = field(default_factory=dict)
    cancelled: list[int] = field(default_factory=list)
    journeys: dict[int, int] = field(default_factory=dict)


def losers(journeys: Iterable[Any]) -> dict[int, int]:
    """The journeys that another one for the same occasion outdid, each with the one that stays.

    Whoever went through it to the end is further than who is under way; of two under way it is the one that
    advanced more often, then the one that began earlier.
    """
    outdone: dict[int, int] = {}
    ranked = sorted(journeys, key=lambda row: (row.flow_key, row.occurrence, _rank(row)))
    for _, same in groupby(ranked, key=lambda row: (row.flow_key, row.occurrence)):
        first, *rest = same
        outdone |= {row.id: first.id for row in rest}
    return outdone


def occasion_of_outdone(journey_id: int) -> str:
    """The occurrence of a journey that was outdone: no event ever has it."""
    return f"merged:{journey_id}"


def messages(rows: Sequence[Any], *, kept_id: int, outdone: Mapping[int, int]) -> Kept:
    """What becomes of the messages of both people.

    The key that the going journey will use belongs to what left, else to its own message. A message of an
    outdone journey that never left frees the key: the step is still owed.
    """
    kept = Kept()
    keyed = sorted(((_target(row, kept_id), row.id, row) for row in rows), key=lambda item: item[:2])
    for key, same in groupby(keyed, key=lambda item: item[0]):
        _settle(kept, key, [row for _, _, row in same], outdone)
    return kept


def _rank(row: Any) -> tuple[bool, int, Any, int]:
    return row.state == ACTIVE, -row.turn, row.entered_at, row.id


def _target(row: Any, kept_id: int) -> str:
    """The key that the message has as one of the kept customer: flow:step:customer:occurrence."""
    flow, step, _, occurrence = row.key.split(":", 3)
    return f"{flow}:{step}:{kept_id}:{occurrence}"


def _settle(kept: Kept, key: str, same: Sequence[Any], outdone: Mapping[int, int]) -> None:
    entitled = [row for row in same if _has_left(row) or row.enrollment_id not in outdone]
    owner = min(entitled, key=lambda row: (not _has_left(row), row.key != key, row.id), default=None)
    is_over = any(_has_left(row) for row in same)
    for row in same:
        if row.status in PLANNED and (is_over or row is not owner):
            kept.cancelled.append(row.id)
        wanted = key if row is owner else f"{key}|merged:{row.id}"
        if row.key != wanted:
            kept.keys[row.id] = wanted
    if owner is not None and owner.enrollment_id in outdone:
        # The journey that goes on asks what became of its own messages: it must find the one that left.
        going = outdone[owner.enrollment_id]
        kept.journeys |= {row.id: owner.enrollment_id for row in same if row.enrollment_id == going}
        kept.journeys[owner.id] = going


def _has_left(row: Any) -> bool:
    """It reached somebody, or may have."""
    return row.status in COUNTED_STATES

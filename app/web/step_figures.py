"""What became of everybody at each step of a flow: one query each for people, messages and orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import Attribution, Enrollment, Store
from app.models.enrollment import ACTIVE, EXITED
from app.web import figures
from app.web.figures import Money, Sent


@dataclass(slots=True)
class People:
    """Who stands at a step.

    Attributes:
        waiting: how many wait here now; `elsewhere` of them are on other versions than the one that holds.
        left: how many left the journey here, by what ended it.
    """

    waiting: int = 0
    elsewhere: int = 0
    left: dict[str, int] = field(default_factory=dict)

    @property
    def gone(self) -> int:
        """How many left here in all."""
        return sum(self.left.values())


@dataclass(frozen=True, slots=True)
class Figures:
    """A flow's figures: messages and orders by the name of their message, people by the step's id.

    `states` counts journeys by their state.
    """

    sent: Mapping[str, Sent] = field(default_factory=dict)
    brought: Mapping[str, tuple[int, Money]] = field(default_factory=dict)
    people: Mapping[str, People] = field(default_factory=dict)
    states: Mapping[str, int] = field(default_factory=dict)


def of_flow(session: Session, store: Store, key: str, version_id: int) -> Figures:
    """Everything of one flow, over all its versions.

    Args:
        version_id: the one that holds.
    """
    people, states = _people(session, store.id, key, version_id)
    return Figures(figures.by_step(session, store.id, key), _brought(session, store, key), people, states)


def _people(
    session: Session, store_id: int, key: str, version_id: int
) -> tuple[dict[str, People], dict[str, int]]:
    grouped = (Enrollment.state, Enrollment.version_id, Enrollment.step, Enrollment.exit_reason)
    statement = (
        select(*grouped, func.count())
        .where(Enrollment.store_id == store_id, Enrollment.flow_key == key)
        .group_by(*grouped)
    )
    people: dict[str, People] = {}
    states: dict[str, int] = {}
    for state, version, step, reason, count in session.execute(statement):
        states[state] = states.get(state, 0) + count
        at = people.setdefault(step, People())
        if state == ACTIVE:
            at.waiting += count
            at.elsewhere += count if version != version_id else 0
        elif state == EXITED:
            at.left[reason or ""] = at.left.get(reason or "", 0) + count
    return people, states


def _brought(session: Session, store: Store, key: str) -> dict[str, tuple[int, Money]]:
    """How many orders go to each message, and their worth in the store's own currency."""
    statement = (
        select(Attribution.step, func.count(), func.sum(Attribution.amount_minor))
        .where(
            Attribution.store_id == store.id,
            Attribution.currency == store.currency,
            Attribution.flow_key == key,
        )
        .group_by(Attribution.step)
    )
    return {
        step: (count, Money(int(total), store.currency)) for step, count, total in session.execute(statement)
    }

"""What became of everybody at each step of a flow: one query each for people, messages and orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.messaging import tallies
from app.models import Attribution, Store
from app.models.enrollment import ACTIVE, EXITED
from app.web import figures
from app.web.figures import Money, Sent

WINDOW = timedelta(days=30)


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

    Attributes:
        states: how many journeys, by their state.
        lately, ever: what the orders brought in the last thirty days, and in all.
    """

    sent: Mapping[str, Sent]
    brought: Mapping[str, tuple[int, Money]]
    people: Mapping[str, People]
    states: Mapping[str, int]
    lately: Money
    ever: Money


def of_flow(session: Session, store: Store, key: str, version_id: int, *, now: datetime) -> Figures:
    """Everything of one flow, over all its versions.

    Args:
        version_id: the one that holds.
    """
    people, states = _people(session, store.id, key, version_id)
    brought, lately = _brought(session, store, key, now)
    return Figures(
        sent=figures.by_step(session, store.id, key),
        brought=brought,
        people=people,
        states=states,
        lately=lately,
        ever=Money(sum(money.minor for _, money in brought.values()), store.currency),
    )


def _people(
    session: Session, store_id: int, key: str, version_id: int
) -> tuple[dict[str, People], dict[str, int]]:
    people: dict[str, People] = {}
    states: dict[str, int] = {}
    for step, state, reason, count, _, version in session.execute(tallies.journeys_of(store_id, key)):
        states[state] = states.get(state, 0) + count
        at = people.setdefault(step, People())
        if state == ACTIVE:
            at.waiting += count
            at.elsewhere += count if version != version_id else 0
        elif state == EXITED:
            at.left[reason or ""] = at.left.get(reason or "", 0) + count
    return people, states


def _brought(
    session: Session, store: Store, key: str, now: datetime
) -> tuple[dict[str, tuple[int, Money]], Money]:
    """How many orders go to each message, and their worth in the store's own currency; with that of late."""
    recent = case((Attribution.occurred_at > now - WINDOW, Attribution.amount_minor), else_=0)
    statement = (
        select(Attribution.step, func.count(), func.sum(Attribution.amount_minor), func.sum(recent))
        .where(
            Attribution.store_id == store.id,
            Attribution.currency == store.currency,
            Attribution.flow_key == key,
        )
        .group_by(Attribution.step)
    )
    found = session.execute(statement).all()
    brought = {step: (count, Money(int(total), store.currency)) for step, count, total, _ in found}
    return brought, Money(sum(int(row[-1]) for row in found), store.currency)

"""The versions of a flow: published from a draft, listed, and who is still on which.

People in flight stay on the version that they entered, or move by a plan that a member approved: whoever
waits at a step that the new version has as well ends this wait as it was, and goes on by the new version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, false, func, select, update
from sqlalchemy.orm import Session

from app.db import table_of
from app.errors import NotFound
from app.flows import contents, drafts, published, rehearsals
from app.flows.definition import Definition
from app.flows.steps import Step, Wait, WaitEvent, WaitFor
from app.models import Enrollment, Flow, FlowVersion
from app.models.enrollment import ACTIVE

ENROLLMENTS = table_of(Enrollment)
MOST_LISTED = 50
A_BATCH = 2_000
"""People that move in one transaction."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the screens show it."""

    id: int
    number: int
    created_at: datetime
    definition: Definition


@dataclass(frozen=True, slots=True)
class Group:
    """People of one version who wait at one step.

    Attributes:
        definition: their version's, by which they wait.
        may_move: whether the version that they would move to has this wait as well.
    """

    version_id: int
    number: int
    definition: Definition
    step: str
    people: int
    may_move: bool


def listing(session: Session, store_id: int, key: str) -> list[Version]:
    """The latest versions of a flow, the newest first."""
    statement = _of_flow(store_id, key).order_by(FlowVersion.number.desc()).limit(MOST_LISTED)
    return [
        Version(one.id, one.number, one.created_at, Definition.model_validate(one.definition))
        for one in session.scalars(statement)
    ]


def restore(session: Session, store_id: int, key: str, number: int, *, seen: int, now: datetime) -> None:
    """Make what an earlier version did the draft; nothing holds of it until it is published.

    Raises:
        NotFound: there is no such version.
        Stale: somebody else changed the draft meanwhile.
        Unsound: it lacks what the recipe sees to by now.
    """
    earlier = session.scalars(_of_flow(store_id, key).where(FlowVersion.number == number)).one_or_none()
    if earlier is None:
        raise NotFound("this flow has no such version")
    definition = Definition.model_validate(earlier.definition)
    drafts.keep(session, store_id, key, definition, seen=seen, now=now)


def publish(session: Session, store_id: int, key: str, *, seen: int, now: datetime) -> int:
    """Make the draft the version that holds from now on; its number.

    Raises:
        Stale: somebody else changed the draft meanwhile, or there is none any more.
        Unsound: it lacks what the recipe sees to.
        BrokenText: the flow is on, and a text of it cannot be sent.
    """
    flow = drafts.lock(session, store_id, key)
    held = drafts.desk(session, store_id, key)
    if held.draft is None:
        raise drafts.Stale("somebody else changed this flow meanwhile; nothing was published")
    drafts.check(held.origin, held.draft)
    if flow.is_active:
        contents.check_texts(session, store_id, held.draft)
    latest = select(func.max(FlowVersion.number)).where(
        FlowVersion.store_id == store_id, FlowVersion.flow_key == key
    )
    version = FlowVersion(
        store_id=store_id,
        flow_key=key,
        number=session.execute(latest).scalar_one() + 1,
        definition=held.draft.model_dump(mode="json"),
        created_at=now,
    )
    session.add(version)
    session.flush()
    flow.version_id = version.id
    session.flush()
    drafts.keep(session, store_id, key, None, seen=seen, now=now)
    rehearsals.follow(session, store_id, key, revision=seen)
    return version.number


def in_flight(session: Session, store_id: int, key: str, target: Definition) -> list[Group]:
    """Who is on the way, by version and step; the newest version first.

    Args:
        target: the version that they would move to.
    """
    statement = (
        select(Enrollment.version_id, Enrollment.step, func.count())
        .where(
            Enrollment.store_id == store_id,
            Enrollment.flow_key == key,
            Enrollment.state == ACTIVE,
            Enrollment.is_tallied == false(),
        )
        .group_by(Enrollment.version_id, Enrollment.step)
    )
    found = session.execute(statement).all()
    ids = {version_id for version_id, _, _ in found}
    known = published.definitions_of(session, store_id, ids) if ids else {}
    numbers = _numbers(session, store_id, ids)
    groups = [
        Group(one, numbers[one], known[one], step, people, _may_move(known[one], target, step))
        for one, step, people in found
    ]
    return sorted(groups, key=lambda group: (-group.number, group.step))


def move(session: Session, store_id: int, key: str, *, limit: int = A_BATCH) -> int:
    """Let people of earlier versions go on by the one that holds now, at most so many; how many did.

    Their present wait ends as it was: it stands in its timer already.
    """
    flow = drafts.lock(session, store_id, key)
    target = published.definitions_of(session, store_id, {flow.version_id})[flow.version_id]
    groups = [
        group
        for group in in_flight(session, store_id, key, target)
        if group.may_move and group.version_id != flow.version_id
    ]
    done = 0
    for group in groups:
        done += _move_group(session, flow, group, limit - done)
    return done


def _of_flow(store_id: int, key: str) -> Select[FlowVersion]:
    return select(FlowVersion).where(FlowVersion.store_id == store_id, FlowVersion.flow_key == key)


def _move_group(session: Session, flow: Flow, group: Group, limit: int) -> int:
    """Whoever walked on meanwhile is left out: the step is asked again when the row is taken."""
    there = (
        ENROLLMENTS.c.store_id == flow.store_id,
        ENROLLMENTS.c.flow_key == flow.key,
        ENROLLMENTS.c.state == ACTIVE,
        ENROLLMENTS.c.is_tallied == false(),
        ENROLLMENTS.c.version_id == group.version_id,
        ENROLLMENTS.c.step == group.step,
    )
    if limit <= 0:
        return 0
    some = select(ENROLLMENTS.c.id).where(*there).limit(limit).with_for_update(skip_locked=True)
    ids = session.execute(some).scalars().all()
    moved = (
        update(ENROLLMENTS)
        .where(ENROLLMENTS.c.store_id == flow.store_id, ENROLLMENTS.c.id.in_(ids))
        .values(version_id=flow.version_id)
        .returning(ENROLLMENTS.c.id)
    )
    return len(session.execute(moved).all()) if ids else 0


def _may_move(source: Definition, target: Definition, step_id: str) -> bool:
    before, after = _step(source, step_id), _step(target, step_id)
    if isinstance(before, Wait) and isinstance(after, Wait):
        return bool(before.sets == after.sets)
    if isinstance(before, WaitFor | WaitEvent) and type(before) is type(after):
        return bool(_awaited(before) == _awaited(after))
    return False


def _step(definition: Definition, step_id: str) -> Step | None:
    return next((entry.by_id[step_id] for entry in definition.entries if step_id in entry.by_id), None)


def _awaited(step: Any) -> Any:
    return step.event, step.sets, getattr(step, "where", None), getattr(step, "about", None)


def _numbers(session: Session, store_id: int, ids: Sequence[int] | set[int]) -> dict[int, int]:
    statement = select(FlowVersion.id, FlowVersion.number).where(
        FlowVersion.store_id == store_id, FlowVersion.id.in_(sorted(ids))
    )
    return dict(session.execute(statement).all()) if ids else {}

"""The one draft of a flow: kept while it is sound, refused to who did not see what another one changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import table_of, upsert
from app.errors import BadInput, NotFound
from app.flows import guards, own_messages
from app.flows.checks import Wrong
from app.flows.definition import Definition
from app.messaging import editions
from app.models import Flow, FlowDraft, FlowVersion

DRAFTS = table_of(FlowDraft)


class Stale(BadInput):
    """Somebody else changed the draft since it was read."""


class Unsound(BadInput):
    """The flow could not be walked as it is."""

    def __init__(self, problems: list[Wrong]) -> None:
        super().__init__("; ".join(wrong.text for wrong in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Desk:
    """What an editor works on.

    Attributes:
        origin: the flow as its recipe came.
        published: what holds now; `version_id` and `number` are those of its version.
        draft: what was changed and not published yet; None if nothing was.
        revision: what the next change must have seen.
    """

    origin: Definition
    published: Definition
    version_id: int
    number: int
    draft: Definition | None
    revision: int
    saved_at: datetime | None

    @property
    def current(self) -> Definition:
        """What an editor sees: the draft, else what holds now."""
        return self.draft or self.published


def desk(session: Session, store_id: int, key: str) -> Desk:
    """The flow with its draft.

    Raises:
        NotFound: the store has no such flow.
    """
    versions = select(FlowVersion.id, FlowVersion.number, FlowVersion.definition).where(
        FlowVersion.store_id == store_id, FlowVersion.flow_key == key
    )
    first = session.execute(versions.order_by(FlowVersion.number).limit(1)).one_or_none()
    mine = (Flow.store_id == store_id, Flow.key == key)
    holds = session.execute(versions.join(Flow, Flow.version_id == FlowVersion.id).where(*mine)).one_or_none()
    if first is None or holds is None:
        raise NotFound("this store has no such flow")
    row = session.execute(
        select(DRAFTS).where(DRAFTS.c.store_id == store_id, DRAFTS.c.flow_key == key)
    ).one_or_none()
    kept = row.definition if row is not None else None
    return Desk(
        origin=Definition.model_validate(first.definition),
        published=Definition.model_validate(holds.definition),
        version_id=holds.id,
        number=holds.number,
        draft=Definition.model_validate(kept) if kept else None,
        revision=row.revision if row is not None else 0,
        saved_at=row.saved_at if row is not None and kept else None,
    )


def keep(
    session: Session, store_id: int, key: str, definition: Definition | None, *, seen: int, now: datetime
) -> None:
    """Keep a draft; None throws it away.

    Args:
        seen: the revision that the change was made on.

    Raises:
        NotFound: the store has no such flow.
        Stale: somebody else changed it meanwhile.
        Unsound: it could not be walked, or lacks what the recipe sees to.
    """
    lock(session, store_id, key)
    held = desk(session, store_id, key)
    if held.revision != seen:
        raise Stale("somebody else changed this flow meanwhile; nothing was saved")
    kept = definition if definition != held.published else None
    if kept is not None:
        check(held.origin, kept)
    row = {
        "store_id": store_id,
        "flow_key": key,
        "definition": kept and kept.model_dump(mode="json"),
        "revision": seen + 1,
        "saved_at": now,
    }
    upsert(
        session,
        DRAFTS,
        [row],
        key=("store_id", "flow_key"),
        update=("definition", "revision", "saved_at"),
    )


def new_message_name(session: Session, store_id: int, held: Desk) -> str:
    """A name for a message of the merchant's that none of the flow has, or ever had."""
    key = held.origin.key
    versions = select(FlowVersion.definition).where(
        FlowVersion.store_id == store_id, FlowVersion.flow_key == key
    )
    told = [*session.execute(versions).scalars(), held.current.model_dump(mode="json")]
    steps = [step["id"] for one in told for entry in one["entries"] for step in entry["steps"]]
    written = [name.removeprefix(f"{key}/") for name in editions.names(session, store_id)]
    return own_messages.next_name([*steps, *written])


def check(origin: Definition, edited: Definition) -> None:
    """See that an edited flow can be walked and has what the recipe sees to.

    Raises:
        Unsound: it cannot, or has not.
    """
    problems = guards.problems(origin, edited)
    if problems:
        raise Unsound(problems)
    # The very checks that a definition passes whenever it is loaded.
    Definition.model_validate(edited.model_dump(mode="json"))


def lock(session: Session, store_id: int, key: str) -> Flow:
    """The flow's row, held until the transaction ends: one change of a flow at a time.

    Raises:
        NotFound: the store has no such flow.
    """
    mine = select(Flow).where(Flow.store_id == store_id, Flow.key == key)
    flow = session.execute(mine.with_for_update()).scalar_one_or_none()
    if flow is None:
        raise NotFound("this store has no such flow")
    return flow

"""Flows of a store: made from the recipes at install, switched on and off."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import table_of, upsert
from app.errors import NotFound
from app.flows import contents
from app.flows.definition import Definition, recipe, recipe_keys
from app.models import Flow, FlowSwitch, FlowVersion, Store
from app.stores import stopping, writes
from app.stores.platforms import SHOPIFY
from app.stores.writes import NewWrite

SWITCHES = table_of(FlowSwitch)
WRITE = "activity"
"""The kind of the writes that make a flow known to the shop's marketing reports."""


@dataclass(frozen=True, slots=True)
class FlowView:
    """A flow as the screens and the API show it."""

    key: str
    is_active: bool
    active_since: datetime | None
    version: int


def ensure_flows(session: Session, store_id: int, now: datetime) -> None:
    """Give a store every default recipe that it lacks, switched off."""
    present = set(session.execute(select(Flow.key).where(Flow.store_id == store_id)).scalars())
    for key in recipe_keys():
        if key in present:
            continue
        version = FlowVersion(
            store_id=store_id,
            flow_key=key,
            number=1,
            definition=recipe(key).model_dump(mode="json"),
            created_at=now,
        )
        session.add(version)
        session.flush()
        session.add(Flow(store_id=store_id, key=key, is_active=False, version_id=version.id))
    session.flush()


def activate(session: Session, store_id: int, key: str, now: datetime) -> bool:
    """Switch a flow on: what happens from now on may start it, what happened before never does.

    False if it was on before.

    Raises:
        NotFound: the store has no such flow.
        BrokenText: a text that the merchant wrote for it cannot be sent.
    """
    flow = _flow(session, store_id, key)
    if flow.is_active:
        return False
    contents.check_texts(session, store_id, definition_of(session, store_id, key))
    flow.is_active, flow.active_since = True, now
    _note(session, flow, now)
    _tell_storefront(session, store_id, key, now)
    return True


def deactivate(session: Session, store_id: int, key: str, now: datetime) -> bool:
    """Switch a flow off; what it has queued stays home with the reason `switched-off`.

    False if it was off before.

    Raises:
        NotFound: the store has no such flow.
    """
    stopping.wait_for_claims(session, store_id)
    flow = _flow(session, store_id, key)
    if not flow.is_active:
        return False
    flow.is_active = False
    _note(session, flow, now)
    _tell_storefront(session, store_id, key, now)
    return True


def definition_of(session: Session, store_id: int, key: str) -> Definition:
    """What a flow does now.

    Raises:
        NotFound: the store has no such flow.
    """
    version_id = _flow(session, store_id, key).version_id
    statement = select(FlowVersion.definition).where(
        FlowVersion.store_id == store_id, FlowVersion.id == version_id
    )
    return Definition.model_validate(session.execute(statement).scalar_one())


def listing(session: Session, store_id: int) -> list[FlowView]:
    """The store's flows in the order of the recipes."""
    statement = (
        select(Flow, FlowVersion.number)
        .join(FlowVersion, FlowVersion.id == Flow.version_id)
        .where(Flow.store_id == store_id)
    )
    found = {
        flow.key: FlowView(flow.key, flow.is_active, flow.active_since, number)
        for flow, number in session.execute(statement)
    }
    return [found[key] for key in recipe_keys() if key in found]


def _note(session: Session, flow: Flow, now: datetime) -> None:
    """Remember the switch; of two within one moment the later counts."""
    row = {"store_id": flow.store_id, "flow_key": flow.key, "at": now, "is_on": flow.is_active}
    upsert(session, SWITCHES, [row], key=("store_id", "flow_key", "at"), update=("is_on",))


def _tell_storefront(session: Session, store_id: int, key: str, now: datetime) -> None:
    if session.get_one(Store, store_id).platform == SHOPIFY:
        writes.enqueue(session, [NewWrite(store_id, WRITE, key)], now)


def _flow(session: Session, store_id: int, key: str) -> Flow:
    flow = session.execute(
        select(Flow).where(Flow.store_id == store_id, Flow.key == key)
    ).scalar_one_or_none()
    if flow is None:
        raise NotFound(f"there is no flow {key!r} in this store; the flows are {', '.join(recipe_keys())}")
    return flow

"""The flows of a store as they are published: which are on, and what they do."""

from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import Pool

from app.db import table_of
from app.flows.batch import LiveFlow
from app.flows.definition import Definition
from app.models import Flow, FlowVersion, Store
from app.stores.platforms import CONNECTED

FLOWS = table_of(Flow)
STORES = table_of(Store)
_FLOWS = select(FLOWS.c.key, FLOWS.c.is_active, FLOWS.c.active_since, FLOWS.c.version_id).where(
    FLOWS.c.store_id == bindparam("store")
)
_RUNNING = (
    select(FLOWS.c.store_id)
    .join(STORES, STORES.c.id == FLOWS.c.store_id)
    .where(STORES.c.state == CONNECTED, FLOWS.c.key == bindparam("flow"), FLOWS.c.is_active)
    .order_by(FLOWS.c.store_id)
)


def stores_with(session: Session, flow_key: str) -> list[int]:
    """The connected stores in which a flow is on."""
    return list(session.execute(_RUNNING, {"flow": flow_key}).scalars())


def flows_of(session: Session, store_id: int) -> dict[str, LiveFlow]:
    """The store's flows by key, with the definition of the published version."""
    flows = session.execute(_FLOWS, {"store": store_id}).all()
    definitions = definitions_of(session, store_id, {flow.version_id for flow in flows})
    return {
        flow.key: LiveFlow(
            flow.key, flow.is_active, flow.active_since, flow.version_id, definitions[flow.version_id]
        )
        for flow in flows
    }


def definitions_of(session: Session, store_id: int, version_ids: set[int]) -> dict[int, Definition]:
    """The definitions of some versions; people in flight stay on the version they entered.

    Each is read and checked once per process and database: a version never changes.
    """
    known = _checked.setdefault(session.get_bind().engine.pool, {})
    unknown = version_ids - known.keys()
    if unknown:
        statement = select(FlowVersion).where(FlowVersion.store_id == store_id, FlowVersion.id.in_(unknown))
        for version in session.execute(statement).scalars():
            known[version.id] = Definition.model_validate(version.definition)
    return {version_id: known[version_id] for version_id in version_ids}


_checked: WeakKeyDictionary[Pool, dict[int, Definition]] = WeakKeyDictionary()

"""What a storefront listed is mirrored all at once, and record by record where that fails."""

from collections.abc import Sequence
from datetime import datetime

from app.mirror import lookups
from app.mirror.apply import apply_records
from app.models import Store
from app.stores import rows
from app.stores.platforms import UNINSTALLED
from connectors.base import Record, Resource
from jobs.alone import one_by_one
from jobs.guard import Failed
from jobs.kit import Kit


def mirror_alone(
    kit: Kit,
    store: Store,
    resource: Resource,
    records: Sequence[Record],
    *,
    failure: Failed,
    now: datetime,
    history_until: datetime | None = None,
) -> None:
    """Mirror each in a transaction of its own; one that fails by itself is looked up later, on its own.

    Args:
        failure: of all together.

    Raises:
        Exception: it was nobody's own.
    """

    def mirror(number: int) -> bool:
        with kit.database.of_store(store.id).write() as session:
            held = rows.find(session, store.id)
            if held is not None and held.state != UNINSTALLED:
                one = [records[number]]
                apply_records(session, kit.runtime.signer, held, one, now=now, history_until=history_until)
        return True

    failed = one_by_one(failure, lambda: range(len(records)), mirror, [])
    with kit.database.of_store(store.id).write() as session:
        for number in failed:
            lookups.ask(session, store.id, resource, _id_of(records[number]), now=now)


def _id_of(record: Record) -> str:
    """What to look up: the record, or the order that it is a part of."""
    found = getattr(record, "external_id", None) or getattr(record, "order_external_id", None)
    return str(found or "")

"""The second proof of what nothing signs: whether a shop still takes our credentials."""

from app.models import Store
from app.stores import connections
from connectors.base import ConnectorError, Unauthorized
from jobs.kit import Kit

_GONE = (404, 410)


def has_left(kit: Kit, store: Store) -> bool | None:
    """Whether the shop no longer knows us; None if it cannot be asked now. A call: never in a transaction."""
    try:
        connections.storefront(kit.runtime, store).identity()
    except Unauthorized:
        return True
    except ConnectorError as error:
        return True if error.status in _GONE else None
    return False

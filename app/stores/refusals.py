"""What a storefront's refusal of our credentials means: one place for every job that calls a shop.

Shopify's is final. A host or a firewall in front of a WooCommerce answers 401 or 403 now and then, so there
only a row of refusals over an hour counts; until then calls back off, and any call that is accepted ends it.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, literal, update
from sqlalchemy.orm import Session

from app.db import UtcDateTime, table_of
from app.models import Store
from app.stores import install
from app.stores.platforms import CONNECTED, WOOCOMMERCE

ENOUGH, OVER = 3, timedelta(hours=1)
STORES = table_of(Store)


def note(session: Session, store: Store, reason: str, now: datetime) -> bool:
    """Count a refusal; True when by it the store has to be reconnected, so that nothing is sent any more.

    Args:
        reason: the connector's word for why, "" where it has none; a screen says it in the merchant's words.
    """
    counted = (
        update(STORES)
        .where(STORES.c.id == store.id, STORES.c.state == CONNECTED)
        .values(
            refusals=STORES.c.refusals + 1,
            refused_at=func.coalesce(STORES.c.refused_at, literal(now, UtcDateTime())),
            refusal=reason,
        )
        .returning(STORES.c.refusals, STORES.c.refused_at)
    )
    row = session.execute(counted).one_or_none()
    if row is None:
        return False
    may_pass = row.refusals < ENOUGH or now - row.refused_at < OVER
    if store.platform == WOOCOMMERCE and may_pass:
        return False
    return install.ask_to_reconnect(session, store.id)


def forget(session: Session, store_id: int) -> None:
    """A call was accepted: whatever refused us before was passing."""
    session.execute(
        update(STORES)
        .where(STORES.c.id == store_id, STORES.c.state == CONNECTED)
        .values(refusals=0, refused_at=None, refusal="")
    )

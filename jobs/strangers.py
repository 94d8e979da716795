"""Deliveries of Shopify that are another shop's, sent again under this one's name.

Shopify signs a body by the app's one secret, which is the same for all shops, and nothing signs the header
that names the shop: who holds a delivery of a shop of theirs could make it pass for another's. So a body that
names its shop by number is held to that, and what was signed is the shop's that brought it first, for a
delivery reaches us before anybody can have it to send it again. Numbers of things alone prove nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.db import Among
from app.inbox import EVENTS, NOBODY, Delivery
from app.models import Store
from app.models.inbound_event import DEAD
from app.stores import rows
from app.stores.platforms import SHOPIFY
from connectors.storefronts.shopify.webhook import shop_number_in

# Whose they are is not said by those at rest: what was found to be another's would be its own a day later.
_FIRST_BROUGHT = (
    select(
        EVENTS.c.subject_external_id,
        EVENTS.c.signature,
        EVENTS.c.store_id,
        func.min(EVENTS.c.id).label("first_id"),
    )
    .where(
        Among(EVENTS.c.subject_external_id, "subjects"),
        EVENTS.c.store_id != bindparam("nobody"),
        EVENTS.c.source == SHOPIFY,
        EVENTS.c.status != DEAD,
    )
    .group_by(EVENTS.c.subject_external_id, EVENTS.c.signature, EVENTS.c.store_id)
)

_Signed = tuple[str | None, str | None]


def among(session: Session, store: Store, deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Those that are another shop's, by id, with the reason.

    Args:
        session: sees the rows of all stores.
        deliveries: of this store; none of them rests.
    """
    own = [one for one in deliveries if one.source == SHOPIFY]
    found = dict(_named_otherwise(store, own))
    owners = _owners(session, [one.subject_external_id for one in own if one.subject_external_id])
    for one in own:
        owner = owners.get((one.subject_external_id, one.signature), store.id)
        if owner != store.id and not _is_same_shop(session, store, owner):
            found.setdefault(one.id, "another shop's: it brought the same first")
    return found


def _named_otherwise(store: Store, deliveries: Sequence[Delivery]) -> Iterator[tuple[int, str]]:
    """Those whose signed bodies name another shop."""
    for one in deliveries if store.store_uid else ():
        number = shop_number_in(one.body or b"")
        if number and number != store.store_uid:
            yield one.id, f"another shop's: the body names shop {number}"


def _owners(session: Session, subjects: Sequence[str]) -> Mapping[_Signed, int]:
    """By the number of what it tells of and its signature, the store that brought a delivery first."""
    if not subjects:
        return {}
    asked = {"subjects": sorted(set(subjects)), "nobody": NOBODY}
    brought = sorted(session.execute(_FIRST_BROUGHT, asked), key=lambda row: -row.first_id)
    return {(row.subject_external_id, row.signature): row.store_id for row in brought}


def _is_same_shop(session: Session, store: Store, other_id: int) -> bool:
    """Whether it is the same shop under a former name; Shopify's number of it stays."""
    other = rows.find(session, other_id)
    return other is not None and store.store_uid != "" and other.store_uid == store.store_uid

"""Deliveries of Shopify that are another shop's, sent again under this one's name.

Shopify signs a body by the app's one secret, which is the same for all shops, and nothing signs the header
that names the shop: who holds a delivery of a shop of theirs could make it pass for another's. So a body that
names its shop by number is held to that, and what was signed is the shop's that brought it first, for a
delivery reaches us before anybody can have it to send it again. Numbers of things alone prove nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BindParameter, bindparam, func, select
from sqlalchemy.orm import Session

from app.db import Among
from app.inbox import EVENTS, NOBODY, Delivery
from app.models import Store
from app.models.inbound_event import DEAD
from app.stores import rows
from app.stores.platforms import SHOPIFY
from connectors.storefronts.shopify.webhook import shop_number_in

_OTHERS = EVENTS.alias("others")
_STORE: BindParameter[int] = bindparam("store")
# Asked for each delivery by itself: for many at once PostgreSQL reads all that there is, until it knows how
# much that is. A store's number is in no condition that an index could serve, for it would be followed to all
# rows of a store; and a sum stands for the id, lest all ids be gone through until one fits.
_FIRST_ELSEWHERE = (
    select(func.min(_OTHERS.c.id + 0))
    .where(
        _OTHERS.c.subject_external_id == EVENTS.c.subject_external_id,
        _OTHERS.c.signature == EVENTS.c.signature,
        _OTHERS.c.store_id.not_in((NOBODY, _STORE)),
        _OTHERS.c.source == SHOPIFY,
        # Those at rest are left out: what was found to be another's would make it this one's a day later.
        _OTHERS.c.status != DEAD,
    )
    .scalar_subquery()
)
_BROUGHT_ELSEWHERE = select(EVENTS.c.id, _FIRST_ELSEWHERE.label("first_id")).where(
    EVENTS.c.store_id + 0 == _STORE, Among(EVENTS.c.id, "ids")
)
_WHOSE = select(EVENTS.c.id, EVENTS.c.store_id).where(Among(EVENTS.c.id, "ids"))


_Signed = tuple[str | None, int | None]
"""The number of what a delivery tells of, and its signature."""


class _First(NamedTuple):
    """The earliest delivery of something signed, and the store that brought it."""

    id: int
    store_id: int


def among(session: Session, store: Store, deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Those that are another shop's, by id, with the reason.

    Args:
        session: sees the rows of all stores.
        deliveries: of this store; none of them rests.
    """
    own = [one for one in deliveries if one.source == SHOPIFY]
    found = dict(_named_otherwise(store, own))
    firsts = _firsts_elsewhere(session, store, own)
    for one in own:
        first = firsts.get((one.subject_external_id, one.signature))
        if first and first.id < one.id and not _is_same_shop(session, store, first.store_id):
            found.setdefault(one.id, "another shop's: it brought the same first")
    return found


def _named_otherwise(store: Store, deliveries: Sequence[Delivery]) -> Iterator[tuple[int, str]]:
    """Those whose signed bodies name another shop."""
    for one in deliveries if store.store_uid else ():
        number = shop_number_in(one.body or b"")
        if number and number != store.store_uid:
            yield one.id, f"another shop's: the body names shop {number}"


def _firsts_elsewhere(session: Session, store: Store, own: Sequence[Delivery]) -> Mapping[_Signed, _First]:
    """The first delivery by another store of what these bring; what comes twice is looked up once."""
    asked = {(one.subject_external_id, one.signature): one.id for one in own if one.subject_external_id}
    if not asked:
        return {}
    given = {"ids": sorted(asked.values()), "store": store.id}
    first_ids = {row.id: row.first_id for row in session.execute(_BROUGHT_ELSEWHERE, given) if row.first_id}
    if not first_ids:
        return {}
    whose = {row.id: row.store_id for row in session.execute(_WHOSE, {"ids": sorted(first_ids.values())})}
    firsts = {signed: first_ids[one_id] for signed, one_id in asked.items() if one_id in first_ids}
    return {signed: _First(first_id, whose[first_id]) for signed, first_id in firsts.items()}


def _is_same_shop(session: Session, store: Store, other_id: int) -> bool:
    """Whether it is the same shop under a former name; Shopify's number of it stays."""
    other = rows.find(session, other_id)
    return other is not None and store.store_uid != "" and other.store_uid == store.store_uid

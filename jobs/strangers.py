"""Deliveries of Shopify that are another shop's, sent again under this one's name.

Shopify signs a body by the app's one secret, which is the same for all shops, and nothing signs the header
that names the shop: who holds a delivery of a shop of theirs could make it pass for another's. So a body that
names its shop by number is held to that, and what was signed is the shop's that brought it first, for a
delivery reaches us before anybody can have it to send it again. Numbers of things alone prove nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BindParameter, bindparam, func, select, union_all
from sqlalchemy.orm import Session

from app.db import Among
from app.inbox import EVENTS, NOBODY, Delivery
from app.models import Store
from app.models.inbound_event import DEAD
from app.stores import rows
from app.stores.platforms import SHOPIFY
from connectors.storefronts.shopify.webhook import shop_number_in

_STORE: BindParameter[int] = bindparam("store")
_SIGNED = (EVENTS.c.subject_external_id, EVENTS.c.signature, EVENTS.c.store_id)
# Those at rest are left out: what was found to be another's would make it this one's a day later.
_BROUGHT = (
    select(*_SIGNED, func.min(EVENTS.c.id).label("first_id"))
    .where(
        Among(EVENTS.c.subject_external_id, "subjects"),
        EVENTS.c.source == SHOPIFY,
        EVENTS.c.status != DEAD,
    )
    .group_by(*_SIGNED)
)
# Two ranges of the index, so that what this store was told of the same thing a thousand times is not read.
_BROUGHT_ELSEWHERE = union_all(
    _BROUGHT.where(EVENTS.c.store_id > NOBODY, EVENTS.c.store_id < _STORE),
    _BROUGHT.where(EVENTS.c.store_id > _STORE),
)


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
    elsewhere = _elsewhere(session, store, own)
    for one in own:
        first = elsewhere.get((one.subject_external_id, one.signature))
        if first and first.id < one.id and not _is_same_shop(session, store, first.store_id):
            found.setdefault(one.id, "another shop's: it brought the same first")
    return found


def _named_otherwise(store: Store, deliveries: Sequence[Delivery]) -> Iterator[tuple[int, str]]:
    """Those whose signed bodies name another shop."""
    for one in deliveries if store.store_uid else ():
        number = shop_number_in(one.body or b"")
        if number and number != store.store_uid:
            yield one.id, f"another shop's: the body names shop {number}"


def _elsewhere(
    session: Session, store: Store, own: Sequence[Delivery]
) -> Mapping[tuple[str | None, str | None], _First]:
    """By the number of what it tells of and its signature, who else brought something first."""
    subjects = {one.subject_external_id for one in own if one.subject_external_id}
    if not subjects:
        return {}
    asked = {"subjects": sorted(subjects), "store": store.id}
    firsts: dict[tuple[str | None, str | None], _First] = {}
    for row in session.execute(_BROUGHT_ELSEWHERE, asked):
        first = _First(row.first_id, row.store_id)
        signed = (row.subject_external_id, row.signature)
        firsts[signed] = min(first, firsts.get(signed, first))
    return firsts


def _is_same_shop(session: Session, store: Store, other_id: int) -> bool:
    """Whether it is the same shop under a former name; Shopify's number of it stays."""
    other = rows.find(session, other_id)
    return other is not None and store.store_uid != "" and other.store_uid == store.store_uid

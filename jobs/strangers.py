"""Deliveries of Shopify that are another shop's, sent again under this one's name.

Shopify signs a body by the app's one secret, which is the same for all shops, and nothing signs the header
that names the shop: who holds a delivery of a shop of theirs could make it pass for another's. So a body that
names its shop is held to that, and what has a number belongs to the shop that was told of it first, for a
delivery reaches us before anybody can have it to send it again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, CompoundSelect, Select, bindparam, func, select, union_all
from sqlalchemy.orm import Session

from app.db import Among
from app.inbox import EVENTS, NOBODY, Delivery
from app.models import Store
from app.models.inbound_event import DEAD
from app.stores import rows
from app.stores.platforms import SHOPIFY
from connectors.storefronts.shopify.topics import family_of
from connectors.storefronts.shopify.webhook import shop_number_in

Thing = tuple[str, str]
"""The family of a thing at Shopify and its number there."""


class _First(NamedTuple):
    """A delivery, the earlier the less, and the store that it came to."""

    id: int
    store_id: int


_COLUMNS = (EVENTS.c.subject_external_id, EVENTS.c.topic, EVENTS.c.store_id)
# Those at rest are left out: what was found to be another's would make it this one's a day later.
_TOLD = (
    select(*_COLUMNS, func.min(EVENTS.c.id).label("first_id"))
    .where(
        Among(EVENTS.c.subject_external_id, "numbers"),
        EVENTS.c.source == SHOPIFY,
        EVENTS.c.status != DEAD,
    )
    .group_by(*_COLUMNS)
)
_STORE: BindParameter[int] = bindparam("store")
# Two ranges of the index, so that what this store was told of the same thing a thousand times is not read.
_TOLD_ELSEWHERE = union_all(
    _TOLD.where(EVENTS.c.store_id > NOBODY, EVENTS.c.store_id < _STORE),
    _TOLD.where(EVENTS.c.store_id > _STORE),
)
_TOLD_HERE = _TOLD.where(EVENTS.c.store_id == _STORE)


def among(session: Session, store: Store, deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Those that are another shop's, by id, with the reason.

    Args:
        session: sees the rows of all stores.
        deliveries: of this store; none of them rests.
    """
    own = [one for one in deliveries if one.source == SHOPIFY]
    found = dict(_named_otherwise(store, own))
    things = {one.id: _thing(one.topic, one.subject_external_id) for one in own}
    elsewhere = _told_first(session, _TOLD_ELSEWHERE, store, filter(None, things.values()))
    here = _told_first(session, _TOLD_HERE, store, elsewhere)
    for number, thing in things.items():
        first = elsewhere.get(thing) if thing else None
        if thing and first and first < here[thing] and not _is_same_shop(session, store, first.store_id):
            found.setdefault(number, "another shop's: it was told of this first")
    return found


def _named_otherwise(store: Store, deliveries: Sequence[Delivery]) -> Iterator[tuple[int, str]]:
    """Those whose signed bodies name another shop."""
    for one in deliveries if store.store_uid else ():
        number = shop_number_in(one.body or b"")
        if number and number != store.store_uid:
            yield one.id, f"another shop's: the body names shop {number}"


def _thing(topic: str, number: str | None) -> Thing | None:
    family = family_of(topic)
    return None if family is None or number is None else (family, number)


def _told_first(
    session: Session, statement: CompoundSelect[Any] | Select[Any], store: Store, things: Iterable[Thing]
) -> Mapping[Thing, _First]:
    """The first delivery that told of each thing, among those that a statement finds."""
    numbers = sorted({number for _, number in things})
    if not numbers:
        return {}
    rows_found = session.execute(statement, {"numbers": numbers, "store": store.id})
    told = sorted((_First(row.first_id, row.store_id), row) for row in rows_found)
    firsts: dict[Thing, _First] = {}
    for first, row in told:
        thing = _thing(row.topic, row.subject_external_id)
        if thing is not None:
            firsts.setdefault(thing, first)
    return firsts


def _is_same_shop(session: Session, store: Store, other_id: int) -> bool:
    """Whether it is the same shop under a former name; Shopify's number of it stays."""
    other = rows.find(session, other_id)
    return other is not None and store.store_uid != "" and other.store_uid == store.store_uid

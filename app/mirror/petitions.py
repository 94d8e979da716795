"""Requests under privacy law, as the platform passes them on: kept open for whoever carries them out."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import tombstones
from app.crypto import Signer
from app.customers import CUSTOMERS, aliases, normalise_email
from app.db import table_of
from app.mirror import checkout_people
from app.models import Order, PrivacyRequest, Store
from app.models.privacy_request import DONE
from app.stores.platforms import WOOCOMMERCE
from connectors import base
from connectors.base import PrivacyKind

ORDERS, REQUESTS = table_of(Order), table_of(PrivacyRequest)
LAW_ALLOWS = timedelta(days=30)
"""Source: shopify.dev, privacy law compliance: to be answered within 30 days."""


def ask(
    session: Session, signer: Signer, store: Store, request: base.PrivacyRequest, *, now: datetime
) -> None:
    """Keep a request open; the worker or the merchant answers it.

    Of somebody whom we do not know, or who was erased, there is nothing to give: that is answered at once.
    Nor is there more to erase of somebody unknown than checkouts, and a delivery that still is under way will
    not make them known. WooCommerce passes no requests on: there it is an order or an account that came back
    anonymised, told again with every news of it.
    """
    store_id = store.id
    names = _names(request)
    is_erasure = request.kind is PrivacyKind.ERASE_CUSTOMER
    forgotten = checkout_people.forget_strangers(session, store_id, request) if is_erasure else 0
    customer_id = _customer_id(session, signer, store_id, request=request, names=names)
    is_told_by_shop = store.platform == WOOCOMMERCE
    if is_told_by_shop and _is_needless(session, store_id, customer_id):
        return
    source = "storefront" if is_told_by_shop else "platform"
    if is_erasure:
        known = tombstones.find(session, signer, store_id, names)
        tombstones.add(
            session,
            signer,
            store_id,
            identities=set(names) - known.keys(),
            customer_id=customer_id,
            erased_at=now,
        )
    is_gone = customer_id is None or (
        request.kind is PrivacyKind.ACCESS and _is_erased(session, store_id, customer_id)
    )
    is_done = is_gone and request.kind is not PrivacyKind.ERASE_SHOP
    kept = keep(session, store_id, request.kind, customer_id, source=source, now=now, is_unknown=is_done)
    if is_done and forgotten:
        kept.proof = {"checkouts": forgotten}


def keep(
    session: Session,
    store_id: int,
    kind: PrivacyKind,
    customer_id: int | None,
    *,
    source: str,
    now: datetime,
    is_unknown: bool = False,
) -> PrivacyRequest:
    """Write a request down: open, or done at once where there is nobody (`is_unknown`)."""
    is_for_merchant = kind is PrivacyKind.ACCESS
    request = PrivacyRequest(
        store_id=store_id,
        kind=kind.value,
        customer_id=customer_id,
        source=source,
        received_at=now,
        due_at=now + LAW_ALLOWS,
        next_at=None if is_unknown or is_for_merchant else now,
        done_at=now if is_unknown else None,
        outcome=DONE if is_unknown else None,
        proof={"stored": 0} if is_unknown else {},
    )
    session.add(request)
    session.flush()
    return request


def _names(request: base.PrivacyRequest) -> list[str]:
    email = normalise_email(request.email)
    names = [f"id:{request.customer_external_id}"] if request.customer_external_id else []
    return names + ([f"email:{email}"] if email else [])


def _customer_id(
    session: Session, signer: Signer, store_id: int, *, request: base.PrivacyRequest, names: list[str]
) -> int | None:
    """Whom the request is about: by the platform's id, by an order, by the e-mail; the erased, too."""
    mine = CUSTOMERS.c.store_id == store_id
    found: int | None = None
    if request.customer_external_id:
        condition = CUSTOMERS.c.external_id == request.customer_external_id
        found = session.execute(select(CUSTOMERS.c.id).where(mine, condition)).scalar()
        stones = tombstones.find(session, signer, store_id, names[:1])
        found = found or next((stone.customer_id for stone in stones.values()), None)
        heirs = aliases.find(session, store_id, [request.customer_external_id]) if found is None else {}
        found = next((heir.id for heir in heirs.values()), found)
    if found is None and request.order_external_ids:
        orders = select(ORDERS.c.customer_id).where(
            ORDERS.c.store_id == store_id,
            ORDERS.c.external_id.in_(request.order_external_ids),
            ORDERS.c.customer_id.is_not(None),
        )
        found = session.execute(orders.order_by(ORDERS.c.id)).scalar()
    email = normalise_email(request.email)
    if found is None and email:
        condition = CUSTOMERS.c.email == email
        found = session.execute(select(CUSTOMERS.c.id).where(mine, condition)).scalar()
    return found


def _is_needless(session: Session, store_id: int, customer_id: int | None) -> bool:
    """Whether something anonymised brings nothing: of nobody, of somebody erased, or asked for already."""
    if customer_id is None or _is_erased(session, store_id, customer_id):
        return True
    asked = select(REQUESTS.c.id).where(
        REQUESTS.c.store_id == store_id,
        REQUESTS.c.customer_id == customer_id,
        REQUESTS.c.kind == PrivacyKind.ERASE_CUSTOMER.value,
        REQUESTS.c.done_at.is_(None),
    )
    return session.execute(asked).first() is not None


def _is_erased(session: Session, store_id: int, customer_id: int) -> bool:
    mine = (CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id == customer_id)
    erased = select(CUSTOMERS.c.id).where(*mine, CUSTOMERS.c.erased_at.is_not(None))
    return session.execute(erased).first() is not None

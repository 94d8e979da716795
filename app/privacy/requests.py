"""The requests that are open, and what became of those that are not."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import access_log, audit
from app.audit import Actor
from app.db import table_of
from app.mirror import petitions
from app.models import PrivacyRequest
from app.models.privacy_request import DONE
from app.privacy.erasure import Erased
from connectors.base import PrivacyKind

REQUESTS = table_of(PrivacyRequest)


def open_requests(session: Session, store_id: int, now: datetime) -> Sequence[PrivacyRequest]:
    """A store's requests that the worker can do now, the oldest first."""
    statement = (
        select(PrivacyRequest)
        .where(
            PrivacyRequest.store_id == store_id,
            PrivacyRequest.done_at.is_(None),
            PrivacyRequest.next_at <= now,
        )
        .order_by(PrivacyRequest.id)
    )
    return session.scalars(statement).all()


def lock(session: Session, store_id: int, request_id: int) -> PrivacyRequest | None:
    """The request if it is still open, kept from other workers until the transaction ends."""
    statement = (
        select(PrivacyRequest)
        .where(
            PrivacyRequest.store_id == store_id,
            PrivacyRequest.id == request_id,
            PrivacyRequest.done_at.is_(None),
        )
        .with_for_update(skip_locked=True)
    )
    return session.scalars(statement).one_or_none()


def mark_done(
    request: PrivacyRequest, *, proof: Mapping[str, Any], now: datetime, outcome: str = DONE
) -> None:
    """Close a request with its proof: counts, or why it was refused; nothing that names anybody."""
    request.done_at = now
    request.next_at = None
    request.outcome = outcome
    request.proof = dict(proof)


def put_off(request: PrivacyRequest, next_at: datetime, **noted: Any) -> None:
    """Look at a request again later; what was noted by then stays on it."""
    request.next_at = next_at
    request.proof = {**request.proof, **noted}


def keep_proof(session: Session, store_id: int, erased: Erased, *, source: str, now: datetime) -> None:
    """Write down an erasure that was asked for here (api, cli, screen), done in the same transaction.

    Open requests of the platform for the same person are done by it, too.
    """
    request = petitions.keep(
        session, store_id, PrivacyKind.ERASE_CUSTOMER, erased.customer_id, source=source, now=now
    )
    mark_done(request, proof=erased.counts, now=now)
    answer(session, store_id, erased.customer_id, PrivacyKind.ERASE_CUSTOMER, proof=erased.counts, now=now)


def log_erasure(
    session: Session, store_id: int, customer_id: int, *, by: Actor, how: str, now: datetime
) -> None:
    """Write into both logs that somebody was erased, by their number alone."""
    audit.record(session, store_id, by, audit.CUSTOMER_ERASED, now=now, subject=f"customer:{customer_id}")
    access_log.record(session, store_id, by, access_log.ERASURE, how=how, now=now, customer_id=customer_id)


def answer(
    session: Session,
    store_id: int,
    customer_id: int,
    kind: PrivacyKind,
    *,
    proof: Mapping[str, Any],
    now: datetime,
) -> int:
    """Close the open requests of one kind about one customer; return how many there were."""
    session.flush()
    statement = (
        update(REQUESTS)
        .where(
            REQUESTS.c.store_id == store_id,
            REQUESTS.c.customer_id == customer_id,
            REQUESTS.c.kind == kind.value,
            REQUESTS.c.done_at.is_(None),
        )
        .values(done_at=now, next_at=None, outcome=DONE, proof=dict(proof))
        .returning(REQUESTS.c.id)
    )
    return len(session.execute(statement).all())


def of_shop(session: Session, store_id: int) -> PrivacyRequest | None:
    """The open request to erase the whole shop, if there is one."""
    mine = (PrivacyRequest.store_id == store_id, PrivacyRequest.done_at.is_(None))
    asked = select(PrivacyRequest).where(*mine, PrivacyRequest.kind == PrivacyKind.ERASE_SHOP.value)
    return session.scalars(asked.order_by(PrivacyRequest.id).limit(1)).one_or_none()


def close_rest(session: Session, store_id: int, now: datetime) -> None:
    """Close whatever else is open for a shop that was erased: there is nothing left of anybody."""
    session.flush()
    mine = (REQUESTS.c.store_id == store_id, REQUESTS.c.done_at.is_(None))
    closed = {"done_at": now, "next_at": None, "outcome": DONE, "proof": {"stored": 0}}
    session.execute(update(REQUESTS).where(*mine).values(**closed))

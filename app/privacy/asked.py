"""What is asked for here and not by the platform: to erase somebody or a shop, to show what is kept."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import access_log, audit
from app.audit import Actor
from app.mirror import petitions
from app.models import Store
from app.privacy import access, deliveries, erasure, requests
from app.privacy.erasure import Erased
from app.runtime import Runtime
from connectors.base import PrivacyKind


def erase_now(
    runtime: Runtime,
    store_id: int,
    customer_id: int,
    *,
    source: str,
    now: datetime,
    by: Actor = audit.OPERATOR,
) -> Erased:
    """Erase a customer and keep the proof; what the platform asked for the same person is done by it.

    Args:
        source: screen, api or cli.
        by: who asked for it.

    Raises:
        NotFound: the store has no such customer.
    """
    database = runtime.database
    with database.read() as session:
        scanned = deliveries.scan(session, store_id, customer_id)
    with database.write() as session:
        erased = erasure.erase_customer(
            session, runtime.signer, store_id, customer_id, now=now, scanned=scanned
        )
        requests.keep_proof(session, store_id, erased, source=source, now=now)
        requests.log_erasure(session, store_id, customer_id, by=by, how=source, now=now)
    database.scrub()
    return erased


def erase_shop(session: Session, store: Store, *, source: str, now: datetime, by: Actor) -> None:
    """Ask for the erasure of a shop that was disconnected: the worker does it 48 hours after that.

    Asking twice is asking once. A shop that is connected again by then is not erased.
    """
    store = session.get_one(Store, store.id, with_for_update=True)
    if requests.of_shop(session, store.id) is None:
        petitions.keep(session, store.id, PrivacyKind.ERASE_SHOP, None, source=source, now=now)
        audit.record(session, store.id, by, audit.STORE_ERASURE, now=now, subject=store.domain)


def report_now(
    runtime: Runtime,
    store_id: int,
    customer_id: int,
    *,
    now: datetime,
    by: Actor = audit.OPERATOR,
    how: str = access_log.CLI,
) -> dict[str, Any]:
    """Everything that is kept about a customer; the open requests for it are done by that.

    Args:
        by: who takes it out.
        how: in which way.

    Raises:
        NotFound: the store has no such customer.
    """
    with runtime.database.write() as session:
        report = access.report_of(session, runtime.signer, store_id, customer_id)
        proof = {name: len(part) for name, part in report.items() if isinstance(part, list)}
        requests.answer(session, store_id, customer_id, PrivacyKind.ACCESS, proof=proof, now=now)
        access_log.record(session, store_id, by, access_log.REPORT, how=how, now=now, customer_id=customer_id)
    return report

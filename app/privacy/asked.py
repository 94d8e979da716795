"""What is asked for here and not by the platform: to erase somebody now, to show what is kept."""

from datetime import datetime
from typing import Any

from app.privacy import access, deliveries, erasure, requests
from app.privacy.erasure import Erased
from app.runtime import Runtime
from connectors.base import PrivacyKind


def erase_now(runtime: Runtime, store_id: int, customer_id: int, *, source: str, now: datetime) -> Erased:
    """Erase a customer and keep the proof; what the platform asked for the same person is done by it.

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
    database.scrub()
    return erased


def report_now(runtime: Runtime, store_id: int, customer_id: int, *, now: datetime) -> dict[str, Any]:
    """Everything that is kept about a customer; the open requests for it are done by that.

    Raises:
        NotFound: the store has no such customer.
    """
    with runtime.database.write() as session:
        report = access.report_of(session, runtime.signer, store_id, customer_id)
        proof = {name: len(part) for name, part in report.items() if isinstance(part, list)}
        requests.answer(session, store_id, customer_id, PrivacyKind.ACCESS, proof=proof, now=now)
    return report

"""Whose a checkout is: the customer with its account, else with its e-mail; and whose must not be kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.orm import Session

from app import tombstones
from app.crypto import Signer
from app.customers import CUSTOMERS, aliases, normalise_email
from app.db import Among, table_of
from app.models import Checkout
from connectors.base import CheckoutRecord, PrivacyRequest

CHECKOUTS = table_of(Checkout)
_LIVING = (CUSTOMERS.c.store_id == bindparam("store"), CUSTOMERS.c.erased_at.is_(None))
_BY_ACCOUNT = select(CUSTOMERS.c.external_id, CUSTOMERS.c.id).where(
    *_LIVING, Among(CUSTOMERS.c.external_id, "names")
)
_BY_EMAIL = (
    select(CUSTOMERS.c.email, CUSTOMERS.c.id)
    .where(*_LIVING, Among(CUSTOMERS.c.email, "names"))
    .order_by(CUSTOMERS.c.external_id.is_not(None), CUSTOMERS.c.id.desc())
)


class Named(Protocol):
    """What names somebody: a checkout's news, or its row."""

    @property
    def customer_external_id(self) -> str | None:
        """The account."""

    @property
    def email(self) -> str | None:
        """The address."""


@dataclass(frozen=True, slots=True)
class Owners:
    """The customers among those that some checkouts name, by account and by e-mail."""

    by_account: Mapping[str, int]
    by_email: Mapping[str, int]

    def of(self, named: Named) -> int | None:
        """Our id of the customer, or None for somebody whom the store does not know."""
        found = self.by_account.get(named.customer_external_id or "")
        return found or self.by_email.get(normalise_email(named.email) or "")


def owners_of(session: Session, store_id: int, named: Iterable[Named]) -> Owners:
    """Find the customers; of two who share an address the account, and nobody who was erased."""
    asked = list(named)
    accounts = sorted({one.customer_external_id for one in asked if one.customer_external_id})
    emails = sorted({email for one in asked if (email := normalise_email(one.email))})
    by_account: dict[str, int] = {}
    by_email: dict[str, int] = {}
    if accounts:
        found = session.execute(_BY_ACCOUNT, {"store": store_id, "names": accounts})
        by_account = {row.external_id: row.id for row in found}
        merged = aliases.find(session, store_id, [one for one in accounts if one not in by_account])
        by_account |= {name: person.id for name, person in merged.items() if not person.is_erased}
    if emails:
        found = session.execute(_BY_EMAIL, {"store": store_id, "names": emails})
        by_email = {row.email: row.id for row in found}
    return Owners(by_account, by_email)


def erased_among(session: Session, signer: Signer, store_id: int, records: Sequence[Any]) -> set[str]:
    """The ids of the checkouts among some news whose person was erased.

    An account is erased for good; an e-mail only for what was begun before.
    """
    told = [record for record in records if isinstance(record, CheckoutRecord)]
    asked = {identity for record in told for identity in _identities(record)}
    stones = tombstones.find(session, signer, store_id, asked)
    return {
        record.external_id
        for record in told
        for identity in _identities(record)
        if (stone := stones.get(identity)) is not None
        and (identity.startswith("id:") or record.started_at <= stone.erased_at)
    }


def forget_strangers(session: Session, store_id: int, request: PrivacyRequest) -> int:
    """Delete the checkouts of somebody who asked for it and may be nobody's customer; how many there were."""
    email = normalise_email(request.email)
    named = {
        CHECKOUTS.c.customer_external_id: [request.customer_external_id],
        CHECKOUTS.c.email: [email],
        CHECKOUTS.c.token: request.order_external_ids,
    }
    theirs = [column.in_(names) for column, names in named.items() if any(names)]
    if not theirs:
        return 0
    gone = delete(CHECKOUTS).where(CHECKOUTS.c.store_id == store_id, or_(*theirs))
    return len(session.execute(gone.returning(CHECKOUTS.c.id)).all())


def _identities(record: CheckoutRecord) -> list[str]:
    email = normalise_email(record.email)
    account = record.customer_external_id
    return [*([f"id:{account}"] if account else []), *([f"email:{email}"] if email else [])]

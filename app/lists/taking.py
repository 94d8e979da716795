"""One batch of a list becomes rows: people, consents with their proof, refusals. The caller commits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, or_, select
from sqlalchemy.orm import Session

from app import consent
from app.consent import NewConsent
from app.crypto import Signer
from app.customers import CUSTOMERS, Telling, upsert_customers
from app.db import insert_new, is_among, table_of, upsert
from app.lists import words
from app.lists.reading import Entry, Refused
from app.messaging import addresses
from app.models import Store, Suppression
from connectors.base import CustomerRecord

SUPPRESSIONS = table_of(Suppression)
SUBSCRIBERS, REFUSALS = "subscribers", "unsubscribed"
KINDS = (SUBSCRIBERS, REFUSALS)
_SOURCE = "import"
_A_MOMENT = timedelta(microseconds=1)


@dataclass(slots=True)
class Taken:
    """What became of a batch's rows.

    Attributes:
        imported: brought a consent or a refusal that was new; known: brought nothing new.
        without_proof: the person is known now, and is not written to.
        refusals: how many of the rows were refusals.
    """

    imported: int = 0
    known: int = 0
    without_proof: int = 0
    refusals: int = 0
    refused: list[Refused] = field(default_factory=list)

    def count(self, *, is_new: bool) -> None:
        """One row more."""
        self.imported += is_new
        self.known += not is_new


@dataclass(frozen=True, slots=True)
class ListFile:
    """The file: its kind, its digest, and the moment of rows without a date of their own."""

    kind: str
    digest: str
    first_at: datetime


def take(
    session: Session, signer: Signer, store: Store, *, file: ListFile, entries: Sequence[Entry], now: datetime
) -> Taken:
    """Take a batch in. The same rows again change nothing, and no yes of a list starts a flow."""
    taken = Taken()
    leaving: list[Entry] = []
    arriving: list[Entry] = []
    for entry in entries:
        if entry.is_refusal or (file.kind == REFUSALS and not entry.state):
            leaving.append(entry)
        elif file.kind == REFUSALS:
            taken.refused.append(Refused(entry.line, "state-contradicts"))
        else:
            arriving.append(entry)
    _refuse(session, signer, store, file=file, entries=leaving, taken=taken, now=now)
    _welcome(session, signer, store, file=file, entries=arriving, taken=taken, now=now)
    return taken


def _refuse(
    session: Session,
    signer: Signer,
    store: Store,
    *,
    file: ListFile,
    entries: Sequence[Entry],
    taken: Taken,
    now: datetime,
) -> None:
    """Keep away from the addresses, whoever has them, and write down what the known ones said."""
    if not entries:
        return
    rows = {entry.line: list(_suppressions(signer, store.id, entry, file)) for entry in entries}
    new = _suppress(session, [row for found in rows.values() for row in found])
    known = _known(session, store.id, entries)
    said = {
        entry.line: [
            _statement(store.id, person.id, channel, entry, file=file)
            for channel in entry.channels
            for person in known
            if entry.state != words.BOUNCED and _address(entry, channel) == _address(person, channel)
        ]
        for entry in entries
    }
    fresh = _recorded(session, [one for found in said.values() for one in found], now)
    for entry in entries:
        is_suppressed = any((row["channel"], row["address_hash"]) in new for row in rows[entry.line])
        is_said = any((one.customer_id, one.key) in fresh for one in said[entry.line])
        taken.count(is_new=is_suppressed or is_said)
    taken.refusals += len(entries)


def _welcome(
    session: Session,
    signer: Signer,
    store: Store,
    *,
    file: ListFile,
    entries: Sequence[Entry],
    taken: Taken,
    now: datetime,
) -> None:
    """Make the people known; only who comes with a proof is subscribed."""
    by_phone = {
        row.phone: row.id for row in _known(session, store.id, [one for one in entries if not one.email])
    }
    tellings = {entry.line: Telling(_record(entry), entry.at) for entry in entries if entry.email}
    people = upsert_customers(
        session, signer, store.id, list(tellings.values()), now=now, history_until=now + _A_MOMENT
    )
    said: dict[int, list[NewConsent]] = {}
    for entry in entries:
        person = people.of(*tellings[entry.line]) if entry.email else None
        customer_id = by_phone.get(entry.phone) if entry.email is None else person.id if person else None
        if customer_id is None or (person is not None and person.is_erased):
            taken.refused.append(Refused(entry.line, "erased" if entry.email else "phone-alone"))
        elif entry.is_proven:
            channels = entry.channels
            said[entry.line] = [_statement(store.id, customer_id, one, entry, file=file) for one in channels]
        else:
            taken.without_proof += 1
    fresh = _recorded(session, [one for found in said.values() for one in found], now)
    for statements in said.values():
        taken.count(is_new=any((one.customer_id, one.key) in fresh for one in statements))


def _suppressions(signer: Signer, store_id: int, entry: Entry, file: ListFile) -> Iterator[dict[str, Any]]:
    for channel in entry.channels:
        yield {
            "store_id": store_id,
            "channel": channel,
            "address_hash": addresses.suppression_hash(signer, channel, _address(entry, channel) or ""),
            "reason": "bounce" if entry.state == words.BOUNCED else "unsubscribe",
            "created_at": entry.at or file.first_at,
        }


def _suppress(session: Session, rows: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Which channels and addresses were not kept away from before; a later refusal counts from then."""
    returned = (SUPPRESSIONS.c.channel, SUPPRESSIONS.c.address_hash)
    new = {tuple(row) for row in insert_new(session, SUPPRESSIONS, rows, *returned)}
    ordered = sorted(rows, key=lambda row: row["created_at"])
    key = ("store_id", "channel", "address_hash")
    upsert(session, SUPPRESSIONS, ordered, key=key, update=("created_at",), newer_by="created_at")
    return new


def _known(session: Session, store_id: int, entries: Sequence[Entry]) -> list[Row[Any]]:
    """The customers who have one of the addresses."""
    emails = sorted({entry.email for entry in entries if entry.email})
    phones = sorted({entry.phone for entry in entries if entry.phone})
    if not emails and not phones:
        return []
    # The store beside each list: SQLite would read all of the store's customers otherwise.
    statement = select(CUSTOMERS.c.id, CUSTOMERS.c.email, CUSTOMERS.c.phone).where(
        CUSTOMERS.c.erased_at.is_(None),
        or_(
            and_(CUSTOMERS.c.store_id == store_id, is_among(session, CUSTOMERS.c.email, emails)),
            and_(CUSTOMERS.c.store_id == store_id, is_among(session, CUSTOMERS.c.phone, phones)),
        ),
    )
    return [*session.execute(statement.order_by(CUSTOMERS.c.id))]


def _address(held: Any, channel: str) -> str | None:
    return addresses.address_of(held, channel)


def _record(entry: Entry) -> CustomerRecord:
    return CustomerRecord(
        None,
        email=entry.email,
        phone=entry.phone,
        first_name=entry.first_name,
        last_name=entry.last_name,
        locale=entry.locale,
    )


def _statement(store_id: int, customer_id: int, channel: str, entry: Entry, *, file: ListFile) -> NewConsent:
    """What a row says of a channel: a proven yes, which is history, or a no, which ends what is under way."""
    is_yes = entry.is_proven
    told = {"list": file.digest[:16], "line": str(entry.line), "source": entry.source, "ip": entry.ip}
    return NewConsent(
        store_id=store_id,
        customer_id=customer_id,
        channel=channel,
        state="subscribed" if is_yes else "unsubscribed",
        basis="consent" if is_yes else None,
        occurred_at=entry.at or file.first_at,
        source=_SOURCE,
        address=_address(entry, channel),
        wording=entry.text or None,
        is_history=is_yes,
        is_own=not is_yes,
        evidence={name: value for name, value in told.items() if value},
    )


def _recorded(session: Session, said: Sequence[NewConsent], now: datetime) -> set[tuple[int, str]]:
    """The statements that were new, by customer and key."""
    return {(one.customer_id, one.key) for one in consent.record(session, said, now)}

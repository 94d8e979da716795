"""How often somebody may try: counted for an address and for a client before anything is checked.

A try is counted in the database, so that every process counts together, and before it is looked at, so that
many at once are not more than one after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import table_of, wall_now
from app.dialects import insert_into
from app.models import SignInAttempt

TRIES = table_of(SignInAttempt)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries of one kind there are in a stretch of time."""

    most: int
    within: timedelta


QUARTER = timedelta(minutes=15)
PASSWORD, CODE, RESET, INVITE = "password", "code", "reset", "invite"
LIMITS: Mapping[tuple[str, str], Limit] = {
    (PASSWORD, "address"): Limit(10, QUARTER),
    (PASSWORD, "client"): Limit(60, QUARTER),
    (CODE, "address"): Limit(6, QUARTER),
    (CODE, "client"): Limit(60, QUARTER),
    (RESET, "address"): Limit(3, timedelta(hours=1)),
    (RESET, "client"): Limit(20, timedelta(hours=1)),
    (INVITE, "address"): Limit(5, timedelta(hours=1)),
    (INVITE, "client"): Limit(60, timedelta(hours=1)),
}
"""A client is an address of the internet, behind which a whole office may sit."""
LONGEST = max(limit.within for limit in LIMITS.values())


def count(session: Session, signer: Signer, kind: str, *, address: str, client: str) -> bool:
    """Count one try and say whether it may be made.

    Args:
        address: whose door it is: a mail address, or a member's number.
        client: where the request came from.
    """
    now = wall_now(session)
    # Who has used up their tries makes none: no address is locked by them, and no row kept for it.
    for whose, value in (("client", client), ("address", address)):
        if not _add(session, signer, (kind, whose), value=value, now=now):
            return False
    return True


def forget(session: Session, signer: Signer, kind: str, *, address: str) -> None:
    """Begin anew for an address whose owner has come in."""
    mine = TRIES.c.subject == _subject(signer, (kind, "address"), address)
    session.execute(delete(TRIES).where(mine))


def _add(session: Session, signer: Signer, what: tuple[str, str], *, value: str, now: datetime) -> bool:
    limit = LIMITS[what]
    seconds = int(limit.within.total_seconds())
    since = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, now.tzinfo)
    row = {"subject": _subject(signer, what, value), "since": since, "n": 1}
    insert = insert_into(session.get_bind().dialect.name, TRIES).values(row)
    counting = insert.on_conflict_do_update(
        index_elements=["subject", "since"], set_={"n": TRIES.c.n + 1}
    ).returning(TRIES.c.n)
    return int(session.execute(counting).scalar_one()) <= limit.most


def _subject(signer: Signer, what: tuple[str, str], value: str) -> str:
    return signer.fingerprint("sign-in-attempt", "\n".join((*what, value)))

"""The senders' daily chore: can each account still send, and whom does the provider bar already?"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent
from app.db import table_of
from app.messaging import domains, receipts, senders
from app.messaging.domains import DomainFacts
from app.models import Customer, Store
from app.stores import chores, settings
from app.stores.accounts import SENDGRID, TWILIO, Account, StoreAccounts
from app.stores.chores import Held
from connectors.base import ConnectorError
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.setup import SendGridSetup, Suppression, SuppressionKind
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.setup import TwilioSetup
from jobs import sender_domains, upkeep
from jobs.kit import Kit

CUSTOMERS = table_of(Customer)
EVERY, SOON = timedelta(days=1), timedelta(hours=1)
_OVERLAP = timedelta(days=2)
_REFUSED = (401, 403)
_BARS = {
    SuppressionKind.BOUNCES: "bounce",
    SuppressionKind.INVALID_EMAILS: "bounce",
    SuppressionKind.SPAM_REPORTS: "complaint",
    SuppressionKind.UNSUBSCRIBES: "unsubscribe",
}
"""The lists that are taken over, and what each says; a block is a full mailbox, or passes."""
_REFUSALS = ("complaint", "unsubscribe")


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Check the accounts of the stores whose day has passed."""
    return +Counter({"senders checked": upkeep.run(kit, chores.SENDERS, now, _check)})


class _Seen(NamedTuple):
    """What providers and the domain's servers said.

    Attributes:
        problems: by channel, a word or None.
        barred: whom the provider bars, and why.
    """

    problems: Mapping[str, str | None]
    domain: DomainFacts | None
    barred: Sequence[tuple[str, Suppression]]


def _check(kit: Kit, held: Held, store: Store, now: datetime) -> upkeep.Ending:
    accounts = kit.carriers.accounts.of(store)
    _sync(kit, store, accounts)
    problems = {channel: problem(store, account) for channel, account in accounts.by_channel.items()}
    email = accounts.by_channel.get("email")
    domain = sender_domains.look(store, email, kit.runtime.settings.dns_server, now.date())
    barred = _barred(email, held.row.done_at) if email is not None and problems["email"] is None else []
    return partial(_end, kit=kit, held=held, seen=_Seen(problems, domain, barred), now=now)


def _end(session: Session, *, kit: Kit, held: Held, seen: _Seen, now: datetime) -> int:
    store_id, is_fine = held.store_id, not any(seen.problems.values())
    if not chores.finish(session, held, now=now, next_at=now + (EVERY if is_fine else SOON)):
        return 0
    for channel, found in seen.problems.items():
        senders.note_check(session, store_id, channel, problem=found, now=now)
    domains.keep(session, store_id, seen.domain, now)
    for reason, one in seen.barred:
        _take_over(session, kit, store_id, one, reason=reason, now=now)
    return len(seen.problems)


def _sync(kit: Kit, store: Store, accounts: StoreAccounts) -> None:
    """Most days the rows are those of the accounts already, and nothing is to be written."""
    with kit.database.of_store(store.id).read() as session:
        if senders.is_in_step(session, store.id, accounts):
            return
    with kit.database.of_store(store.id).write() as session:
        senders.sync(session, store.id, accounts)


def problem(store: Store, account: Account) -> str | None:
    """Why an account cannot send for the store, as a word that a screen has a sentence for, or None.

    Raises:
        ConnectorError: it cannot be asked now.
    """
    return _PROBLEMS[account.kind](store, account)


def _sendgrid_problem(store: Store, account: Account) -> str | None:
    setup = SendGridSetup(SendGridAccount(account.secret, account.api_url, str(store.id)))
    try:
        scopes = setup.scopes()
        if "mail.send" not in scopes:
            return "key may not send"
        if "whitelabel.read" not in scopes:
            # A key that may send and nothing else is a good one; nobody can look at the domain with it.
            return None
        domains = setup.domains()
    except ConnectorError as error:
        return _refusal(error)
    finally:
        setup.close()
    domain = settings.read(store, "sender.email").rpartition("@")[2].lower()
    is_ready = not domain or any(domain == one or domain.endswith(f".{one}") for one in domains)
    return None if is_ready else f"domain not authenticated: {domain}"


def _twilio_problem(_store: Store, account: Account) -> str | None:
    setup = TwilioSetup(
        TwilioAccount(account.account_sid, account.secret, account.service_sid, account.api_url)
    )
    try:
        state = setup.account().status
        if state != "active":
            return f"account not active: {state}"
        return None if setup.service().senders else "no number to send from"
    except ConnectorError as error:
        return "no such service" if error.status == _GONE else _refusal(error)
    finally:
        setup.close()


_GONE = 404
_PROBLEMS: Mapping[str, Callable[[Store, Account], str | None]] = {
    SENDGRID: _sendgrid_problem,
    TWILIO: _twilio_problem,
}


def _refusal(error: ConnectorError) -> str:
    """The word for an account that is turned away.

    Raises:
        ConnectorError: it is not; the provider could not be asked.
    """
    if error.status in _REFUSED or (error.permanent and error.status is None):
        return "key refused"
    raise error


def _barred(account: Account, checked_at: datetime | None) -> list[tuple[str, Suppression]]:
    """Whom SendGrid bars since the last look; of a shared account the list is not the store's to take."""
    if not account.is_own:
        return []
    setup = SendGridSetup(SendGridAccount(account.secret, account.api_url))
    since = checked_at - _OVERLAP if checked_at is not None else None
    try:
        return [(reason, one) for kind, reason in _BARS.items() for one in setup.suppressions(kind, since)]
    except ConnectorError as error:
        if error.status in _REFUSED:
            # The key may send and not list; its events say the same from now on.
            return []
        raise
    finally:
        setup.close()


def _take_over(
    session: Session, kit: Kit, store_id: int, one: Suppression, *, reason: str, now: datetime
) -> None:
    moment = min(one.created_at or now, now)
    receipts.suppress(
        session, kit.runtime.signer, store_id, channel="email", address=one.address, reason=reason, now=moment
    )
    if reason not in _REFUSALS:
        return
    people = select(CUSTOMERS.c.id).where(
        CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.email == one.address.strip().lower()
    )
    for customer_id in session.execute(people).scalars().all():
        consent.withdraw(session, store_id, customer_id, "email", source="provider:list", now=moment)

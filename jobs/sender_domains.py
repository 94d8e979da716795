"""Asks SendGrid and DNS about the domain that a store's mails come from."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

from app.messaging import domains
from app.messaging.domains import DomainFacts
from app.models import Store
from app.stores import settings
from app.stores.accounts import SENDGRID, Account
from connectors.base import ConnectorError
from connectors.channels import dmarc
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.setup import SenderDomain, SendGridSetup

_REFUSED = (401, 403)
_LOOKED_BACK, _PROVEN_ON = timedelta(days=30), 3


def look(store: Store, account: Account | None, dns_server: str, today: date) -> DomainFacts | None:
    """What is known of the domain of the store's sender; None without a sender.

    That is what stands in its DNS, what SendGrid wants there, and how much the account delivers a day.

    Raises:
        ConnectorError: SendGrid cannot be asked now.
    """
    domain = settings.read(store, "sender.email").rpartition("@")[2].lower()
    if not domain or account is None or account.kind != SENDGRID:
        return None
    policy = _policy(domain, dns_server)
    setup = SendGridSetup(SendGridAccount(account.secret, account.api_url, str(store.id)))
    try:
        listed = setup.sender_domains()
        known = _of(domain, listed)
        if known is not None and not known.is_valid:
            known = _looked_again(setup, known)
        daily = _daily(setup, listed, today) if account.is_own and known is not None else None
    except ConnectorError as error:
        if error.status in _REFUSED or (error.permanent and error.status is None):
            return DomainFacts(domain, policy, problem=domains.MAY_NOT_ASK)
        raise
    finally:
        setup.close()
    if known is None:
        return DomainFacts(domain, policy, problem=domains.NOT_THERE)
    records = [asdict(one) for one in known.records]
    return DomainFacts(domain, policy, records, known.is_valid, daily=daily)


def _policy(domain: str, dns_server: str) -> str:
    try:
        return dmarc.policy(domain.encode("idna").decode("ascii"), dns_server)
    except (ConnectorError, UnicodeError):
        return domains.UNASKED


def _of(domain: str, known: Sequence[SenderDomain]) -> SenderDomain | None:
    """The entry that speaks for the domain: its own or a parent's, one that is valid before all others."""
    fitting = [one for one in known if domain == one.name or domain.endswith(f".{one.name}")]
    return min(fitting, key=lambda one: (not one.is_valid, -len(one.name)), default=None)


def _daily(setup: SendGridSetup, listed: Sequence[SenderDomain], today: date) -> int | None:
    """What the account delivered on three of its last thirty days at least.

    Of an account with several domains nobody can say which of them is warm. The three best days are those of
    a weekly newsletter as well; one single day proves nothing.
    """
    if sum(one.is_valid for one in listed) != 1:
        return None
    try:
        days = setup.delivered(today - _LOOKED_BACK)
    except ConnectorError as error:
        if error.status in _REFUSED:
            return None
        raise
    best = sorted(days, reverse=True)[:_PROVEN_ON]
    return best[-1] if len(best) == _PROVEN_ON else None


def _looked_again(setup: SendGridSetup, known: SenderDomain) -> SenderDomain:
    """The entry after SendGrid looked at its records now, where the key may ask for that."""
    try:
        setup.look_again(known.id)
    except ConnectorError as error:
        if error.status in _REFUSED:
            return known
        raise
    return next((one for one in setup.sender_domains() if one.id == known.id), known)

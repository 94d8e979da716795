"""Asks SendGrid and DNS about the domain that a store's mails come from."""

from collections.abc import Sequence
from dataclasses import asdict

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


def look(store: Store, account: Account | None, dns_server: str) -> DomainFacts | None:
    """What stands in the DNS of the store's sender, and what SendGrid wants there; None without a sender.

    Raises:
        ConnectorError: SendGrid cannot be asked now.
    """
    domain = settings.read(store, "sender.email").rpartition("@")[2].lower()
    if not domain or account is None or account.kind != SENDGRID:
        return None
    policy = _policy(domain, dns_server)
    setup = SendGridSetup(SendGridAccount(account.secret, account.api_url, str(store.id)))
    try:
        known = _of(domain, setup.sender_domains())
        if known is not None and not known.is_valid:
            known = _looked_again(setup, known)
    except ConnectorError as error:
        if error.status in _REFUSED or (error.permanent and error.status is None):
            return DomainFacts(domain, policy, problem=domains.MAY_NOT_ASK)
        raise
    finally:
        setup.close()
    if known is None:
        return DomainFacts(domain, policy, problem=domains.NOT_THERE)
    return DomainFacts(domain, policy, [asdict(one) for one in known.records], known.is_valid)


def _policy(domain: str, dns_server: str) -> str:
    try:
        return dmarc.policy(domain.encode("idna").decode("ascii"), dns_server)
    except (ConnectorError, UnicodeError):
        return domains.UNASKED


def _of(domain: str, known: Sequence[SenderDomain]) -> SenderDomain | None:
    """The entry that speaks for the domain: its own or a parent's, one that is valid before all others."""
    fitting = [one for one in known if domain == one.name or domain.endswith(f".{one.name}")]
    return min(fitting, key=lambda one: (not one.is_valid, -len(one.name)), default=None)


def _looked_again(setup: SendGridSetup, known: SenderDomain) -> SenderDomain:
    """The entry after SendGrid looked at its records now, where the key may ask for that."""
    try:
        setup.look_again(known.id)
    except ConnectorError as error:
        if error.status in _REFUSED:
            return known
        raise
    return next((one for one in setup.sender_domains() if one.id == known.id), known)

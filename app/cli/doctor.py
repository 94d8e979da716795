"""`doctor`: settings, database, stores and senders: what is wrong and how to mend it."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import asides, clock, job_runs, migrate
from app.config import Settings
from app.crypto import UnreadableSecret
from app.messaging import domains, pace
from app.messaging.senders import UNDECIDED
from app.models import Store
from app.runtime import Runtime
from app.stores import credentials, notices, settings
from app.stores.accounts import SENDGRID, Account, Accounts
from connectors.base import ConnectorError
from jobs import sender_checks, sender_domains

_GOES_AROUND = text(
    "SELECT rolname FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
)
_MOST_ASIDE = 20
_SECRET = ("secret", "key", "token", "dsn")
_MENDS: Mapping[str, str] = {
    UNDECIDED: "take in who unsubscribed at an earlier service: `ritorno customer import FILE --store {id}"
    " --kind unsubscribed`; where there was none: `ritorno store set {id} consent.import=declined`",
    "key refused": "make a new key at {provider} and set it for store {id}",
    "key may not send": "give the SendGrid key the permission mail.send",
    "domain not authenticated": "authenticate the domain of sender.email at SendGrid (Settings, Sender"
    " Authentication) and put its records into the domain's DNS",
    "account not active": "ask {provider} why the account is not active",
    "no number to send from": "add a number to the messaging service at Twilio",
    "no such service": "set twilio.messaging_service_sid to a service of the account",
    "cannot be asked": "look at {provider}'s status page and try again",
}
"""How each problem is mended, by its word."""
_MEND_JOB = (
    "the activity page has the whole of it, for an operator; its next run makes up for it, or report it"
)
_DOMAIN_MENDS: Mapping[str, str] = {
    domains.MAY_NOT_ASK: "look at the records at SendGrid, or give the key the permission whitelabel.read",
    domains.NOT_THERE: "add the domain at SendGrid (Settings, Sender Authentication)",
}


def _doctor(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.read() as session:
        session.execute(text("SELECT 1"))
        version = migrate.current(session)
        unheld = None if runtime.database.is_sqlite else session.execute(_GOES_AROUND).scalar_one_or_none()
        stores = session.execute(select(Store).order_by(Store.id)).scalars().all()
        told = {store.id: list(_notices(session, store.id)) for store in stores}
        errors = job_runs.last_errors(session)
        aside = {store.id: list(_set_aside(session, store.id)) for store in stores}
    accounts = Accounts(runtime.vault, runtime.settings)
    return {
        "settings": {name.upper(): _shown(runtime.settings, name) for name in Settings.model_fields},
        "database": {
            "reachable": True,
            "version": version,
            "newest": migrate.head(),
            "mend": _mend_database(version, unheld),
        },
        "jobs": [_failed(name, error) for name, error in errors.items()],
        "stores": [
            {
                "id": store.id,
                "domain": store.domain,
                "state": store.state,
                "webhooks": len(store.subscriptions),
                "mend": _mend(runtime, store),
                "notices": told[store.id],
                "set_aside": aside[store.id],
                "senders": list(_senders(runtime, accounts, store)),
            }
            for store in stores
        ],
    }


def _failed(job: str, error: str) -> dict[str, str]:
    """A job of the calendar whose last run failed for some store, with the end of what it left."""
    return {"job": job, "error": "; ".join(error.strip().splitlines()[-2:]), "mend": _MEND_JOB}


def _mend_database(version: str | None, unheld: str | None) -> str | None:
    """What to do about the version, or about a role that row-level security does not hold."""
    if version != migrate.head():
        return "run `ritorno migrate`"
    if unheld is not None:
        return f"row-level security does not hold {unheld}: serve as a role without SUPERUSER and BYPASSRLS"
    return None


def _shown(settings_: Settings, name: str) -> object:
    value = getattr(settings_, name)
    is_secret = any(part in name for part in _SECRET) and not name.endswith("_url")
    return "set" if is_secret and value else value


def _mend(runtime: Runtime, store: Store) -> str | None:
    if not _is_readable(runtime, store):
        return "its keys are sealed by a key that is not in ENCRYPTION_KEYS: put that one back, as the last"
    if store.state == "needs_reconnect":
        return "the shop no longer accepts our keys: let the merchant install the app again"
    if store.state == "connected" and not store.subscriptions:
        return "no webhooks yet: start the worker and look again"
    return None


def _is_readable(runtime: Runtime, store: Store) -> bool:
    try:
        credentials.unseal(runtime.vault, store.credentials)
    except UnreadableSecret:
        return False
    return True


def _notices(session: Session, store_id: int) -> Iterator[dict[str, Any]]:
    """What the merchant was to be told by mail, and what to do where that may not have reached him."""
    for row in notices.of_store(session, store_id):
        is_unsent = row.status in notices.UNSENT
        mend = "tell the merchant yourself; NOTICE_FROM and notices.email say who writes to whom"
        yield {
            "kind": row.kind,
            "status": row.status,
            "error": row.error,
            "mend": mend if is_unsent else None,
        }


def _set_aside(session: Session, store_id: int) -> Iterator[dict[str, Any]]:
    """What failed by itself, by an error of ours, and is tried again by itself."""
    for row in asides.of_store(session, store_id, _MOST_ASIDE):
        told = {"job": row.work, "subject": row.subject_id, "since": row.since, "attempts": row.attempts}
        yield told | {"error": row.error, "mend": "report the error, and install the version that mends it"}


def _senders(runtime: Runtime, accounts: Accounts, store: Store) -> Iterator[dict[str, Any]]:
    """Each account that carries the store's messages, asked just now; none where its keys cannot be read."""
    if not _is_readable(runtime, store):
        return
    for channel, account in sorted(accounts.of(store).by_channel.items()):
        problem = _problem(store, account)
        word = (problem or "").partition(":")[0]
        mend = _MENDS.get(word)
        yield {
            "channel": channel,
            "provider": account.kind,
            "account": "store" if account.is_own else "operator",
            "problem": problem,
            "mend": mend.format(id=store.id, provider=account.kind) if mend else None,
            "reports": _reports(runtime, store, account),
            "domain": _domain(runtime, store, account),
            "quota": _quota(runtime, store, channel, account),
        }


def _problem(store: Store, account: Account) -> str | None:
    if not settings.read(store, "consent.import"):
        return UNDECIDED
    try:
        return sender_checks.problem(store, account)
    except ConnectorError as error:
        return f"cannot be asked: {error}"


def _domain(runtime: Runtime, store: Store, account: Account) -> dict[str, Any] | None:
    """The DNS of the sender's domain, asked just now; None for text messages and without a sender."""
    try:
        found = sender_domains.look(store, account, runtime.settings.dns_server, clock.now().date())
    except ConnectorError as error:
        return {"problem": f"cannot be asked: {error}", "mend": None}
    if found is None:
        return None
    wanted = [
        f"{one['type']} {one['host']} -> {one['value']}" for one in found.records if not one["is_valid"]
    ]
    mends = [f"put into DNS: {record}" for record in wanted]
    if found.problem is not None:
        mends.append(_DOMAIN_MENDS[found.problem])
    if found.dmarc in domains.WEAK:
        mends.append(f"warning, nothing waits for it: DMARC is {found.dmarc}; TXT _dmarc.{found.domain}")
    return {**asdict(found), "mend": "; ".join(mends) or None}


def _quota(runtime: Runtime, store: Store, channel: str, account: Account) -> dict[str, int] | None:
    """What left this month by the operator's account, and how much may; None without a bound."""
    if not account.quota:
        return None
    with runtime.database.read() as session:
        used = pace.used(session, store.id, channel, clock.now().date())
    return {"used": used, "of": account.quota}


def _reports(runtime: Runtime, store: Store, account: Account) -> str:
    """Whether what becomes of messages can be told to us, and how to mend it where not."""
    if account.kind != SENDGRID:
        return "by the address that travels with each message"
    own = settings.read(store, "sendgrid.webhook_public_key")
    key = own if account.is_own else runtime.settings.sendgrid_webhook_public_key
    place = f"{runtime.settings.base_url}/webhooks/sendgrid/{store.id if account.is_own else 0}"
    return f"at {place}" if key else f"none: have SendGrid post signed events to {place} and set their key"


def _add_doctor(branches: Any) -> None:
    parser = branches.add_parser("doctor", help="what is wrong and how to mend it")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_doctor, needs_runtime=True)


COMMANDS = (_add_doctor,)

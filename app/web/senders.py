"""Where a store's messages leave from: the accounts, how they stand, and what the merchant does about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row
from sqlalchemy.orm import Session

from app import audit, clock
from app.errors import BadInput
from app.members.roles import MARKETER, OWNER
from app.messaging import domains, pace, senders, text_costs
from app.messaging.pace import WarmUp
from app.messaging.senders import Reputation
from app.messaging.text_costs import Spending
from app.models import Store
from app.runtime import Runtime
from app.stores import chores, settings
from app.stores.accounts import SENDGRID, Account, Accounts
from app.web.acting import actor
from app.web.auth import role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, runtime
from app.web.places import is_from_guide
from connectors.base import ConnectorError
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.setup import SendGridSetup

blueprint = Blueprint("senders", __name__)
_ANCHOR = "senders"


@dataclass(frozen=True, slots=True)
class View:
    """One channel's way out.

    Attributes:
        problem, pause, breaker: words for why it stands still, or None.
        has_reports: whether the provider tells us what becomes of messages; None where that needs nothing.
        inbound_url: where replies must be posted, for text messages.
        warming: where a new domain stands, or None.
        used, quota: how many left this month by the operator's account, and how many may; 0 is no limit.
        spending: what text messages cost this month; None for mails.
        domain: what stands in the DNS of the sender's domain, and what should; None for text messages, and
            before the first check.
    """

    channel: str
    kind: str
    is_own: bool
    problem: str | None
    pause: str | None
    breaker: str | None
    checked_at: datetime | None
    week: Reputation
    has_reports: bool | None
    inbound_url: str
    domain: Row[Any] | None
    warming: WarmUp | None
    spending: Spending | None
    used: int
    quota: int


def of_store(session: Session, runtime: Runtime, store: Store, now: datetime) -> list[View]:
    """Every way out that an account carries; none while the outbox stays here."""
    accounts = Accounts(runtime.vault, runtime.settings).of(store).by_channel
    rows = {row.channel: row for row in senders.of_store(session, store.id)}
    return [
        _view(session, runtime, store, account=account, row=rows.get(channel), channel=channel, now=now)
        for channel, account in sorted(accounts.items())
    ]


def in_trouble(views: Sequence[View]) -> list[tuple[str, str, str]]:
    """What the home page says of the senders: key of the text, channel, words."""
    found = []
    for view in views:
        words = (("sender", view.problem), ("sender_paused", view.pause), ("sender_breaker", view.breaker))
        found += [(key, view.channel, text) for key, text in words if text][:1]
    return found


@blueprint.post("/app/settings/senders/check")
@role_required(MARKETER)
def check() -> ResponseReturnValue:
    """Have the accounts checked at once."""
    with runtime().database.write() as session:
        chores.hurry(session, chosen_store(session).id, chores.SENDERS, clock.now())
    flash(translate("senders.checking"))
    return _back()


@blueprint.post("/app/settings/senders/trust")
@role_required(MARKETER)
def trust() -> ResponseReturnValue:
    """The merchant looked at what came back, and goes on."""
    channel = request.form.get("channel", "")
    with runtime().database.write() as session:
        store = chosen_store(session)
        if channel not in {row.channel for row in senders.of_store(session, store.id)}:
            raise BadInput("there is no such sender", "channel")
        senders.trust(session, store.id, channel, clock.now().date())
        audit.record(session, store.id, actor(), audit.SENDER_TRUSTED, now=clock.now(), subject=channel)
    flash(translate("senders.trusted"))
    return _back()


@blueprint.post("/app/settings/senders/reports")
@role_required(OWNER)
def connect_reports() -> ResponseReturnValue:
    """Have SendGrid post its events to us, signed, and keep the key that checks them."""
    pieces = runtime()
    with pieces.database.read() as session:
        store = chosen_store(session)
        account = Accounts(pieces.vault, pieces.settings).of(store).by_channel.get("email")
    if account is None or account.kind != SENDGRID or not account.is_own:
        raise BadInput("the store has no SendGrid account of its own", "sendgrid.api_key")
    setup = SendGridSetup(SendGridAccount(account.secret, account.api_url, str(store.id)))
    try:
        key = setup.register_event_webhook(f"{pieces.settings.base_url}/webhooks/sendgrid/{store.id}")
    except ConnectorError as error:
        flash(translate("senders.webhook.failed", error=str(error)), "bad")
        return _back()
    finally:
        setup.close()
    with pieces.database.write() as session:
        store = chosen_store(session)
        changes = settings.write(session, store, {"sendgrid.webhook_public_key": key}, vault=pieces.vault)
        audit.record_settings(session, store.id, actor(), changes, now=clock.now())
    flash(translate("senders.webhook.done"))
    return _back()


def _view(
    session: Session,
    runtime: Runtime,
    store: Store,
    *,
    account: Account,
    row: Row[Any] | None,
    channel: str,
    now: datetime,
) -> View:
    is_current = row is not None and row.account == account.fingerprint
    held = row if is_current else None
    week = (
        senders.reputation(session, store.id, channel, row=held, now=now)
        if held is not None
        else Reputation(0, 0, 0)
    )
    is_paused = held is not None and held.paused_until is not None and held.paused_until > now
    domain = domains.of_store(session, store.id) if account.kind == SENDGRID else None
    warming = pace.warm_up(session, store, channel, account=account, today=now.date())
    is_undecided = not settings.read(store, "consent.import")
    return View(
        channel=channel,
        kind=account.kind,
        is_own=account.is_own,
        problem=(held.problem if held is not None else None) or (senders.UNDECIDED if is_undecided else None),
        pause=held.pause if held is not None and is_paused else None,
        breaker=week.problem,
        checked_at=held.checked_at if held is not None else None,
        week=week,
        has_reports=_has_reports(runtime, store, account),
        inbound_url=f"{runtime.settings.base_url}/webhooks/twilio/{store.id}/inbound"
        if channel == "sms"
        else "",
        domain=domain,
        warming=warming,
        spending=_spending(session, store, channel, row=held, now=now),
        used=pace.used(session, store.id, channel, now.date()) if account.quota else 0,
        quota=account.quota,
    )


def _spending(
    session: Session, store: Store, channel: str, *, row: Row[Any] | None, now: datetime
) -> Spending | None:
    is_text = channel == text_costs.CHANNEL
    return text_costs.spending(session, store, row, now.date()) if is_text else None


def _has_reports(runtime: Runtime, store: Store, account: Account) -> bool | None:
    if account.kind != SENDGRID:
        return None
    if account.is_own:
        return bool(settings.read(store, "sendgrid.webhook_public_key"))
    return bool(runtime.settings.sendgrid_webhook_public_key)


def _back() -> ResponseReturnValue:
    if is_from_guide():
        return redirect(url_for("guide.show", _anchor="sender"), code=303)
    return redirect(url_for("settings.show", _anchor=_ANCHOR), code=303)

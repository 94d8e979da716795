"""Who changed what: the one door of the audit log, used in the transaction that makes the change (K3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.models import AuditEntry

MEMBER, STAFF, API_KEY = "member", "staff", "api-key"

SETTINGS_CHANGED = "settings.changed"
FLOW_ON, FLOW_OFF, FLOW_REHEARSED = "flow.activated", "flow.deactivated", "flow.rehearsed"
FLOW_DRAFTED, FLOW_DISCARDED = "flow.drafted", "flow.discarded"
FLOW_PUBLISHED, FLOW_MOVED = "flow.published", "flow.moved"
STORE_CONNECTED, STORE_DISCONNECTED = "store.connected", "store.disconnected"
STORE_ERASURE = "store.erasure-asked"
STORE_MOVED, STORE_COPIED = "store.moved", "store.copied"
STORE_RESTORED = "store.restored"
STORE_STOPPED, STORE_RESUMED = "store.stopped", "store.resumed"
GUIDE_HIDDEN, GUIDE_SHOWN = "store.guide-hidden", "store.guide-shown"
KEY_CREATED, KEY_REVOKED, KEYS_ROTATED = "key.created", "key.revoked", "key.rotated"
MESSAGE_SETTLED = "message.settled"
MESSAGES_RELEASED, MESSAGES_CANCELLED = "message.released", "message.cancelled"
SENDER_TRUSTED = "sender.trusted"
INBOUND_REPLAYED, WRITES_REPEATED = "delivery.replayed", "delivery.repeated"
CUSTOMER_ERASED = "customer.erased"
CONSENT_RECORDED = "consent.recorded"
LIST_IMPORTED = "list.imported"
TEXT_SAVED, TEXT_RESET, TRIAL_ASKED = "text.saved", "text.reset", "text.tried"
REVIEW_APPROVED, REVIEW_HIDDEN = "review.approved", "review.hidden"
MEMBER_INVITED, MEMBER_JOINED, MEMBER_REMOVED = "member.invited", "member.joined", "member.removed"
MEMBER_ROLE, MEMBER_SIGNED_IN, MEMBER_SIGNED_OUT = "member.role", "member.signed-in", "member.signed-out"
MEMBER_ACCOUNT, MEMBER_PASSWORD = "member.account", "member.password"
MEMBER_FACTOR_ON, MEMBER_FACTOR_OFF, MEMBER_CODES = "member.factor-on", "member.factor-off", "member.codes"
ACTIONS = (
    *(SETTINGS_CHANGED, FLOW_ON, FLOW_OFF, FLOW_REHEARSED),
    *(FLOW_DRAFTED, FLOW_DISCARDED, FLOW_PUBLISHED, FLOW_MOVED),
    *(STORE_CONNECTED, STORE_DISCONNECTED, STORE_ERASURE, STORE_MOVED, STORE_COPIED, STORE_RESTORED),
    *(STORE_STOPPED, STORE_RESUMED, GUIDE_HIDDEN, GUIDE_SHOWN),
    *(KEY_CREATED, KEY_REVOKED, KEYS_ROTATED),
    *(MESSAGE_SETTLED, MESSAGES_RELEASED, MESSAGES_CANCELLED, SENDER_TRUSTED),
    *(INBOUND_REPLAYED, WRITES_REPEATED),
    *(CUSTOMER_ERASED, CONSENT_RECORDED, LIST_IMPORTED),
    *(TEXT_SAVED, TEXT_RESET, TRIAL_ASKED, REVIEW_APPROVED, REVIEW_HIDDEN),
    *(MEMBER_INVITED, MEMBER_JOINED, MEMBER_REMOVED, MEMBER_ROLE),
    *(MEMBER_SIGNED_IN, MEMBER_SIGNED_OUT, MEMBER_ACCOUNT, MEMBER_PASSWORD),
    *(MEMBER_FACTOR_ON, MEMBER_FACTOR_OFF, MEMBER_CODES),
)
"""Every change that is written down; the screens have a word for each."""

Changes = Mapping[str, tuple[str, str] | None]
"""From what to what, by the key of a setting; None for a secret, of which only the change is told."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `id` tells one of a kind from another: a member, a session, one of the staff, an API key."""

    kind: str
    id: str = ""


def member(member_id: int) -> Actor:
    """A member by their number; the letter before it tells it from the mark of a session."""
    return Actor(MEMBER, f"{MEMBER_LETTER}{member_id}")


MEMBER_LETTER = "m"
OPERATOR, PLATFORM = Actor("operator"), Actor("platform")
ACTORS = (MEMBER, STAFF, API_KEY, OPERATOR.kind, PLATFORM.kind)
"""Every kind of actor; the screens have a word for each."""


def record(
    session: Session,
    store_id: int,
    by: Actor,
    action: str,
    *,
    now: datetime,
    subject: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one change down; it is kept or lost with the change itself.

    Args:
        subject: a setting's key, or kind and id: `customer:12`.
        details: no secret and nothing that names a customer.
    """
    session.add(
        AuditEntry(
            store_id=store_id,
            at=now,
            actor_kind=by.kind,
            actor_id=by.id[:_LONGEST_ID],
            action=action,
            subject=subject[:_LONGEST_SUBJECT],
            details=dict(details or {}),
        )
    )
    session.flush()


def record_settings(session: Session, store_id: int, by: Actor, changes: Changes, *, now: datetime) -> None:
    """Write down each setting that changed, with its old and new text; of a secret only that it did."""
    for key, change in sorted(changes.items()):
        details = {"old": change[0], "new": change[1]} if change is not None else {}
        record(session, store_id, by, SETTINGS_CHANGED, now=now, subject=key, details=details)


_LONGEST_ID, _LONGEST_SUBJECT = 40, 120

"""What the send gate may look at: the message, the store, the recipient, and what left before."""

from datetime import datetime
from typing import NamedTuple

from app.messaging.allowances import LOCAL, UNWRITTEN, SenderFacts, Written
from app.messaging.conditions import ConditionFacts
from app.messaging.limits import Rails
from app.messaging.wishes import NO_WISHES, Wishes


class MessageFacts(NamedTuple):
    """The message itself. Moments are aware UTC; `only_if` names what must still be true."""

    key: str
    step: str
    channel: str
    purpose: str
    due_at: datetime
    expires_at: datetime
    only_if: tuple[str, ...]
    topic: str = ""
    written: Written = UNWRITTEN


class StoreFacts(NamedTuple):
    """Switches and sender. `sender_problem` and `sender_pause` are words to show, or None."""

    state: str
    is_copy: bool
    is_flow_active: bool
    sender_pause: str | None
    sender_problem: str | None
    allows_soft_opt_in: bool


class PersonFacts(NamedTuple):
    """The recipient. `address_problem`, `suppressed_for` and `content_problem` are None when fine.

    `consent` is the derived state of the channel for this address (subscribed, pending, unsubscribed,
    other-address for a yes that was given for another, unknown). `flaps_until` is when a yes is believed
    again of whoever said yes and no in turn (`flapping`).
    """

    is_erased: bool
    is_minor: bool
    address: str | None
    address_problem: str | None
    suppressed_for: str | None
    consent: str
    consent_basis: str | None
    has_bought: bool
    content_problem: str | None
    tracks_clicks: bool
    is_lapsed: bool = False
    flaps_until: datetime | None = None


class Facts(NamedTuple):
    """Everything the gate may look at."""

    message: MessageFacts
    store: StoreFacts
    person: PersonFacts
    conditions: ConditionFacts
    rails: Rails
    sender: SenderFacts = LOCAL
    wishes: Wishes = NO_WISHES

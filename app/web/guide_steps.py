"""The steps of the set-up guide, read off the store's own rows: nothing else remembers how far it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.flows.switch import FlowView
from app.messaging.senders import UNDECIDED
from app.models import Backfill, Rehearsal, Store
from app.stores import settings
from app.stores.platforms import CONNECTED
from app.web.senders import View

CONNECT, HISTORY, SENDER, CONSENT, REHEARSAL, SWITCH = STEPS = (
    "connect",
    "history",
    "sender",
    "consent",
    "rehearsal",
    "switch",
)
DONE, CURRENT, LATER = "done", "current", "later"
IDENTITY = ("sender.email", "sender.name", "sender.postal_address")
FIELDS = {
    SENDER: (*IDENTITY, "sendgrid.api_key"),
    "texts": ("sender.sms_name", "twilio.account_sid", "twilio.auth_token", "twilio.messaging_service_sid"),
    CONSENT: ("consent.import", "consent.soft_opt_in"),
    "rails": ("rails.email_hours", "rails.cap_per_week"),
}
"""The settings that the guide asks for, a form of the settings page each."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the steps are read off."""

    is_connected: bool
    is_copied: bool
    has_identity: bool
    mails_leave: bool
    is_import_settled: bool
    is_rehearsed: bool
    is_on: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step: done, the current one, or a later one."""

    name: str
    state: str


def begun() -> list[Step]:
    """The steps where there is no store yet."""
    return _told([])


def of_store(
    session: Session, store: Store, ways_out: Sequence[View], views: Sequence[FlowView]
) -> list[Step]:
    """Every step in its order; the first that is not done is current, and what follows the history, too."""
    facts = _facts(session, store, ways_out, views)
    return _told([name for name, is_done in _IS_DONE.items() if is_done(facts)])


def left(steps: Sequence[Step]) -> int:
    """How many are not done."""
    return sum(one.state != DONE for one in steps)


def _told(done: Sequence[str]) -> list[Step]:
    missing = [name for name in STEPS if name not in done]
    # The history copies itself: whoever waits for it goes on with the step after it.
    current = missing[: 2 if missing[:1] == [HISTORY] else 1]
    return [Step(name, DONE if name in done else CURRENT if name in current else LATER) for name in STEPS]


def _facts(session: Session, store: Store, ways_out: Sequence[View], views: Sequence[FlowView]) -> Facts:
    backfills = select(Backfill.finished_at).where(Backfill.store_id == store.id)
    ended = list(session.execute(backfills).scalars())
    rehearsed = select(Rehearsal.flow_key).where(
        Rehearsal.store_id == store.id, Rehearsal.ended_at.is_not(None), Rehearsal.error.is_(None)
    )
    mails = next((one for one in ways_out if one.channel == "email"), None)
    return Facts(
        is_connected=store.state == CONNECTED,
        is_copied=bool(ended) and None not in ended,
        has_identity=all(settings.read(store, key) for key in IDENTITY),
        mails_leave=mails is not None and mails.checked_at is not None and _is_fine(mails),
        is_import_settled=bool(settings.read(store, "consent.import")),
        is_rehearsed=session.execute(rehearsed.limit(1)).first() is not None,
        is_on=any(view.is_active for view in views),
    )


def _is_fine(mails: View) -> bool:
    """What is undecided about earlier refusals is the next step's."""
    return mails.problem is None or mails.problem == UNDECIDED


_IS_DONE: dict[str, Callable[[Facts], bool]] = {
    CONNECT: lambda facts: facts.is_connected,
    HISTORY: lambda facts: facts.is_copied,
    SENDER: lambda facts: facts.has_identity and facts.mails_leave,
    CONSENT: lambda facts: facts.is_import_settled,
    REHEARSAL: lambda facts: facts.is_rehearsed,
    SWITCH: lambda facts: facts.is_on,
}

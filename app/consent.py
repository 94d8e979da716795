"""The append-only consent ledger, and what it says now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import customers, timeline, timers
from app.customers.agreeing import TOLD_CHANNELS, stands
from app.db import Among, insert_new, table_of, upsert
from app.models import Consent, ConsentState
from app.models.consent import not_of_order
from app.stores import double_opt_in, proofs, writes
from app.stores.writes import NewWrite
from app.timeline import NewEvent
from app.timers import NewTimer

LEDGER = table_of(Consent)
STATES = table_of(ConsentState)
WRITE = "consent"
"""The kind of the writes by which the storefront is told."""
CONFIRMATION = "confirmation"
"""The kind of the timers of those who are to be asked to confirm; the subject is the customer."""
_AGAIN = timedelta(hours=1)
"""A no that is said again so soon is no further entry of the ledger, however often a button is pressed."""
_KEY = ("store_id", "customer_id", "channel")
_MOVED = ("state", "basis", "occurred_at", "is_own", "address", "proof_until")
_STATE = (*_KEY, *_MOVED[:-1])
_SAID = (*_KEY, "state", "basis", "occurred_at", "source", "address", "wording")
_SAID_NOW = select(ConsentState).where(
    ConsentState.store_id == bindparam("store"),
    ConsentState.customer_id == bindparam("customer"),
    ConsentState.channel == bindparam("channel"),
)
_SAID_BEFORE = (
    select(LEDGER.c.customer_id, LEDGER.c.channel, LEDGER.c.source, LEDGER.c.state, LEDGER.c.basis)
    .where(
        LEDGER.c.store_id == bindparam("store"),
        Among(LEDGER.c.customer_id, "people"),
        Among(LEDGER.c.source, "sources"),
        # No order's own word is a standing one.
        not_of_order(LEDGER.c.source),
    )
    .order_by(LEDGER.c.occurred_at, LEDGER.c.id)
)
_DERIVED = (
    select(STATES)
    .where(STATES.c.store_id == bindparam("store"), Among(STATES.c.customer_id, "people"))
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class NewConsent:
    """One statement of a person about a channel.

    Attributes:
        state: subscribed, pending or unsubscribed.
        source_key: equal for the same statement told twice; derived from its content if empty.
        is_history: came by backfill or import; kept with the platform's moment, starts no flow.
        is_standing: a state read from a profile, not a dated statement; its moment moves with every edit.
        is_own: said to us (a link, a page, the API), not to the storefront: the storefront is told of it.
        evidence: what else proves it, as plain JSON.
        is_to_confirm: a yes that counts once its confirmation mail was answered; set here alone.
    """

    store_id: int
    customer_id: int
    channel: str
    state: str
    basis: str | None
    occurred_at: datetime
    source: str
    address: str | None = None
    wording: str | None = None
    source_key: str = ""
    is_history: bool = False
    is_standing: bool = False
    is_own: bool = False
    evidence: Mapping[str, object] | None = field(default=None, hash=False)
    is_to_confirm: bool = False

    @property
    def key(self) -> str:
        """The same for the same statement, whoever tells it."""
        return self.source_key or f"{self.channel}:{self.state}:{int(self.occurred_at.timestamp())}"


def record(session: Session, statements: Sequence[NewConsent], now: datetime) -> Sequence[NewConsent]:
    """Append what is new to the ledger, move the derived state forward, write the timeline.

    The newest statement decides; at the same moment a refusal wins over a grant. A standing one (a state
    read from a profile) is news only if it differs from the last one of its source. Where the merchant
    wants double opt-in, a yes that nobody confirmed is pending, and whoever gave it is to be asked.

    Returns:
        the statements that were new.
    """
    dated = _with_pending(session, _without_old_news(session, statements))
    if not dated:
        return []
    inserted = insert_new(
        session, LEDGER, [_ledger_row(item, now) for item in dated], LEDGER.c.customer_id, LEDGER.c.source_key
    )
    new = {(row.customer_id, row.source_key) for row in inserted}
    fresh = [statement for statement in dated if (statement.customer_id, statement.key) in new]
    changed, newest = _move_states(session, fresh)
    _tell_storefront(session, newest, now)
    _have_asked(session, newest, now)
    timeline.record(session, [_event(statement) for statement in changed], now)
    return fresh


def state_of(session: Session, store_id: int, customer_id: int, channel: str) -> ConsentState | None:
    """What the ledger says now, or None when nothing was ever said."""
    asked = {"store": store_id, "customer": customer_id, "channel": channel}
    return session.execute(_SAID_NOW, asked).scalar_one_or_none()


def withdraw(
    session: Session, store_id: int, customer_id: int, channel: str, *, source: str, now: datetime
) -> None:
    """Take a consent back, by the person's own act; who presses again within the hour has said it already."""
    # A yes that is just being written is waited for: this no comes after it.
    customers.lock(session, store_id, [customer_id])
    held = state_of(session, store_id, customer_id, channel)
    if held is not None and held.state == "unsubscribed" and held.is_own and now - held.occurred_at < _AGAIN:
        return
    statement = NewConsent(
        store_id=store_id,
        customer_id=customer_id,
        channel=channel,
        state="unsubscribed",
        basis=None,
        occurred_at=now,
        source=source,
        is_own=True,
    )
    record(session, [statement], now)


def _ledger_row(statement: NewConsent, now: datetime) -> dict[str, object]:
    said = {name: getattr(statement, name) for name in _SAID}
    evidence = None if statement.evidence is None else dict(statement.evidence)
    return said | {"recorded_at": now, "source_key": statement.key, "evidence": evidence}


def _without_old_news(session: Session, statements: Sequence[NewConsent]) -> list[NewConsent]:
    """The statements in the order of their moments, without standing ones that repeat themselves."""
    ordered = sorted(statements, key=_rank)
    last = _last_of_sources(session, [statement for statement in ordered if statement.is_standing])
    kept: list[NewConsent] = []
    for statement in ordered:
        if statement.is_standing:
            place = (statement.store_id, statement.customer_id, statement.channel, statement.source)
            if last.get(place) == statement.state:
                continue
            last[place] = statement.state
        kept.append(statement)
    return kept


def _rank(statement: NewConsent) -> tuple[datetime, bool]:
    return statement.occurred_at, statement.state == "unsubscribed"


def _last_of_sources(
    session: Session, standing: Sequence[NewConsent]
) -> dict[tuple[int, int, str, str], str]:
    """What the sources of these statements said last of each person and channel."""
    last: dict[tuple[int, int, str, str], str] = {}
    for store_id in {statement.store_id for statement in standing}:
        mine = [item for item in standing if item.store_id == store_id]
        people, sources = sorted({item.customer_id for item in mine}), sorted({item.source for item in mine})
        for row in session.execute(_SAID_BEFORE, {"store": store_id, "people": people, "sources": sources}):
            # A yes that we keep as pending was a yes to its source.
            said = "subscribed" if row.state == "pending" and row.basis else row.state
            last[(store_id, row.customer_id, row.channel, row.source)] = said
    return last


def _with_pending(session: Session, dated: list[NewConsent]) -> list[NewConsent]:
    """The statements; each yes that must be confirmed first, where the merchant wants that, is pending."""
    since = double_opt_in.wanted_since(session, {item.store_id for item in dated if _is_unconfirmed(item)})
    if not since:
        return dated
    places = {(item.store_id, item.customer_id, item.channel) for item in dated if item.store_id in since}
    held = _held(session, places)
    return [
        replace(item, state="pending", basis="consent", source_key=item.key, is_to_confirm=True)
        if item.store_id in since
        and _is_unconfirmed(item)
        and item.occurred_at >= since[item.store_id]
        and stands(held.get((item.store_id, item.customer_id, item.channel)), item.address) != "subscribed"
        else item
        for item in dated
    ]


def _is_unconfirmed(statement: NewConsent) -> bool:
    """A new yes to mails that no mail has confirmed, neither ours nor the platform's; history is none."""
    is_yes = statement.state == "subscribed" and statement.channel == "email"
    return is_yes and not statement.is_history and statement.basis in (None, "consent")


def _have_asked(session: Session, newest: Iterable[NewConsent], now: datetime) -> None:
    """Whoever's yes waits for it gets a confirmation mail (app/messaging/confirmations.py)."""
    waiting = sorted({(item.store_id, item.customer_id) for item in newest if item.is_to_confirm})
    timers.set_timers(
        session, [NewTimer(store_id, now, CONFIRMATION, person) for store_id, person in waiting]
    )


def _move_states(
    session: Session, fresh: Sequence[NewConsent]
) -> tuple[list[NewConsent], Collection[NewConsent]]:
    """Store the newest state of each person and channel.

    Returns:
        every statement that changed a state, and those that are the newest now.
    """
    keys = {(item.store_id, item.customer_id, item.channel) for item in fresh}
    held = _held(session, keys)
    changed: list[NewConsent] = []
    newest: dict[tuple[int, int, str], NewConsent] = {}
    late: dict[tuple[int, int, str], datetime] = {}
    for statement in fresh:
        key = (statement.store_id, statement.customer_id, statement.channel)
        before = held.get(key)
        if before is not None and before.rank > _rank(statement):
            if before.state != "subscribed" and before.proof_until is None:
                late[key] = statement.occurred_at
            continue
        if before is None or before.state != statement.state:
            changed.append(statement)
        held[key] = _after(before, statement)
        newest[key] = statement
    rows = [
        {name: getattr(statement, name) for name in _STATE} | {"proof_until": held[key].proof_until}
        for key, statement in newest.items()
    ]
    upsert(session, STATES, rows, key=_KEY, update=_MOVED)
    proofs.keep_late(session, late)
    return changed, newest.values()


def _tell_storefront(session: Session, newest: Iterable[NewConsent], now: datetime) -> None:
    """What was said to us is written back; what the storefront told itself never is."""
    told = [
        NewWrite(item.store_id, WRITE, f"{item.channel}:{item.customer_id}", item.customer_id)
        for item in newest
        if item.is_own and item.channel in TOLD_CHANNELS
    ]
    writes.enqueue(session, told, now)


@dataclass(frozen=True, slots=True)
class _Held:
    """A derived state: what it is, by which statement, of which address, and how long its proof is kept."""

    state: str
    rank: tuple[datetime, bool]
    proof_until: datetime | None
    address: str | None


def _after(before: _Held | None, statement: NewConsent) -> _Held:
    state, until = (before.state, before.proof_until) if before is not None else (None, None)
    until = proofs.kept_until(statement.state, statement.occurred_at, before=state, until_before=until)
    return _Held(statement.state, _rank(statement), until, statement.address)


def _held(session: Session, keys: set[tuple[int, int, str]]) -> dict[tuple[int, int, str], _Held]:
    held: dict[tuple[int, int, str], _Held] = {}
    for store_id in {key[0] for key in keys}:
        people = sorted({key[1] for key in keys if key[0] == store_id})
        # A claim that looks at their consent right now hands its messages over first, or sees this one.
        customers.lock(session, store_id, people)
        for row in session.execute(_DERIVED, {"store": store_id, "people": people}):
            rank = (row.occurred_at, row.state == "unsubscribed")
            held[(store_id, row.customer_id, row.channel)] = _Held(
                row.state, rank, row.proof_until, row.address
            )
    return held


def _event(statement: NewConsent) -> NewEvent:
    return NewEvent(
        store_id=statement.store_id,
        customer_id=statement.customer_id,
        type="consent.changed",
        subject=f"consent:{statement.channel}",
        source_key=f"consent:{statement.customer_id}:{statement.key}",
        occurred_at=statement.occurred_at,
        details={"channel": statement.channel, "state": statement.state, "source": statement.source},
        is_history=statement.is_history,
    )

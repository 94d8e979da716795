"""Claiming due messages: the gate decides inside the transaction that sets `sending`.

What passes is rendered, written down as `sending` with a lease and an attempt, and committed before
anybody calls a provider. What needs the storefront first (a code) becomes `preparing`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, bindparam, update
from sqlalchemy.orm import Session

from app.db import Among, lease_now, table_of
from app.messaging import claim_rows, due, facts, gate, senders, text_costs, vouchers
from app.messaging.allowances import SenderFacts
from app.messaging.errors import ContentError
from app.messaging.facts import Loaded
from app.messaging.gate import ANSWER, TRANSACTIONAL, Decision, Verdict
from app.messaging.letters import Letters
from app.messaging.limits import Departure
from app.messaging.values import Goods
from app.messaging.vouchers import Wanted
from app.models import Message, Store
from app.models.message import PREPARING, QUEUED
from app.stores.accounts import StoreAccounts
from connectors.base import OutgoingMessage

MESSAGES = table_of(Message)
_OF_STORE = MESSAGES.c.store_id == bindparam("store")
_RELEASE = (
    update(MESSAGES)
    .where(
        _OF_STORE,
        Among(MESSAGES.c.id, "ids"),
        MESSAGES.c.status == PREPARING,
        MESSAGES.c.lease_token == bindparam("token"),
    )
    .values(status=QUEUED, next_at=bindparam("next"), lease_token=None, lease_until=None)
)
LEASE = timedelta(seconds=120)
"""More than twice the longest call to a provider, and longer than a whole batch of them may take."""
FRESH = timedelta(minutes=2)
"""How long what the storefront said of a checkout is good enough for a message about it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A checkout that the storefront is asked about before a message of it may leave.

    `becomes_order`: the order that ends it has the same id.
    """

    store_id: int
    message_id: int
    external_id: str
    becomes_order: bool


@dataclass(slots=True)
class Claimed:
    """What a claim brought: letters to send, baskets to ask about, codes to mint, how many were looked at.

    Attributes:
        is_local: no account carries any of it: how one answered need not be noted.
        mark: tells whether anybody wrote since (`app/commits.py`).
    """

    token: str
    looked_at: int = 0
    outgoing: list[OutgoingMessage] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    prepared_ids: list[int] = field(default_factory=list)
    is_local: bool = False
    mark: object = None

    def add(self, again: "Claimed") -> None:
        """Have what a later claim under the same token brought leave with this one's."""
        self.looked_at += again.looked_at
        self.outgoing += again.outgoing
        self.is_local = self.is_local and again.is_local


def claim(
    session: Session,
    kit: Letters,
    store: Store,
    *,
    accounts: StoreAccounts,
    now: datetime,
    limit: int,
    token: str = "",
    person: int | None = None,
) -> Claimed:
    """Decide about a store's due messages, at most `limit` and whatever else their customers have due.

    Args:
        token: that of a claim of before, whose messages leave with these; a new one by default.
        person: whose messages alone are decided about; everybody's by default.
    """
    claimed = Claimed(token=token or uuid4().hex, is_local=accounts.is_local)
    rows = due.messages(session, store.id, now, limit=limit, person=person)
    if not rows:
        return claimed
    claimed.looked_at = len(rows)
    ways = senders.load(session, store, accounts, channels={row.channel for row in rows}, now=now)
    loaded = facts.load(session, kit.signer, store, rows=rows, now=now, senders=ways)
    outcome = claim_rows.Outcome(store.id, now, claimed.token, lease_until=lease_now(session) + LEASE)
    work = _Work(kit, loaded, kit.goods_of(session, loaded, rows), outcome)
    for row in sorted(rows, key=turn):
        _decide(work, row)
    if work.to_prepare:
        claimed.wanted = vouchers.reserve(
            session, kit.signer, store, rows=work.to_prepare, customers=work.loaded.customers, now=now
        )
    claimed.asked = work.to_ask
    claimed.prepared_ids = [row.id for row in work.to_prepare]
    claimed.outgoing = work.outgoing
    work.outcome.write(session)
    if ways:
        senders.spend(session, store.id, Counter(message.channel for message in work.outgoing), now)
        _reckon_texts(session, store, work.outgoing, ways=ways, now=now)
    return claimed


def turn(row: Any) -> tuple[int, int, datetime, str]:
    """The arbiter's order: of one customer's messages the better one first."""
    return row.customer_id, row.priority, row.due_at, row.key


def release_unprepared(
    session: Session, store_id: int, token: str, *, ids: Sequence[int], next_at: datetime
) -> None:
    """Give messages back whose storefront work failed for now."""
    session.execute(_RELEASE, {"store": store_id, "ids": ids, "token": token, "next": next_at})


@dataclass(frozen=True, slots=True)
class _Work:
    """One claim under way: what it knows, and what it has decided so far."""

    kit: Letters
    loaded: Loaded
    goods: Goods
    outcome: claim_rows.Outcome
    to_prepare: list[Row[Any]] = field(default_factory=list)
    to_ask: list[Asked] = field(default_factory=list)
    outgoing: list[OutgoingMessage] = field(default_factory=list)


def _decide(work: _Work, row: Row[Any]) -> None:
    """Ask the gate; what passes is prepared or posted, and counts against the customer's other messages.

    The checkout is asked about before a code is minted: none may be made for a message that stays home.
    """
    decision = gate.decide(facts.facts_of(work.loaded, row), work.outcome.now)
    if decision.verdict is not Verdict.PASS:
        work.outcome.refuse(row, decision)
    elif (stale := _stale_basket(work, row)) is not None:
        same_id = stale.token == stale.external_id
        work.to_ask.append(Asked(row.store_id, row.id, stale.external_id, becomes_order=same_id))
        work.outcome.prepare(row)
        _count(work, row)
    elif _needs_code(work.loaded, row):
        work.to_prepare.append(row)
        work.outcome.prepare(row)
        _count(work, row)
    else:
        _post(work, row, decision)


def _stale_basket(work: _Work, row: Row[Any]) -> Row[Any] | None:
    """The checkout that the message is about, if the storefront was not asked about it just now."""
    basket = work.loaded.baskets.get(row.context.get("checkout", ""))
    if basket is None or (basket.asked_at is not None and basket.asked_at > work.outcome.now - FRESH):
        return None
    return basket


def _needs_code(loaded: Loaded, row: Row[Any]) -> bool:
    terms = row.context.get("voucher")
    if terms is None:
        return False
    voucher = loaded.vouchers.get((row.enrollment_id, terms["name"]))
    return voucher is None or voucher.minted_at is None


def _post(work: _Work, row: Row[Any], decision: Decision) -> None:
    """Render; a message whose content cannot be completed is stopped by the gate's own step."""
    try:
        letter = work.kit.write(work.loaded, work.goods, row)
    except ContentError as error:
        incomplete = facts.facts_of(work.loaded, row, content_problem=str(error))
        work.outcome.refuse(row, gate.decide(incomplete, work.outcome.now))
        return
    if not letter.written.is_usual:
        # How many parts a text has, and that a mail would be cut off, shows only now.
        decision = gate.decide(facts.facts_of(work.loaded, row, written=letter.written), work.outcome.now)
        if decision.verdict is not Verdict.PASS:
            work.outcome.refuse(row, decision)
            return
    work.outcome.begin(row, decision, letter)
    work.outgoing.append(letter.outgoing)
    work.loaded.spend(row.channel, letter.written.parts)
    _count(work, row)


def _reckon_texts(
    session: Session,
    store: Store,
    outgoing: Sequence[OutgoingMessage],
    *,
    ways: Mapping[str, SenderFacts],
    now: datetime,
) -> None:
    way = ways.get(text_costs.CHANNEL)
    if way is None or way.budget is None:
        return
    texts = {
        text_costs.subject_of(one.message_id): one.text
        for one in outgoing
        if one.channel == text_costs.CHANNEL
    }
    text_costs.spend(session, store, texts, within=way.budget, now=now)


def _count(work: _Work, row: Row[Any]) -> None:
    """What is about to leave counts at once against the customer's other messages."""
    if row.purpose in (ANSWER, TRANSACTIONAL):
        return
    departure = Departure(work.outcome.now, row.channel, row.step, is_this_tick=True)
    work.loaded.departures.setdefault(row.customer_id, []).append(departure)

"""Where a customer stands with the shop: one state machine over sums and moments. Pure.

active → dormant → reactivating → active | inactive. Silence is what nobody can see who may not measure: of
those who did not agree to it only orders, and what they said themselves, are known.

Source: PRODUCT.md section 2, reactivation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

ACTIVE, DORMANT, REACTIVATING, INACTIVE = "active", "dormant", "reactivating", "inactive"
_DAY = timedelta(days=1)
SHORTEST_GAP, GAPS = 90 * _DAY, 1.5
SILENCE, SILENCE_OF_NON_BUYERS, MAILS_TO_NON_BUYERS = 60 * _DAY, 120 * _DAY, 8
LAST_QUESTION, GIVES_UP = 21 * _DAY, 30 * _DAY
"""When an attempt asks its last question (R3), and how long that may stay unanswered."""
MOST_ATTEMPTS, ATTEMPTS_WITHIN = 2, 365 * _DAY
_ENOUGH_CHANGES = 10


@dataclass(frozen=True, slots=True)
class StateFacts:
    """What is known of a customer.

    Attributes:
        state, since: where they stood when they were looked at last.
        has_bought: whether there is any order that counts.
        gap: between their orders: the own 80th percentile from three orders on, else the shop's, if known.
        measured_since: when they agreed to be measured; None if they did not.
        last_act_at: the last human click, basket begun, answer on the preference page or own consent.
        mails: when mails left for them; only of those who never bought and may be measured.
        asked_at: when the last question of the running attempt left; over_at: when the attempt ended without.
    """

    since: datetime
    state: str = ACTIVE
    has_bought: bool = False
    last_order_at: datetime | None = None
    gap: timedelta | None = None
    measured_since: datetime | None = None
    last_act_at: datetime | None = None
    last_visit_at: datetime | None = None
    mails: Sequence[datetime] = ()
    asked_at: datetime | None = None
    over_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a customer stands, since when, and the next moment at which time alone may change it."""

    state: str
    since: datetime
    next_at: datetime | None = None


def changes(facts: StateFacts, now: datetime) -> list[Seen]:
    """What became of a customer until `now`, step by step; the last says where they stand now.

    All but the last are changes: whoever was not looked at for long may have passed several states.

    Raises:
        RuntimeError: the machine runs in a circle.
    """
    found: list[Seen] = []
    for _ in range(_ENOUGH_CHANGES):
        seen = see(facts, now)
        found.append(seen)
        if (seen.state, seen.since) == (facts.state, facts.since):
            return found
        facts = replace(facts, state=seen.state, since=seen.since)
    raise RuntimeError(f"the states run in a circle at {facts.state}")


def see(facts: StateFacts, now: datetime) -> Seen:
    """One step of the machine."""
    if facts.state != ACTIVE:
        acted_at = _last_act(facts)
        if acted_at is not None and acted_at > facts.since:
            return Seen(ACTIVE, acted_at)
    if facts.state == INACTIVE:
        return Seen(INACTIVE, facts.since)
    if facts.state == REACTIVATING:
        return _attempt(facts, now)
    due_at = dormant_at(facts)
    is_due = due_at is not None and due_at <= now
    if facts.state == DORMANT:
        return Seen(DORMANT, facts.since) if is_due else Seen(ACTIVE, now)
    if due_at is not None and is_due:
        return Seen(DORMANT, due_at)
    return Seen(ACTIVE, facts.since, due_at)


def dormant_at(facts: StateFacts) -> datetime | None:
    """From when on the customer counts as dormant if nothing happens; None if that cannot be said."""
    if facts.has_bought:
        return _buyer_dormant_at(facts)
    if facts.measured_since is None:
        return None
    silent_from = max([facts.measured_since, *_known(facts.last_act_at, facts.last_visit_at)])
    unanswered = sorted(moment for moment in facts.mails if moment > silent_from)
    if len(unanswered) < MAILS_TO_NON_BUYERS:
        return None
    return max(silent_from + SILENCE_OF_NON_BUYERS, unanswered[MAILS_TO_NON_BUYERS - 1])


def may_try(attempts: Sequence[datetime], now: datetime) -> bool:
    """Whether another attempt to win the customer back is allowed."""
    return sum(moment > now - ATTEMPTS_WITHIN for moment in attempts) < MOST_ATTEMPTS


def _buyer_dormant_at(facts: StateFacts) -> datetime | None:
    """The order gap, and 60 days of silence after whatever is known of; the gap alone where nothing is."""
    if facts.last_order_at is None:
        return None
    gap_ends_at = facts.last_order_at + max(SHORTEST_GAP, GAPS * (facts.gap or timedelta(0)))
    known = _known(facts.measured_since, facts.last_act_at, facts.last_visit_at)
    return max([gap_ends_at, *(at + SILENCE for at in known)])


def _attempt(facts: StateFacts, now: datetime) -> Seen:
    """An attempt under way: given up a month after its last question, over if that never left."""
    if facts.asked_at is not None:
        ends_at = facts.asked_at + GIVES_UP
        return Seen(INACTIVE, ends_at) if ends_at <= now else Seen(REACTIVATING, facts.since, ends_at)
    if facts.over_at is not None:
        return Seen(DORMANT, max(facts.over_at, facts.since))
    return Seen(REACTIVATING, facts.since, max(facts.since + LAST_QUESTION, now + _DAY))


def _last_act(facts: StateFacts) -> datetime | None:
    return max(_known(facts.last_order_at, facts.last_act_at, facts.last_visit_at), default=None)


def _known(*moments: datetime | None) -> list[datetime]:
    return [moment for moment in moments if moment is not None]

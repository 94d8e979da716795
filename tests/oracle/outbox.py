"""The outbox: which message leaves at a tick, which waits, which never goes."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from itertools import pairwise

from tests.oracle.evidence import Evidence
from tests.oracle.mirror import Mirror
from tests.oracle.model import StoreSettings
from tests.oracle.moments import DAY, ceil_minute
from tests.oracle.recipes import (
    ADULT_YEARS,
    ANSWER,
    FLAPPING_PAUSE,
    FLAPPING_WORDS,
    MARKETING,
    NEEDS_UNUSED_CODE,
    SPACING,
    STEPS,
)
from tests.oracle.state import Message, Person
from tests.oracle.zones import local_date, next_open, zone_of


class Outbox:
    """All messages; those that wait are kept by the moment at which they are looked at again."""

    def __init__(self, mirror: Mirror, evidence: Evidence) -> None:
        self.messages: list[Message] = []
        self._mirror = mirror
        self._evidence = evidence
        self._waiting: list[tuple[int, int, Message]] = []
        self._pushed = 0

    def put(self, message: Message) -> None:
        """A new message, looked at from its due moment on."""
        self.messages.append(message)
        self._push(message, message.due_at)

    def next_at(self) -> int | None:
        """When the first message is looked at again."""
        return self._waiting[0][0] if self._waiting else None

    def tick(self, now: int) -> None:
        """Decide about everything that is due, person by person."""
        by_person: dict[int, list[Message]] = defaultdict(list)
        while self._waiting and self._waiting[0][0] <= now:
            message = heappop(self._waiting)[2]
            by_person[id(message.enrollment.person)].append(message)
        for messages in by_person.values():
            for message in sorted(messages, key=lambda item: item.order_key):
                self._decide(message, now)

    def _push(self, message: Message, at: int) -> None:
        self._pushed += 1
        heappush(self._waiting, (at, self._pushed, message))

    def _decide(self, message: Message, now: int) -> None:
        person = message.enrollment.person
        store = self._mirror.stores[person.platform].settings
        if now >= message.expires_at:
            message.status = "expired"
            return
        reason = _stop_reason(message, person, store, now)
        if reason:
            message.status, message.reason = "stopped", reason
            return
        believed_at = _believed_at(message, person, now)
        if believed_at > now:
            self._put_off(message, believed_at)
            return
        at = now if message.purpose == ANSWER else first_allowed(message, person, store, now)
        if at == now:
            self._send(message, person, now)
        elif at >= message.expires_at:
            message.status = "expired"
        else:
            self._push(message, at)

    def _put_off(self, message: Message, until: int) -> None:
        message.is_put_off = True
        if until >= message.expires_at:
            message.status, message.reason = "stopped", "consent-flapping"
        else:
            self._push(message, until)

    def _send(self, message: Message, person: Person, now: int) -> None:
        message.status, message.sent_at = "sent", now
        if message.purpose != ANSWER:
            person.left.append((now, message.channel))
        if STEPS[message.key.step].is_ask:
            person.last_ask_at = now
        address = person.shopper.phone if message.channel == "sms" else person.shopper.email
        self._evidence.note_sent(address, now, message)


def _stop_reason(message: Message, person: Person, store: StoreSettings, now: int) -> str | None:
    """Why a message never goes, in the order of the gate's steps."""
    if not _is_still_wanted(message):
        return "trigger-false"
    if message.purpose in store.minors_barred and _is_minor(person, store, now):
        return "minor"
    if person.is_suppressed and message.channel == "email":
        return "suppressed"
    said = person.consent(message.channel)
    if said == "subscribed":
        return None
    if said == "unsubscribed":
        return "consent-withdrawn"
    is_buyer = any(order.is_counted for order in person.orders)
    if message.channel == "email" and store.soft_opt_in and is_buyer:
        return None
    return "no-legal-basis"


def _believed_at(message: Message, person: Person, now: int) -> int:
    """When a yes to mails counts: at once, or a pause after the last of many words in turn.

    Looked at backwards: what stands now, the other word before it, and so on, each within a pause.
    """
    if message.channel != "email":
        return now
    words = sorted(set(person.words))
    turns = [
        at
        for (at, is_no), before in zip(words, [None, *words], strict=False)
        if not before or before[1] != is_no
    ]
    recent = turns[-FLAPPING_WORDS:]
    is_quick = all(later - earlier < FLAPPING_PAUSE for earlier, later in pairwise(recent))
    return recent[-1] + FLAPPING_PAUSE if len(recent) == FLAPPING_WORDS and is_quick else now


def _is_still_wanted(message: Message) -> bool:
    enrollment, step = message.enrollment, message.key.step
    if step == "W1":
        return True
    if enrollment.has_exited or NEEDS_UNUSED_CODE.get(step) in enrollment.used_codes:
        return False
    if step == "M3R" and enrollment.messages["M3"].clicks:
        return False
    order = enrollment.order
    return order is None or (order.is_counted if step == "W5" else order.is_intact)


def _is_minor(person: Person, store: StoreSettings, now: int) -> bool:
    birth = person.shopper.birth
    if person.birth_told_at is None or birth is None or birth[2] is None:
        return False
    today = local_date(now, zone_of(person, store))
    return (today.year - birth[2]) - ((today.month, today.day) < birth[:2]) < ADULT_YEARS


def first_allowed(message: Message, person: Person, store: StoreSettings, now: int) -> int:
    """The first moment that caps, spacing and quiet hours allow, if nothing else leaves until then."""
    at = now
    while True:
        open_at = next_open(at, message.channel, person, store, is_marketing=message.purpose == MARKETING)
        later = max(open_at, _caps_end(message, person, store), _spacing_end(message, person))
        if later <= at:
            return at
        at = ceil_minute(later)


def _caps_end(message: Message, person: Person, store: StoreSettings) -> int:
    left = person.left
    ends = [left[-count][0] + span for count, span in _caps(store) if 0 < count <= len(left)]
    if message.channel == "sms":
        ends += [max((at for at, channel in left if channel == "sms"), default=-7 * DAY) + 7 * DAY]
    return max(ends, default=0)


def _caps(store: StoreSettings) -> tuple[tuple[int, int], ...]:
    return ((store.cap_per_day, DAY), (store.cap_per_week, 7 * DAY))


def _spacing_end(message: Message, person: Person) -> int:
    if not STEPS[message.key.step].keeps_from_asks or person.last_ask_at is None:
        return 0
    return person.last_ask_at + SPACING

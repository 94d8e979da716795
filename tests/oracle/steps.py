"""What each step owes when it is due: a message, or none and why not."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from tests.oracle.catalogue import Pairs, asked_products, delay_days
from tests.oracle.engine import Engine
from tests.oracle.model import MessageKey
from tests.oracle.moments import DAY
from tests.oracle.outbox import Outbox
from tests.oracle.recipes import (
    ABROAD_TRANSIT,
    FALLBACK,
    HOME_TRANSIT,
    MARKETING,
    MEDIAN_NEEDS,
    MEDIAN_OF,
    NEEDS_UNUSED_CODE,
    REMINDER_DELAY,
    STEPS,
    UNTIL_CODE_ENDS,
    UNTIL_DAY_ENDS,
)
from tests.oracle.state import Enrollment, Message, Person, StoreMirror
from tests.oracle.zones import next_open

_CAME_BACK = ("stopped", "expired", "failed", "cancelled")
_REPEATED = {"M3R": "M3", "X2": "X1"}


class Steps:
    """The writers of messages."""

    def __init__(self, outbox: Outbox, pairs: Mapping[str, Pairs]) -> None:
        self._outbox = outbox
        self._pairs = pairs

    def ring(self, engine: Engine, enrollment: Enrollment, due_at: int, step: str) -> None:
        """Do a step that is due."""
        if step == FALLBACK:
            if enrollment.is_waiting:
                self._take_as_delivered(engine, enrollment)
        elif step == "M3":
            self._ask(enrollment, due_at)
        elif step == "B2":
            self.write(enrollment, step, due_at, channel=_day_channel(engine, enrollment, due_at))
        elif step == "X1":
            self._offer(enrollment, due_at)
        elif _is_owed(enrollment, step):
            first = enrollment.messages.get(_REPEATED.get(step, ""))
            self.write(enrollment, step, due_at, about=first.about if first else ())

    def write(
        self,
        enrollment: Enrollment,
        step: str,
        due_at: int,
        *,
        channel: str = "email",
        has_code: bool = True,
        about: tuple[str, ...] = (),
    ) -> None:
        """Put a message into the outbox."""
        terms, key = STEPS[step], enrollment.key
        ends_at = {UNTIL_CODE_ENDS: enrollment.code_ends_at, UNTIL_DAY_ENDS: enrollment.day_ends_at}
        message = Message(
            key=MessageKey(key.platform, key.customer, key.flow, step, key.occurrence),
            enrollment=enrollment,
            channel=channel,
            purpose=terms.purpose,
            priority=terms.priority,
            due_at=due_at,
            expires_at=ends_at.get(terms.lives, due_at + terms.lives),
            about=about,
            has_code=has_code and bool(terms.code),
        )
        enrollment.messages[step] = message
        self._outbox.put(message)

    def _offer(self, enrollment: Enrollment, due_at: int) -> None:
        """X1 offers the one product that goes with what they own; without any it is over."""
        assert enrollment.order is not None
        offered = self._pairs[enrollment.key.platform].complement(enrollment.order, enrollment.person)
        if offered is None:
            enrollment.plan = []
            return
        self.write(enrollment, "X1", due_at, about=(offered,))

    def _ask(self, enrollment: Enrollment, due_at: int) -> None:
        """M3 is about those of the three dearest not asked about before; without any it is over."""
        assert enrollment.order is not None
        person = enrollment.person
        asked = {
            product
            for message in person.review_asks
            if message.status not in _CAME_BACK
            for product in message.about
        }
        about = tuple(product for product in asked_products(enrollment.order) if product not in asked)
        if not about:
            enrollment.plan = []
            return
        self.write(enrollment, "M3", due_at, about=about)
        person.review_asks.append(enrollment.messages["M3"])

    def _take_as_delivered(self, engine: Engine, enrollment: Enrollment) -> None:
        """No delivery was told in time: the store's median transit, else the limit itself."""
        order = enrollment.order
        assert order is not None
        assert order.fulfilled_at is not None
        store = engine.mirror.stores[enrollment.key.platform]
        transit = transit_limit(enrollment.person, store)
        latest = [seconds for _, seconds in store.transits[-MEDIAN_OF:]]
        if len(latest) >= MEDIAN_NEEDS:
            transit = int(median(latest))
        plan_review(engine, enrollment, order.fulfilled_at + transit)


def _is_owed(enrollment: Enrollment, step: str) -> bool:
    if NEEDS_UNUSED_CODE.get(step) in enrollment.used_codes:
        return False
    if step == "W5":
        return enrollment.order is not None and enrollment.order.is_counted
    if step not in _REPEATED:
        return True
    first = enrollment.messages.get(_REPEATED[step])
    return first is not None and first.sent_at is not None and not (step == "M3R" and first.clicks)


def plan_review(engine: Engine, enrollment: Enrollment, delivered_at: int) -> None:
    """The steps of a review after the goods have come."""
    assert enrollment.order is not None
    days = delay_days(enrollment.order, engine.mirror.stores[enrollment.key.platform])
    due_at = delivered_at + days * DAY
    engine.follow(enrollment, [(due_at, "M3"), (due_at + REMINDER_DELAY, "M3R")])


def transit_limit(person: Person, store: StoreMirror) -> int:
    """How long a delivery is waited for: at home (or unknown) 7 days, abroad 14."""
    is_home = person.country in ("", store.settings.country)
    return HOME_TRANSIT if is_home else ABROAD_TRANSIT


def _day_channel(engine: Engine, enrollment: Enrollment, due_at: int) -> str:
    """By SMS if the person agreed, has a phone, and the hours leave a moment that day."""
    person = enrollment.person
    store = engine.mirror.stores[enrollment.key.platform].settings
    if not (store.can_send_sms and person.phone and person.consent("sms") == "subscribed"):
        return "email"
    is_marketing = STEPS["B2"].purpose == MARKETING
    opens_at = next_open(max(due_at, engine.now), "sms", person, store, is_marketing=is_marketing)
    return "sms" if opens_at < enrollment.day_ends_at else "email"

"""Who enters a flow: what each kind of timeline entry begins, and the daily plan of birthdays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta

from tests.oracle.engine import Engine
from tests.oracle.model import EnrollmentKey
from tests.oracle.moments import DAY, moment
from tests.oracle.recipes import (
    ADULT_YEARS,
    BIRTHDAY_CODE_DAYS,
    BIRTHDAY_GAP,
    BIRTHDAY_KNOWN_DAYS,
    CONSENT,
    CROSS_SELL_DELAY,
    FIRST_ORDER,
    FIRST_ORDER_DELAY,
    WELCOME_CODE_DAYS,
    WELCOME_PLAN,
)
from tests.oracle.state import Entry, Person
from tests.oracle.steps import Steps, plan_review, transit_limit
from tests.oracle.zones import local_date, local_moment, zone_of

_NINE, _MIDNIGHT = time(9), time(0)
Start = Callable[[Engine, Person, Entry], None]


def starts(steps: Steps) -> Mapping[str, Sequence[Start]]:
    """What an entry of a kind begins."""

    def consent(engine: Engine, person: Person, entry: Entry) -> None:
        enrollment = engine.enroll(person, "welcome", CONSENT, entry.at)
        if enrollment is None:
            return
        is_back = _has_paid_before(person, entry.at)
        enrollment.code_ends_at = entry.at + WELCOME_CODE_DAYS * DAY
        steps.write(enrollment, "W1", entry.at, has_code=not is_back)
        engine.follow(
            enrollment, [] if is_back else [(entry.at + after, step) for after, step in WELCOME_PLAN]
        )

    return {
        "consent.subscribed": (consent,),
        "order.paid": (_start_first_order,),
        "order.fulfilled": (_start_review,),
        "order.delivered": (_start_review, _start_cross_sell),
    }


def plan_birthdays(engine: Engine, slot: int) -> None:
    """The daily slot: whoever has a B1 in [slot, slot + 1 d), and not before the flow was switched on."""
    day = moment(slot).date()
    for birthday in (day + timedelta(days=ahead) for ahead in (6, 7, 8)):
        for person in list(_born_on(engine, birthday)):
            _start_birthday(engine, person, birthday, slot)


def _has_paid_before(person: Person, at: int) -> bool:
    return any(
        order.is_counted and order.paid_at is not None and order.paid_at < at for order in person.orders
    )


def _start_first_order(engine: Engine, person: Person, entry: Entry) -> None:
    if _has_paid_before(person, entry.at):
        return
    enrollment = engine.enroll(person, "welcome", FIRST_ORDER, entry.at, order=entry.order)
    if enrollment is not None:
        engine.follow(enrollment, [(entry.at + FIRST_ORDER_DELAY, "W5")])


def _start_review(engine: Engine, person: Person, entry: Entry) -> None:
    order = entry.order
    assert order is not None
    enrollment = engine.enroll(person, "review", order.occurrence, entry.at, order=order)
    if entry.kind == "order.fulfilled":
        if enrollment is not None:
            store = engine.mirror.stores[person.platform]
            engine.wait(enrollment, entry.at + transit_limit(person, store))
        return
    if enrollment is None:
        key = EnrollmentKey(person.platform, person.shopper.key, "review", order.occurrence)
        enrollment = engine.enrollments.get(key)
        if enrollment is None or not enrollment.is_waiting:
            return
    plan_review(engine, enrollment, entry.at)


def _start_cross_sell(engine: Engine, person: Person, entry: Entry) -> None:
    assert entry.order is not None
    enrollment = engine.enroll(person, "cross_sell", entry.order.occurrence, entry.at, order=entry.order)
    if enrollment is not None:
        offer_at = entry.at + CROSS_SELL_DELAY
        engine.follow(enrollment, [(offer_at, "X1"), (offer_at + CROSS_SELL_DELAY, "X2")])


def _born_on(engine: Engine, birthday: date) -> Iterator[Person]:
    yield from engine.mirror.birthdays.get((birthday.month, birthday.day), ())
    if (birthday.month, birthday.day) == (2, 28) and (birthday + timedelta(days=1)).day == 1:
        yield from engine.mirror.birthdays.get((2, 29), ())


def _start_birthday(engine: Engine, person: Person, birthday: date, slot: int) -> None:
    zone = zone_of(person, engine.mirror.stores[person.platform].settings)
    first_at = local_moment(birthday - timedelta(days=7), _NINE, zone)
    birth, told_at, last = person.shopper.birth, person.birth_told_at, person.last_birthday_slot
    assert birth is not None
    assert told_at is not None
    if not max(slot, engine.mirror.activated_at) <= first_at < slot + DAY:
        return
    if local_date(told_at, zone) > birthday - timedelta(days=BIRTHDAY_KNOWN_DAYS):
        return
    if last is not None and slot - last < BIRTHDAY_GAP:
        return
    if birth[2] is not None and birthday.year - birth[2] < ADULT_YEARS:
        return
    enrollment = engine.enroll(person, "birthday", f"year:{birthday.year}", slot)
    if enrollment is None:
        return
    person.last_birthday_slot = slot
    enrollment.day_ends_at = local_moment(birthday + timedelta(days=1), _MIDNIGHT, zone)
    enrollment.code_ends_at = local_moment(birthday + timedelta(days=BIRTHDAY_CODE_DAYS + 1), _MIDNIGHT, zone)
    on_the_day = local_moment(birthday, _NINE, zone)
    reminder_at = local_moment(birthday + timedelta(days=11), _NINE, zone)
    engine.follow(enrollment, [(first_at, "B1"), (on_the_day, "B2"), (reminder_at, "B3")])

"""Who says yes and no in turn is not believed until they have left it for a day; a no holds all the while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from app import consent
from app.consent import NewConsent
from app.messaging import flapping
from app.messaging.flapping import MANY, QUIET
from app.runtime import Runtime
from jobs import outbox
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
LAST = NOW - HOUR
YES, NO, PENDING = "subscribed", "unsubscribed", "pending"


@dataclass(frozen=True)
class Word:
    """An entry of the ledger, so many hours ago."""

    state: str
    hours: float

    @property
    def occurred_at(self) -> datetime:
        """Its moment."""
        return NOW - self.hours * HOUR


def _turns(*hours: float, last: str = YES) -> list[Word]:
    """A yes and a no in turn, so many hours ago each."""
    other = NO if last == YES else YES
    return [Word((other, last)[(len(hours) - number) % 2], ago) for number, ago in enumerate(hours)]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop whose welcome mails are on."""
    return open_shop(runtime)


@pytest.mark.parametrize(
    ("said", "hours_left"),
    [
        (_turns(4, 3, 2, 1), 23),
        (_turns(90, 67, 44, 21), 3),
        (_turns(5, 4, 3, 2, 1, 0.5), 23.5),
        ([*_turns(4, 3, 2), Word(YES, 1.5), Word(PENDING, 1)], None),
        ([*_turns(4, 3, 2, 1), Word(YES, 0.5)], 23),
        (_turns(3, 2, 1), None),
        (_turns(27, 3, 2, 1), None),
        (_turns(28, 27, 26, 25), None),
        (_turns(27, 26, 25, 24), None),
        ([], None),
    ],
    ids=[
        "four-in-hours",
        "one-a-day",
        "the-newest-counts",
        "a-repeated-yes-is-no-turn",
        "nor-does-it-prolong",
        "three-are-a-mistake-and-its-correction",
        "one-long-before",
        "a-day-ago-and-more",
        "a-day-ago-to-the-second",
        "nothing",
    ],
)
def test_four_words_in_turn_none_a_day_apart_are_believed_a_day_after_the_last(
    said: Sequence[Word], hours_left: float | None
) -> None:
    end = None if hours_left is None else NOW + hours_left * HOUR

    assert flapping.end_of(said, NOW) == end
    # However they are told: the ledger has them in the order in which they came.
    assert flapping.end_of(list(reversed(said)), NOW) == end


def test_who_flaps_waits_for_a_day_and_gets_it_then(shop: Shop) -> None:
    message_id = shop.add_message(_flapping(shop), expires_at=NOW + 3 * DAY)
    kit = shop.kit(post := Post())

    outbox.run(kit, NOW)
    waiting = shop.message(message_id)
    outbox.run(kit, LAST + QUIET - SECOND)
    before = list(post.sent_ids)
    outbox.run(kit, LAST + QUIET)

    assert (waiting.status, waiting.reason, waiting.next_at) == ("queued", "consent-flapping", LAST + QUIET)
    assert (before, post.sent_ids) == ([], [message_id])


def test_one_channel_is_not_held_for_what_was_said_of_another(shop: Shop) -> None:
    person = shop.add_subscriber()
    _flips(shop, person, channel="sms")
    message_id = shop.add_message(person)
    post = Post()

    outbox.run(shop.kit(post), NOW)

    assert post.sent_ids == [message_id]


def test_who_goes_on_flapping_goes_on_waiting_and_what_is_worth_nothing_then_ends(shop: Shop) -> None:
    person = _flapping(shop)
    long, short = (shop.add_message(person, expires_at=NOW + days * DAY) for days in (3, 1.5))
    kit = shop.kit(post := Post())

    outbox.run(kit, NOW)
    _flips(shop, person, after=20 * HOUR)
    outbox.run(kit, LAST + QUIET)

    rows = [shop.message(one) for one in (long, short)]
    assert [(row.status, row.reason) for row in rows] == [
        ("queued", "consent-flapping"),
        ("stopped", "consent-flapping"),
    ]
    assert rows[0].next_at == LAST + 20 * HOUR + QUIET
    assert post.sent == []


def test_a_no_holds_at_once_and_transactional_mail_goes_all_the_while(shop: Shop) -> None:
    people = [_flapping(shop, last=last) for last in (NO, YES)]
    refused = shop.add_message(people[0])
    asked = [shop.add_message(one, purpose="transactional") for one in people]
    post = Post()

    outbox.run(shop.kit(post), NOW)

    assert (shop.message(refused).status, shop.message(refused).reason) == ("stopped", "consent-withdrawn")
    assert post.sent_ids == asked


def _flapping(shop: Shop, last: str = YES) -> int:
    with shop.database.write() as session:
        person = seeds.add_customer(session, shop.id).id
    _flips(shop, person, last=last)
    return person


def _flips(
    shop: Shop, person: int, *, channel: str = "email", last: str = YES, after: timedelta = timedelta()
) -> None:
    """As many words as it takes, one an hour, the last of them at `LAST`, or later."""
    words = _turns(*range(MANY, 0, -1), last=last)
    said = [
        NewConsent(shop.id, person, channel, word.state, "consent", word.occurred_at + after, "test")
        for word in words
    ]
    with shop.database.write() as session:
        consent.record(session, said, NOW + after)

"""Who says yes and no again and again is welcomed once, held for a day, and then as they said last."""

from datetime import timedelta

import pytest

from app import consent
from app.consent import NewConsent
from app.models import ConsentState, Enrollment
from app.runtime import Runtime
from jobs import flows, outbox
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FLIPS = 20
AFTER = NOW + (FLIPS + 1) * MINUTE
HELD = {"subscribed": ("queued", "consent-flapping"), "unsubscribed": ("stopped", "consent-withdrawn")}
"""What becomes of an offer that is due right after the last of them."""


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop whose welcome mails are on."""
    return open_shop(runtime)


@pytest.mark.parametrize("last", ["subscribed", "unsubscribed"])
def test_twenty_flips_are_one_welcome_and_the_last_state_stands(shop: Shop, last: str) -> None:
    with shop.database.write() as session:
        # Who bought before is welcomed back, without a code that a shop would have to make.
        person = seeds.add_customer(session, shop.id, orders_count=1, first_paid_at=NOW - DAY).id
    kit = shop.kit(post := Post())
    other = "unsubscribed" if last == "subscribed" else "subscribed"

    for number in range(1, FLIPS + 1):
        at = NOW + number * MINUTE
        state = other if number % 2 else last
        said = NewConsent(shop.id, person, "email", state, "consent", at, "test")
        with shop.database.write() as session:
            consent.record(session, [said], at)
        flows.run(kit, at)
        outbox.run(kit, at)
    offer = shop.add_message(person, due_at=AFTER, expires_at=AFTER + 3 * DAY)
    outbox.run(kit, AFTER)
    held = shop.message(offer)
    for days in range(1, 15):
        flows.run(kit, NOW + days * DAY)
        outbox.run(kit, NOW + days * DAY)

    assert [shop.message(one).step for one in post.sent_ids if one != offer] == ["W1"]
    assert (held.status, held.reason) == HELD[last]
    assert shop.message(offer).sent_at == (NOW + 2 * DAY if last == "subscribed" else None)
    assert seeds.rows_of(shop.database, Enrollment, "occurrence") == [("consent",)]
    assert seeds.rows_of(shop.database, ConsentState, "channel", "state") == [("email", last)]

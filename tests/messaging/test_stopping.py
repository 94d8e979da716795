"""The red button: nothing leaves while a store is stopped, whatever it is; all is decided anew after it."""

from datetime import timedelta

import pytest

from app.models import Message, Store
from app.runtime import Runtime
from app.stores import stopping
from jobs.outbox import run
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop whose welcome mails are on."""
    return open_shop(runtime)


def stop(shop: Shop) -> bool:
    with shop.database.write() as session:
        return stopping.stop(session, shop.id, NOW)


def resume(shop: Shop) -> bool:
    with shop.database.write() as session:
        return stopping.resume(session, shop.id, NOW + MINUTE)


def test_nothing_leaves_a_stopped_store_not_even_what_was_claimed_before(shop: Shop) -> None:
    post = Post()
    shop.add_message()
    shop.add_message(purpose="transactional")
    shop.add_message(status="preparing", lease_token="lost", lease_until=NOW - MINUTE)

    stop(shop)
    run(shop.kit(post), NOW)

    assert post.sent == []
    assert seeds.rows_of(shop.database, Message, "status", "reason") == [("queued", "sender-paused")] * 3


def test_what_waited_is_decided_about_at_once_and_what_expired_stays(shop: Shop) -> None:
    post = Post()
    alive, dying = shop.add_message(), shop.add_message(expires_at=NOW + MINUTE)
    stop(shop)
    run(shop.kit(post), NOW)

    resume(shop)
    run(shop.kit(post), NOW + MINUTE)

    assert post.sent_ids == [alive]
    assert shop.message(dying).status == "expired"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_another_store_goes_on_and_a_second_press_changes_nothing(shop: Shop, runtime: Runtime) -> None:
    other, post = open_shop(runtime, "crimson"), Post()
    theirs = other.add_message()

    pressed = [resume(shop), stop(shop), stop(shop)]
    run(other.kit(post), NOW)
    released = [resume(shop), resume(shop)]

    assert (pressed, released) == ([False, True, False], [True, False])
    assert post.sent_ids == [theirs]
    assert seeds.values_of(runtime.database, Store, "stopped_at") == [None, None]

"""What is said while a claim is under way: it waits for the claim, and after it nothing is handed over."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app import consent
from app.flows import switch
from app.messaging import receipts
from app.messaging.letters import Letters
from app.models import Message, Store
from app.runtime import Runtime
from app.stores import stopping
from connectors.base import Channel
from jobs.kit import Kit
from jobs.outbox import run
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.messaging.outbox_seed import Post, Shop, open_shop
from tests.privacy.test_privacy_races import beside, wait_until_somebody_waits

Said = Callable[[Session], Any]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop whose welcome mails are on."""
    return open_shop(runtime)


@dataclass(frozen=True, slots=True)
class Interrupted(Letters):
    """Letters in whose claim something happens once the switches and the people were looked at."""

    happening: Callable[[], None] = lambda: None

    def goods_of(self, session: Session, loaded: Any, rows: Sequence[Any]) -> Any:
        """The goods, after it happened."""
        self.happening()
        return Letters.goods_of(self, session, loaded, rows)


class Awaiting:
    """Carriers that give a channel only once what was said in between is committed."""

    def __init__(
        self, inner: Any, said: list[threading.Thread], happening: Callable[[], None] = lambda: None
    ) -> None:
        self._inner, self._said, self._happening = inner, said, happening
        self.accounts = inner.accounts

    def of(self, store: Store, name: str) -> Channel | None:
        """The channel."""
        for thread in self._said:
            thread.join()
        self._happening()
        channel: Channel | None = self._inner.of(store, name)
        return channel


def interrupted(
    shop: Shop, post: Post, said: Said, *, is_seen_waiting: bool
) -> tuple[Kit, list[threading.Thread]]:
    """A worker in whose claim another begins to say something, which is committed before the call."""
    threads: list[threading.Thread] = []

    def say() -> None:
        with shop.database.write() as session:
            said(session)

    def happening() -> None:
        if not threads:
            threads.append(beside(say))
            if is_seen_waiting:
                wait_until_somebody_waits(shop.database)

    kit = shop.kit(post)
    letters = Interrupted(kit.letters.signer, kit.letters.base_url, kit.letters.compiled, happening=happening)
    carriers: Any = Awaiting(kit.carriers, threads)
    return replace(kit, letters=letters, carriers=carriers), threads


def test_nothing_starts_after_everything_was_stopped(shop: Shop, engine: str) -> None:
    post, message = Post(), shop.add_message()
    kit, _ = interrupted(
        shop,
        post,
        lambda session: stopping.stop(session, shop.id, NOW),
        is_seen_waiting=engine == POSTGRESQL,
    )

    run(kit, NOW)

    assert post.sent == []
    assert shop.message(message).status == "queued"


@pytest.mark.parametrize("engine", [POSTGRESQL])
@pytest.mark.parametrize(
    ("what", "states"), [("flow", ["sent", "stopped"]), ("consent", ["queued", "stopped"])]
)
def test_a_flow_and_a_consent_wait_for_the_claim_that_asked_about_them(
    shop: Shop, what: str, states: list[str]
) -> None:
    post, message = Post(), shop.add_message()
    said: dict[str, Said] = {
        "flow": lambda session: switch.deactivate(session, shop.id, "welcome", NOW),
        "consent": lambda session: receipts.record_unsubscribe(
            session,
            shop.runtime.signer,
            store_id=shop.id,
            message_id=message,
            occurred_at=NOW,
            source="link",
        ),
    }
    kit, threads = interrupted(shop, post, said[what], is_seen_waiting=True)

    run(kit, NOW)
    threads[0].join()
    shop.add_message(shop.message(message).customer_id, step="W3")
    run(kit, NOW)

    # The flow was on when the first was handed over; after a no nobody is written to.
    assert post.sent_ids == ([message] if what == "flow" else [])
    assert seeds.values_of(shop.database, Message, "status") == states


@pytest.mark.parametrize("purpose", ["marketing", "transactional"])
def test_who_says_no_between_the_claim_and_the_call_is_not_written_to(shop: Shop, purpose: str) -> None:
    post = Post()
    leaving, staying = shop.add_message(purpose=purpose), shop.add_message()
    person = shop.message(leaving).customer_id

    def withdraw() -> None:
        with shop.database.write() as session:
            consent.withdraw(session, shop.id, person, "email", source="link", now=NOW)

    kit = shop.kit(post)
    carriers: Any = Awaiting(kit.carriers, said=[], happening=withdraw)
    run(replace(kit, carriers=carriers), NOW)
    later = run(shop.kit(post), NOW + timedelta(hours=1))

    is_written_to = purpose == "transactional"
    assert set(post.sent_ids) == ({leaving, staying} if is_written_to else {staying})
    assert is_written_to or later["decided"] == 1
    assert shop.message(leaving).status == ("sent" if is_written_to else "stopped")

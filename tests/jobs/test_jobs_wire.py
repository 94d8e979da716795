"""A batch is on its way while the next is claimed, and what fails there is its own store's."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.messaging.letters import Letters
from app.runtime import Runtime
from connectors.base import OutgoingMessage, SendResult
from connectors.sending import MayLeave, always
from jobs.guard import Failed
from jobs.outbox import run
from jobs.wire import Wire
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.messaging.outbox_seed import Post, Shop, open_shop

LONG = 10.0


@dataclass
class Held(Post):
    """A provider that answers its first batch only once the next one was looked at."""

    is_claimed: threading.Event = field(default_factory=threading.Event)
    was_claimed: list[bool] = field(default_factory=list)

    def send(self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always) -> Sequence[SendResult]:
        """The answers, late."""
        self.was_claimed.append(self.is_claimed.wait(LONG))
        return super().send(messages, may_leave)


@dataclass(frozen=True, slots=True)
class Watched(Letters):
    """Letters that note the second batch that is written."""

    second: threading.Event = field(default_factory=threading.Event)
    batches: list[int] = field(default_factory=list)

    def goods_of(self, session: Session, loaded: Any, rows: Sequence[Any]) -> Any:
        """The goods of a batch."""
        self.batches.append(len(rows))
        if len(self.batches) > 1:
            self.second.set()
        return Letters.goods_of(self, session, loaded, rows)


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_the_next_batch_is_claimed_while_one_is_on_its_way(runtime: Runtime) -> None:
    post = Held()
    shops = [open_shop(runtime), open_shop(runtime, "crimson")]
    expected = sorted(shop.add_message() for shop in shops)
    kit = shops[0].kit(post)
    letters = kit.letters
    watched = Watched(letters.signer, letters.base_url, letters.compiled, second=post.is_claimed)

    done = run(replace(kit, letters=watched), NOW)

    assert post.was_claimed == [True, True]
    assert (sorted(post.sent_ids), done["decided"]) == (expected, 2)
    assert [shop.message(id_).status for shop, id_ in zip(shops, expected, strict=True)] == ["sent", "sent"]


class Broken(Post):
    """A provider whose code fails at its first batch."""

    def send(self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always) -> Sequence[SendResult]:
        """Fail once."""
        if not self.asked:
            self.asked.append("broken")
            raise ZeroDivisionError("the first store's")
        return super().send(messages, may_leave)


def test_a_call_that_breaks_keeps_no_other_store_waiting_and_is_told(runtime: Runtime) -> None:
    first, second = open_shop(runtime), open_shop(runtime, "crimson")
    lost, sent = first.add_message(), second.add_message()
    post = Broken()

    with pytest.raises(ZeroDivisionError):
        run(first.kit(post), NOW)

    assert post.sent_ids == [sent]
    assert (_status(first, lost), _status(second, sent)) == ("sending", "sent")


def test_works_are_carried_out_in_their_order_and_all_of_them() -> None:
    done: list[int] = []
    failures: dict[int, Failed] = {}

    with Wire() as wire:
        for number in range(5):
            wire.carry_out(1, failures, partial(done.append, number))

    assert (done, failures) == ([0, 1, 2, 3, 4], {})


def test_the_last_failure_is_raised_by_whoever_leaves() -> None:
    def fail() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError), Wire() as wire:
        wire.carry_out(1, {}, fail)


def _status(shop: Shop, message_id: int) -> str:
    status: str = shop.message(message_id).status
    return status

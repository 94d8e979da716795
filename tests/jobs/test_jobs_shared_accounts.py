"""Two installations of Ritorno on one SendGrid account: their numbers are the same, their mails are not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.crypto import Signer
from app.models import DeliveryEvent, Store
from connectors.base import OutgoingMessage
from connectors.channels.local import LocalChannel
from jobs.kit import Kit
from tests import seeds
from tests.jobs.jobs_providers import Sending, sending_alone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def shop(settings: Any, database: Any, tmp_path: Path) -> Iterator[Sending]:
    """A shop whose account another installation uses, too."""
    with sending_alone(settings, database, tmp_path) as found:
        yield found


def test_what_became_of_another_installations_mail_of_that_number_is_no_word_on_ours(shop: Sending) -> None:
    message_id = shop.message()
    shop.pair.control("/faults", {"kind": "close", "accepted": False, "times": 1})
    shop.send()

    _send_elsewhere(shop, message_id)
    shop.hear()
    unheard = shop.row(message_id).status, seeds.values_of(shop.runtime.database, DeliveryEvent, "type")

    assert unheard == ("unknown", [])


def test_our_own_mail_is_still_heard_of(shop: Sending) -> None:
    message_id = shop.message()

    shop.send()
    shop.hear()

    assert shop.row(message_id).status == "delivered"


def _send_elsewhere(shop: Sending, message_id: int) -> None:
    """The other installation sends its own mail with our number, for a store with our store's number."""
    elsewhere = replace(shop.runtime, signer=Signer("another installation's key"))
    kit = Kit.build(elsewhere, LocalChannel(None))
    with shop.runtime.database.read() as session:
        channel = kit.carriers.of(session.get_one(Store, shop.store_id), "email")
    assert channel is not None
    theirs = OutgoingMessage(
        message_id=str(message_id),
        channel="email",
        to_address="bruno@example.com",
        from_address="ciao@sandbox.example.com",
        from_name="Altrove",
        subject="Ciao",
        text="Un altro mail.",
        html=None,
        headers={},
        labels=(),
        lifetime_seconds=60,
    )
    (result,) = channel.send([theirs])
    assert result.outcome.value == "accepted", result

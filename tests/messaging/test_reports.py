"""Events as columns: nothing of them is lost on the way through the inbox."""

from datetime import UTC, datetime, timedelta

import pytest

from app.messaging import reports
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate, Word

AT = datetime(2026, 11, 25, 9, 0, 0, 123456, tzinfo=UTC)
PLAIN = DeliveryUpdate(DeliveryKind.DELIVERED, AT, "delivered:7:1:1", "7", "1")
BOUNCE = PLAIN._replace(
    kind=DeliveryKind.BOUNCED,
    occurred_at=AT + timedelta(seconds=1),
    key="bounce:7:mark",
    installation="home",
    address="anna@example.com",
    reason="5.1.1 · è",
    advice=Advice.SUPPRESS,
)
REPLY = DeliveryUpdate(
    DeliveryKind.REPLIED,
    AT,
    "SM1",
    address="+39333",
    word=Word.STOP,
    text="BASTA",
    is_machine=True,
    url="https://a",
)


@pytest.mark.parametrize(
    "updates",
    [
        (),
        (PLAIN,),
        (REPLY,),
        (PLAIN, PLAIN._replace(message_id="8", key="delivered:8:1:1")),
        (PLAIN, BOUNCE, REPLY),
    ],
)
def test_what_is_kept_of_a_post_is_all_that_its_events_tell(updates: tuple[DeliveryUpdate, ...]) -> None:
    told = reports.unpacked(reports.packed(reports.of(updates)))

    assert told.number == len(updates)
    assert [told.at(place) for place in range(told.number)] == list(updates)


def test_several_posts_are_as_one_and_come_in_parts() -> None:
    parts = [
        reports.unpacked(reports.packed(reports.of(updates))) for updates in ((PLAIN,), (), (BOUNCE, REPLY))
    ]

    told = reports.joined(parts)

    assert [told.at(place) for place in range(told.number)] == [PLAIN, BOUNCE, REPLY]
    assert [list(part.key) for part in told.parts(2)] == [[PLAIN.key, BOUNCE.key], [REPLY.key]]
    assert [told.some([2]).at(0), told.some([0, 1]).at(1)] == [REPLY, BOUNCE]
    assert reports.joined([]).number == 0


@pytest.mark.parametrize("name", ["0", "x", "-1", "1" * 19, "²"])
def test_a_number_that_is_none_of_ours_is_nobodys(name: str) -> None:
    told = reports.of([PLAIN._replace(message_id=name, store_id=name)])

    assert list(told.message_id) == [reports.NOBODYS]
    assert list(told.store_id) == [0 if name == "0" else None]

"""What a restore left in doubt, as the merchant sees it and decides about it."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import AuditEntry, Message
from app.runtime import Runtime
from tests.web.web_shops import Csrf, Shop, add_message


def hold(runtime: Runtime, shop: Shop, *words: str) -> list[int]:
    """Messages that are held; their ids."""
    with runtime.database.write() as session:
        return [
            add_message(session, shop.store_id, shop.ids["customer"], word=word, status="held").id
            for word in words
        ]


def statuses(runtime: Runtime, ids: list[int]) -> list[tuple[str, str | None]]:
    with runtime.database.read() as session:
        rows = session.scalars(select(Message).where(Message.id.in_(ids)).order_by(Message.id))
        return [(row.status, row.reason) for row in rows]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "2 messages are held"), ("it", "2 messaggi sono trattenuti")]
)
def test_home_leads_to_the_list_with_its_buttons(
    member: FlaskClient, runtime: Runtime, shop: Shop, language: str, words: str
) -> None:
    hold(runtime, shop, "one", "two")

    home, listed = (
        member.get(path, headers={"Accept-Language": language}).get_data(as_text=True)
        for path in ("/app/", "/app/outbox?status=held")
    )

    assert words in home
    assert 'href="/app/outbox?status=held"' in home
    assert listed.count('name="act"') == 2


def test_some_are_released_one_is_cancelled_and_both_are_logged(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    ids = hold(runtime, shop, "one", "two", "three")
    token = csrf(member)

    member.post("/app/outbox/held", data={"csrf": token, "act": "release", "id": ids[:2]})
    answer = member.post("/app/outbox/held", data={"csrf": token, "act": "cancel", "id": ids[2:]})

    assert statuses(runtime, ids) == [("queued", None), ("queued", None), ("cancelled", "restored")]
    assert answer.headers["Location"] == f"/app/outbox/{ids[2]}"
    with runtime.database.read() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        told = [(row.action, row.subject, row.details) for row in rows]
    assert told == [
        ("message.released", "", {"n": 2}),
        ("message.cancelled", f"message:{ids[2]}", {"n": 1}),
    ]


def test_all_can_be_called_off_at_once_but_those_of_the_own_store_only(
    member: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, csrf: Csrf
) -> None:
    mine, theirs = hold(runtime, shop, "one"), hold(runtime, other_shop, "two")
    token = csrf(member)

    member.post("/app/outbox/held", data={"csrf": token, "act": "release", "id": theirs})
    member.post("/app/outbox/held", data={"csrf": token, "act": "cancel-all"})

    assert [status for status, _ in statuses(runtime, mine + theirs)] == ["cancelled", "held"]


@pytest.mark.parametrize("form", [{"act": "send"}, {"act": "release"}, {"act": "cancel", "id": "x"}])
def test_what_is_no_decision_is_refused(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf, form: dict[str, str]
) -> None:
    ids = hold(runtime, shop, "one")

    answer = member.post("/app/outbox/held", data=form | {"csrf": csrf(member)})

    assert answer.status_code == 400
    assert statuses(runtime, ids)[0][0] == "held"

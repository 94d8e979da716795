"""An unusual person goes through everything and is erased: no file, log or row says that they were here."""

import json
import logging
import re
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db import Base, Database, table_of
from app.members import keys
from app.messaging import copies
from app.models import CustomerEvent, InboundEvent, Message
from tests import seeds
from tests.bars.sizes import Note
from tests.conftest import NOW
from tests.privacy.privacy_world import BROWSER, CANARIES, CUSTOMER, EMAIL, FIRST, PHONE, World, payload

MINUTE = timedelta(minutes=1)
LINK = re.compile(r"http://app\.test(/c/[^\s\"<>]+)")


def live_through(shop: World) -> None:
    """Everything that can happen to the person, some of it half read."""
    shop.subscribe()
    shop.hear("orders/paid")
    shop.hear("fulfillments/create")
    shop.hear("checkouts/create", email=EMAIL, phone=PHONE)
    shop.tick()
    shop.say("tracking", "subscribed")
    shop.write()
    shop.tick(MINUTE)
    click(shop)
    tell(shop)
    shop.hear("orders/paid", id=1, admin_graphql_api_id="gid://shopify/Product/1")
    shop.hear("refunds/create", order_id=99, note=f"called {PHONE}")
    shop.tick(MINUTE)
    shop.say("sms", "unsubscribed", PHONE)
    shop.hear("customers/update")


def click(shop: World) -> None:
    """Follow a link of the message that arrived."""
    (sent,) = shop.post.sent
    found = LINK.search(sent.text)
    assert sent.to_address == EMAIL
    assert found
    assert shop.client.get(found[1], headers=BROWSER).status_code in (302, 303)


def tell(shop: World) -> None:
    """Other systems tell what they know, in their own words."""
    with shop.database.write() as session:
        key = keys.make(session, shop.store_id, "helpdesk", NOW)
    headers = {"Authorization": f"Bearer {key}"}
    number = shop.customer().id
    moment = NOW.isoformat()
    event = {"customer": number, "type": "support.closed", "occurred_at": moment, "data": {"who": EMAIL}}
    said = {"channel": "email", "state": "subscribed", "at": moment, "text": f"Yes, {CANARIES[2]}"}
    assert shop.client.post("/api/v1/events", json=event, headers=headers).status_code == 201
    path = f"/api/v1/customers/{number}/consents"
    assert shop.client.post(path, json=said, headers=headers).status_code == 201


def dump(database: Database) -> Iterator[bytes]:
    """Every value of every row, as text; what is compressed is opened."""
    with database.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                yield from (_text(value) for value in row if value is not None)


_COPY = copies.pack({})[:2]
"""How the copy of a message begins."""


def _text(value: Any) -> bytes:
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        if raw[:2] == _COPY:
            return json.dumps(copies.read_content(raw), ensure_ascii=False).encode()
        return zlib.decompress(raw) if raw[:1] == b"\x78" else raw
    return json.dumps(value, default=str, ensure_ascii=False).encode()


def hits(text: bytes) -> list[str]:
    """Which canaries a text holds, in any case and in JSON's spelling, too."""
    plain = text.lower()
    spelled = {word: {word.lower().encode(), json.dumps(word)[1:-1].lower().encode()} for word in CANARIES}
    return [word for word, spellings in spelled.items() if any(one in plain for one in spellings)]


def test_nothing_of_an_erased_person_is_left(
    shop: World,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    record_property: Note,
) -> None:
    caplog.set_level(logging.DEBUG)
    live_through(shop)
    before = {word for value in dump(shop.database) for word in hits(value)}
    shop.hear("customers/redact")

    shop.tick(2 * MINUTE)

    rows = [word for value in dump(shop.database) for word in hits(value)]
    logged, printed = hits(caplog.text.encode()), hits("".join(capfd.readouterr()).encode())
    record_property("traces before", len(before))
    record_property("traces of the erased", len(rows + logged + printed))
    assert before == set(CANARIES)
    assert rows == []
    assert CUSTOMER.encode() not in b"\n".join(dump(shop.database))
    assert (logged, printed) == ([], [])


@pytest.mark.parametrize("engine", ["sqlite"])
def test_no_file_of_the_database_holds_an_erased_person(shop: World, record_property: Note) -> None:
    live_through(shop)
    letters = [bytes(row) for row in seeds.values_of(shop.database, Message, "content") if row]
    shop.hear("customers/redact")

    shop.tick(2 * MINUTE)

    path = Path(shop.database.url.removeprefix("sqlite:///"))
    files = sorted(path.parent.glob(f"{path.name}*"))
    assert len(files) == 3
    assert letters
    found = {file.name: hits(file.read_bytes()) for file in files}
    record_property("traces of the erased", sum(map(len, found.values())))
    assert found == {file.name: [] for file in files}
    assert [file.name for file in files for letter in letters if letter[16:80] in file.read_bytes()] == []


def test_late_deliveries_are_emptied_as_they_are_read(shop: World, record_property: Note) -> None:
    live_through(shop)
    shop.hear("customers/redact")
    shop.tick(2 * MINUTE)
    for topic in ("customers/update", "orders/updated", "fulfillments/update", "customers/redact"):
        shop.hear(topic)
    consent_news = payload("customers_email_marketing_consent/update")
    shop.hear("customers_email_marketing_consent/update", **consent_news)

    shop.tick(3 * MINUTE)

    statuses = set(seeds.values_of(shop.database, InboundEvent, "status"))
    traces = [word for value in dump(shop.database) for word in hits(value)]
    record_property("traces of the erased", len(traces))
    assert statuses <= {"done", "ignored", "dead"}
    assert traces == []
    assert "customer.erased" in seeds.values_of(shop.database, CustomerEvent, "type")


def test_the_dump_sees_what_is_compressed(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    shop.write()
    shop.tick(MINUTE)

    column = table_of(Message).c.content
    with shop.database.read() as session:
        content = session.execute(select(column).where(column.is_not(None))).scalars().first()

    assert content is not None
    assert FIRST.encode() in _text(content)

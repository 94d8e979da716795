"""Ten thousand mails through the product: each holds its recipient's facts only, and reading changes nothing.

Every person is marked: the mark stands in the name, the address and the products that the mail speaks of.
"""

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from werkzeug.test import Client

from app import clock, models
from app.config import Settings
from app.db import Database, insert_rows, table_of
from app.messaging import links
from app.models import ConsentState, Customer, DeliveryEvent, Message, Store
from app.runtime import Runtime
from app.stores import settings as store_settings
from app.wsgi import create_site
from connectors.channels.local import LocalChannel
from jobs import inbox, outbox
from jobs.kit import Kit
from tests import seeds
from tests.bars.sizes import Note, asked
from tests.conftest import NOW
from tests.e2e import mailbox

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(600)]
PEOPLE = asked(10_000, quick=200)
CRAWLED_ONE_IN = 20
MARK = re.compile(r"Zq\d{5}w")
LINK = re.compile(r"https?://ritorno\.example(/[cup]/[\w.-]+)")
BROWSER = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36"}
GATEWAY = {"User-Agent": "Barracuda Sentinel (EE)"}
ACCOUNT = {
    "sendgrid.api_key": "SG.mailbox-key.of-the-test-0000000000001",
    "consent.import": "declined",
    "sending.warm_up": "off",
}


@dataclass(frozen=True)
class Sent:
    """The shop after it wrote to everybody, and what arrived."""

    runtime: Runtime
    mails: list[dict[str, Any]]
    marks: dict[int, str]


@pytest.fixture
def sent(settings: Settings, database: Database) -> Iterator[Sent]:
    """Everybody is written to."""
    with mailbox.opened() as found:
        told = {"public_url": "https://ritorno.example", "sendgrid_api_url": found.url}
        runtime = Runtime.build(Settings.model_validate(settings.model_dump() | told), database)
        marks = _fill(runtime)
        kit = Kit.build(runtime, LocalChannel(None))
        while outbox.run(kit, NOW)["decided"]:
            pass
        yield Sent(runtime, found.mails, marks)


def test_each_mail_is_its_recipients_alone_and_reading_it_changes_nothing(
    sent: Sent, record_property: Note
) -> None:
    wrong = Counter(flaw for mail in sent.mails for flaw in _flaws(sent, mail))

    with clock.frozen_at(NOW + timedelta(hours=2)):
        visits, scanned = _crawl(sent)

    sys.stdout.write(f"{len(sent.mails)} mails, {dict(wrong)} wrong; {visits} visits changed nothing\n")
    record_property("mails", len(sent.mails))
    record_property("wrong in any way", wrong.total())
    record_property("visits to their links", visits)
    assert sorted(_to(mail) for mail in sent.mails) == sorted(
        f"{mark.lower()}@example.com" for mark in sent.marks.values()
    )
    assert wrong == {}
    assert set(seeds.values_of(sent.runtime.database, DeliveryEvent, "type")) == {"scanned"}
    assert scanned > 0


def _to(mail: dict[str, Any]) -> str:
    (person,) = mail["personalizations"]
    (recipient,) = person["to"]
    return str(recipient["email"])


def _flaws(sent: Sent, mail: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a mail."""
    (person,) = mail["personalizations"]
    number = int(person["custom_args"]["mid"])
    mark = sent.marks[number]
    whole = repr(mail)
    if set(MARK.findall(whole)) != {mark} or whole.count(mark) < len(mail["content"]):
        yield "marks"
    if _to(mail) != f"{mark.lower()}@example.com":
        yield "recipient"
    for path in set(LINK.findall(whole)):
        if _message_of(sent, path) != number:
            yield "link"
    if (
        f"/u/{person.get('headers', mail.get('headers', {}))['List-Unsubscribe'].rpartition('/u/')[2][:-1]}"
        not in whole
    ):
        yield "way out"


def _message_of(sent: Sent, path: str) -> int | None:
    """The message that a link's token names."""
    _, kind, token = path.split("/", 2)
    readers = {"c": links.read_click, "u": links.read_unsubscribe, "p": links.read_preferences}
    named = readers[kind](sent.runtime.signer, token)
    return named.message_id if named is not None else None


def _crawl(sent: Sent) -> tuple[int, int]:
    """Open every link of some mails by GET and HEAD, as browser and as gateway; how many visits and scans."""
    site = create_site(sent.runtime)
    client, visits, scans = Client(site.application), 0, 0
    before = _sums(sent.runtime.database)
    for mail in sent.mails[::CRAWLED_ONE_IN]:
        for path in sorted(set(LINK.findall(repr(mail)))):
            is_click = path.startswith("/c/")
            for method, headers in (("HEAD", BROWSER), ("HEAD", GATEWAY), ("GET", GATEWAY), ("GET", BROWSER)):
                if is_click and (method, headers) == ("GET", BROWSER):
                    continue
                answer = client.open(urlsplit(path).path, method=method, headers=headers)
                assert answer.status_code == (302 if is_click else 200)
                visits += 1
                scans += is_click and method == "GET"
    site.close()
    inbox.run(Kit.build(sent.runtime, LocalChannel(None)), clock.now())
    after = _sums(sent.runtime.database)
    # What a gateway opens is kept apart, and is all that is kept.
    changed = {name for name, checksum in before.items() if after[name] != checksum}
    assert changed <= {"delivery_events", "inbound_events"}
    return visits, scans


def _sums(database: Database) -> dict[str, str]:
    """A checksum of every table."""
    found = {}
    with database.read() as session:
        for name in models.__all__:
            table = table_of(getattr(models, name))
            rows = session.execute(select(table).order_by(*table.primary_key.columns)).all()
            found[table.name] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return found


def _fill(runtime: Runtime) -> dict[int, str]:
    """People with consents and one mail each, of two sorts; the mark of each message."""
    store_id = seeds.new_store(runtime.database)
    seeds.switch_on(runtime.database, store_id, "welcome", "cross_sell", since=NOW)
    with runtime.database.write() as session:
        store_settings.write(session, session.get_one(Store, store_id), ACCOUNT, vault=runtime.vault)
        for start in range(0, PEOPLE, 1000):
            numbers = range(start, min(start + 1000, PEOPLE))
            insert_rows(session, table_of(Customer), [_person(store_id, number) for number in numbers])
        known = session.execute(select(Customer.id, Customer.first_name).order_by(Customer.id)).all()
        for start in range(0, PEOPLE, 1000):
            people = known[start : start + 1000]
            said = [
                _consent(store_id, id_, channel) for id_, _ in people for channel in ("email", "tracking")
            ]
            insert_rows(session, table_of(ConsentState), said)
            insert_rows(
                session, table_of(Message), [_message(store_id, id_, str(mark)) for id_, mark in people]
            )
        rows = session.execute(
            select(Message.id, Customer.first_name).join(Customer, Customer.id == Message.customer_id)
        )
        return {number: str(mark) for number, mark in rows}


def _person(store_id: int, number: int) -> dict[str, Any]:
    mark = f"Zq{number:05d}w"
    return {
        "store_id": store_id,
        "identity": f"id:{mark}",
        "external_id": mark,
        "email": f"{mark.lower()}@example.com",
        "first_name": mark,
        "last_name": mark,
        "city": mark,
        "locale": "it" if number % 3 else "en",
        "country": "IT",
        "tags": [],
        "created_at": NOW - timedelta(days=60),
    }


def _consent(store_id: int, customer_id: int, channel: str) -> dict[str, Any]:
    state = "unsubscribed" if channel == "tracking" and customer_id % 4 == 0 else "subscribed"
    said = {"channel": channel, "state": state, "basis": "consent", "occurred_at": NOW}
    return {"store_id": store_id, "customer_id": customer_id, **said}


def _message(store_id: int, customer_id: int, mark: str) -> dict[str, Any]:
    """A welcome mail, or one that speaks of products of the person's own."""
    flow, step = ("cross_sell", "X1") if customer_id % 2 else ("welcome", "W2")
    goods = [{"external_id": f"{mark}-{number}", "title": f"Moka {mark}"} for number in range(2)]
    return {
        "store_id": store_id,
        "customer_id": customer_id,
        "key": f"{flow}:{step}:{customer_id}:mailbox",
        "flow_key": flow,
        "step": step,
        "channel": "email",
        "purpose": "marketing",
        "priority": 3,
        "status": "queued",
        "due_at": NOW,
        "expires_at": NOW + timedelta(hours=48),
        "next_at": NOW,
        "created_at": NOW,
        "context": {"content": f"{flow}/{step}", "only_if": []}
        | ({"products": goods} if step == "X1" else {}),
    }

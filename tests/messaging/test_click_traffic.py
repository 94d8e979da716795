"""How well people and programs are told apart, over labelled traffic, through the real redirect."""

import json
import sys
import zlib
from collections import Counter
from datetime import timedelta

import pytest
from werkzeug.test import Client

from app import clock
from app.db import Database, insert_rows, table_of
from app.messaging.links import LinkMaker
from app.models import CustomerEvent, DeliveryEvent, Message
from app.runtime import Runtime
from app.wsgi import create_site
from connectors.channels.local import LocalChannel
from jobs import inbox
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.messaging import click_traffic
from tests.messaging.click_traffic import Visit

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
MAILS, LINKS, SEED = 180, 5, 3
LEAST = 0.95
PAGES = [f"https://bottega.example/p/{number}" for number in range(LINKS)]


@pytest.fixture
def told(runtime: Runtime) -> list[tuple[str, Visit, bool]]:
    """Every GET of the traffic, its sort, and whether it counts as a person's click in the end."""
    streams = list(click_traffic.streams(MAILS, LINKS, SEED))
    first = _add_mails(runtime.database, len(streams))
    site = create_site(runtime)
    client = Client(site.application)
    for number, (_, visits) in enumerate(streams):
        made = _links(runtime, first + number)
        for visit in visits:
            with clock.frozen_at(NOW + timedelta(seconds=visit.after)):
                headers = {"User-Agent": visit.agent, **visit.headers}
                answer = client.open(made[visit.link], method=visit.method, headers=headers)
            assert answer.location == PAGES[visit.link]
    site.close()
    inbox.run(Kit.build(runtime, LocalChannel(None)), NOW + timedelta(days=3))
    kept = seeds.rows_of(runtime.database, DeliveryEvent, "message_id", "url", "occurred_at", "is_human")
    counted = {(number, url, int(at.timestamp())) for number, url, at, is_human in kept if is_human}
    sent = NOW.timestamp()
    return [
        (kind, visit, (first + number, PAGES[visit.link], int(sent + visit.after)) in counted)
        for number, (kind, visits) in enumerate(streams)
        for visit in visits
        if visit.method == "GET"
    ]


def test_people_and_programs_are_told_apart(told: list[tuple[str, Visit, bool]], runtime: Runtime) -> None:
    found = Counter((visit.is_human, counts) for _, visit, counts in told)
    wrong = Counter(kind for kind, visit, counts in told if visit.is_human != counts)

    shares = {
        "precision of people": found[True, True] / (found[True, True] + found[False, True]),
        "recall of people": found[True, True] / (found[True, True] + found[True, False]),
        "precision of programs": found[False, False] / (found[False, False] + found[True, False]),
        "recall of programs": found[False, False] / (found[False, False] + found[False, True]),
    }

    figures = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    sys.stdout.write(f"{len(told)} visits to {MAILS} mails: {figures}; wrong: {dict(wrong)}\n")
    assert min(shares.values()) >= LEAST, figures
    assert _agree(runtime)


def _agree(runtime: Runtime) -> bool:
    """Whether message and timeline know exactly the clicks that count."""
    events = seeds.rows_of(runtime.database, DeliveryEvent, "message_id", "occurred_at", "is_human", "type")
    clicks = sorted((number, moment) for number, moment, is_human, _ in events if is_human)
    assert {kind for _, _, is_human, kind in events if is_human} == {"clicked"}
    first = dict(reversed(clicks))
    rows = seeds.rows_of(runtime.database, Message, "id", "clicked_at")
    entries = seeds.rows_of(runtime.database, CustomerEvent, "type", "subject", "occurred_at")
    told = sorted((int(subject.rpartition(":")[2]), at) for kind, subject, at in entries if "clicked" in kind)
    return told == clicks and {number: at for number, at in rows if at is not None} == first


def _add_mails(database: Database, mails: int) -> int:
    """Sent mails that keep their links; the first one's number."""
    store_id = seeds.new_store(database)
    content = zlib.compress(json.dumps({"links": PAGES}).encode())
    with database.write() as session:
        customer_id = seeds.add_customer(session, store_id).id
        first = seeds.add_message(session, store_id, customer_id, status="sent", sent_at=NOW, content=content)
        row = {column.name: getattr(first, column.key) for column in table_of(Message).columns}
        more = [{**row, "id": first.id + number, "key": f"more:{number}"} for number in range(1, mails)]
        insert_rows(session, table_of(Message), more)
        return first.id


def _links(runtime: Runtime, message_id: int) -> list[str]:
    maker = LinkMaker(
        base_url="", signer=runtime.signer, store_id=1, message_id=message_id, tags=None, tracks_clicks=True
    )
    return [maker.click(page) for page in PAGES]

"""What is kept about a person, for the person: all of it, and nothing of anybody else's."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import NotFound
from app.models import AccessEntry, AuditEntry, PrivacyRequest
from app.privacy import asked
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.privacy.privacy_world import CUSTOMER, EMAIL, FIRST, LAST, PHONE, World

DAY = timedelta(days=1)
ROOT = Path(__file__).parents[2]
WHERE = "/app/customers shows the ids"
PARTS = {
    "store",
    "customer",
    "do_not_write_to",
    "orders",
    "messages",
    "preferences",
    "consents",
    "consent_history",
    "timeline",
    "reviews",
    "checkouts",
    "vouchers",
    "journeys",
    "decisions",
    "privacy_requests",
    "merged_from",
    "written_back",
    "scores",
    "looked_at",
}


def live(shop: World) -> int:
    """The person orders and gets a mail, beside somebody else; the person's id."""
    shop.subscribe()
    shop.hear("orders/paid")
    shop.tick()
    shop.write()
    shop.tick(timedelta(minutes=1))
    number: int = shop.customer().id
    with shop.database.write() as session:
        other = seeds.add_customer(session, shop.store_id, "other", email="other@example.com")
        seeds.add_order(session, shop.store_id, other.id, "other-order")
        seeds.add_message(session, shop.store_id, other.id, to_address="other@example.com", due_at=NOW + DAY)
    return number


def test_the_report_holds_everything_of_the_person_and_nothing_of_another(shop: World) -> None:
    number = live(shop)

    report = asked.report_now(shop.runtime, shop.store_id, number, now=NOW)

    text = json.dumps(report, ensure_ascii=False)
    assert report.keys() == PARTS
    assert "other" not in text
    assert all(word in text for word in (EMAIL, PHONE, FIRST, LAST, CUSTOMER))
    customer = report["customer"]
    assert (customer["email"], customer["orders_count"]) == (EMAIL, 1)
    (order,) = report["orders"]
    assert [line["title"] for line in order["lines"]]
    (message,) = report["messages"]
    assert (message["status"], message["to_address"]) == ("sent", EMAIL)
    assert FIRST in message["text"]
    assert [said["state"] for said in report["consent_history"]] == ["subscribed"]
    assert {entry["type"] for entry in report["timeline"]} >= {"customer.created", "order.paid"}


def test_the_report_answers_the_request_for_it(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    shop.hear("customers/data_request")
    shop.tick()
    (waiting,) = seeds.rows_of(shop.database, PrivacyRequest, "kind", "customer_id", "due_at", "done_at")
    number = waiting[1]

    asked.report_now(shop.runtime, shop.store_id, number, now=NOW + DAY)

    assert waiting == ("access", number, NOW + 30 * DAY, None)
    assert seeds.rows_of(shop.database, PrivacyRequest, "done_at", "outcome") == [(NOW + DAY, "done")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_erasure_that_the_platform_asked_for_stands_in_both_logs(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    number = shop.customer().id
    shop.hear("customers/redact")

    shop.tick()

    looked = seeds.rows_of(shop.database, AccessEntry, "actor_kind", "what", "how", "customer_id")
    assert looked == [("platform", "erasure", "platform", number)]
    changed = seeds.rows_of(shop.database, AuditEntry, "actor_kind", "action", "subject")
    assert changed == [("platform", "customer.erased", f"customer:{number}")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_report_of_another_shops_customer_is_refused(shop: World) -> None:
    number = live(shop)
    other = seeds.new_store(shop.database, "second")

    with pytest.raises(NotFound):
        asked.report_now(shop.runtime, other, number, now=NOW)


def ritorno(runtime: Runtime, *words: str) -> tuple[int, str, str]:
    """A command in a process of its own: exit status, what it printed, what it complained of."""
    settings = runtime.settings
    named = {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": settings.encryption_keys,
    }
    command = [sys.executable, "-m", "app.cli.entry", *words]
    done = subprocess.run(
        command, env=os.environ | named, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_operator_exports_and_erases_a_customer(shop: World) -> None:
    number, mine = str(live(shop)), str(shop.store_id)
    other = str(seeds.new_store(shop.database, "altrove"))

    exported = ritorno(shop.runtime, "customer", "export", number, "--store", mine)
    erased = ritorno(shop.runtime, "customer", "erase", number, "--json")
    foreign = ritorno(shop.runtime, "customer", "erase", number, "--store", other)

    assert json.loads(exported[1])["customer"]["email"] == EMAIL
    assert json.loads(erased[1])["id"] == int(number)
    assert foreign == (1, "", f"ritorno: there is no customer {number} in this store; {WHERE}\n")
    assert seeds.rows_of(shop.database, PrivacyRequest, "kind", "source", "outcome") == [
        ("erase-customer", "cli", "done")
    ]
    report = asked.report_now(shop.runtime, shop.store_id, int(number), now=NOW)
    assert EMAIL not in json.dumps(report)

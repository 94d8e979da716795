"""Somebody who was merged: shown, forgotten and remembered as one person with all of their names."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.customers import aliases
from app.merging import moving
from app.mirror import merges
from app.models import Customer, CustomerMerge, PrivacyRequest, Store
from app.privacy import asked
from connectors.base import CustomerMerge as Told
from tests import seeds
from tests.conftest import NOW
from tests.mirror.mirror_news import SIGNER, person, tell
from tests.privacy.privacy_world import CUSTOMER, EMAIL, PHONE, World
from tests.privacy.test_privacy_access import ritorno

DAY = timedelta(days=1)
KEPT = "8100000000000000001"


def known(shop: World) -> tuple[int, int]:
    """The person twice: under the name that will be kept, and as the shop's usual one; our ids."""
    shop.subscribe()
    shop.tick()
    merged: int = shop.customer().id
    tell(shop.database, shop.store_id, person(KEPT, "kept@example.com"))
    kept = next(row[0] for row in rows(shop) if row[1] == KEPT)
    return kept, merged


def merge(shop: World) -> None:
    """The shop merged the two, and said so itself."""
    with shop.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        for number in told(shop, session, store):
            moving.carry_out(session, SIGNER, store, number, now=NOW)


def told(shop: World, session: Any, store: Store) -> list[int]:
    from_shop = Told(KEPT, CUSTOMER, NOW)
    merges.ask(session, SIGNER, store.id, from_shop, now=NOW)
    found = session.execute(merges.MERGES.select().where(merges.MERGES.c.store_id == store.id))
    return [row.id for row in found]


def rows(shop: World) -> list[tuple[Any, ...]]:
    return seeds.rows_of(shop.database, Customer, "id", "external_id", "email")


def test_the_report_tells_under_which_names_the_person_was_known(shop: World) -> None:
    kept, _ = known(shop)
    merge(shop)

    report = asked.report_now(shop.runtime, shop.store_id, kept, now=NOW)

    (former,) = report["merged_from"]
    assert (former["merged_external_id"], former["email"], former["phone"]) == (CUSTOMER, EMAIL, PHONE)
    assert [said["state"] for said in report["consent_history"]] == ["subscribed"]
    assert CUSTOMER in json.dumps(report["timeline"])


def test_forgetting_the_kept_one_forgets_every_name(shop: World) -> None:
    kept, _ = known(shop)
    merge(shop)

    asked.erase_now(shop.runtime, shop.store_id, kept, source="api", now=NOW)
    late = (person(CUSTOMER, EMAIL), person(KEPT, "kept@example.com"), person(None, EMAIL))
    tell(shop.database, shop.store_id, *late)

    assert rows(shop) == [(kept, None, None)]
    assert seeds.values_of(shop.database, CustomerMerge, "id") == []
    for table in ("customers", "customer_events", "consents", "customer_merges", "messages"):
        assert not [name for name in (CUSTOMER, EMAIL, PHONE) if name in everything(shop, table)], table


def everything(shop: World, table: str) -> str:
    with shop.database.read() as session:
        found = session.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 (our own names)
        return str([tuple(row) for row in found])


def test_a_request_that_names_the_merged_id_is_about_the_kept_one(shop: World) -> None:
    kept, _ = known(shop)
    merge(shop)

    shop.hear("customers/redact")
    shop.tick()

    assert rows(shop) == [(kept, None, None)]
    assert seeds.rows_of(shop.database, PrivacyRequest, "customer_id", "outcome") == [(kept, "done")]


def test_an_open_request_of_the_merged_one_goes_along(shop: World) -> None:
    kept, merged = known(shop)
    shop.hear("customers/data_request")
    shop.tick()
    before = seeds.values_of(shop.database, PrivacyRequest, "customer_id")

    merge(shop)

    assert before == [merged]
    assert seeds.values_of(shop.database, PrivacyRequest, "customer_id") == [kept]


def test_an_erased_person_is_not_brought_back_by_a_merge(shop: World) -> None:
    kept, merged = known(shop)
    asked.erase_now(shop.runtime, shop.store_id, merged, source="api", now=NOW)

    merge(shop)

    assert rows(shop) == [(merged, None, None), (kept, KEPT, "kept@example.com")]
    assert seeds.values_of(shop.database, CustomerMerge, "id") == []
    with shop.database.read() as session:
        assert aliases.present_id(session, shop.store_id, merged) == merged


def test_a_person_erased_while_the_shop_is_asked_stays_erased(shop: World) -> None:
    kept, merged = known(shop)
    with shop.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        (number,) = told(shop, session, store)
    asked.erase_now(shop.runtime, shop.store_id, merged, source="api", now=NOW)

    with shop.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        assert not moving.carry_out(session, SIGNER, store, number, now=NOW)

    assert rows(shop) == [(merged, None, None), (kept, KEPT, "kept@example.com")]
    assert seeds.values_of(shop.database, CustomerMerge, "id") == []


def test_whoever_is_merged_into_an_erased_person_is_forgotten_too(shop: World) -> None:
    kept, merged = known(shop)
    asked.erase_now(shop.runtime, shop.store_id, kept, source="api", now=NOW)

    merge(shop)
    shop.tick()

    assert rows(shop) == [(merged, None, None), (kept, None, None)]
    assert seeds.values_of(shop.database, CustomerMerge, "id") == []


def test_the_delivery_of_a_merge_is_kept_no_longer_than_it_is_read(shop: World) -> None:
    known(shop)
    body: dict[str, Any] = {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{KEPT}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{CUSTOMER}",
        "admin_graphql_api_job_id": None,
        "status": "completed",
        "errors": [],
    }
    shop.receive("customers/merge", json.dumps(body).encode())
    shop.tick()

    topics = dict(seeds.bodies_of(shop.database, "topic"))
    assert topics["customers/merge"] is None


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_operators_commands_take_the_old_id_too(shop: World) -> None:
    kept, merged = known(shop)
    merge(shop)

    exported = ritorno(shop.runtime, "customer", "export", str(merged), "--store", str(shop.store_id))
    foreign = ritorno(shop.runtime, "customer", "export", str(merged), "--store", "999")

    assert json.loads(exported[1])["customer"]["id"] == kept
    assert foreign[0] == 1

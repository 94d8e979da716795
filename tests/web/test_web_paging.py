"""Pages by cursor: everything once, nothing twice, nonsense refused."""

import base64
import json
import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.models import CustomerEvent
from app.runtime import Runtime
from app.web import paging
from tests.web.web_shops import NOW, Shop, add_customer


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_pages_hold_everything_once(api: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop) -> None:
    with runtime.database.write() as session:
        for number in range(11):
            add_customer(session, shop.store_id, f"person-{number}")
            add_customer(session, other_shop.store_id, f"stranger-{number}")

    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        asked = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = api.get("/api/v1/customers", query_string=asked, headers=shop.headers).get_json()
        seen += [row["external_id"] for row in page["data"]]
        cursor, pages = page["next"], pages + 1

    assert pages == 3
    assert seen == [f"{shop.word}-1", *(f"person-{number}" for number in range(11))]


@pytest.mark.parametrize("path", ["orders", "events", "inbound-events", "enrollments", "reviews"])
def test_a_list_that_nothing_narrows_sorts_no_rows_of_the_store(
    api: FlaskClient, runtime: Runtime, shop: Shop, path: str
) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(
        runtime.database.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3]))
    )

    assert api.get(f"/api/v1/{path}", headers=shop.headers).status_code == 200

    listed = [told for told in asked if "ORDER BY" in told[0]]
    with runtime.database.read() as session:
        explain = "EXPLAIN QUERY PLAN" if runtime.database.is_sqlite else "EXPLAIN"
        plans = [
            session.connection().exec_driver_sql(f"{explain} {statement}", values).all()
            for statement, values in listed
        ]
    is_sorted = [row for rows in plans for row in rows if "ORDER BY" in str(row[-1])]
    assert listed
    assert is_sorted == []


def test_rows_that_arrive_meanwhile_shift_nothing(api: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        for number in range(4):
            add_customer(session, shop.store_id, f"person-{number}")
    first = api.get("/api/v1/customers?limit=3", headers=shop.headers).get_json()
    with runtime.database.write() as session:
        add_customer(session, shop.store_id, "late")

    second = api.get(f"/api/v1/customers?limit=3&cursor={first['next']}", headers=shop.headers).get_json()

    assert [row["external_id"] for row in second["data"]] == ["person-2", "person-3", "late"]


@pytest.mark.parametrize("limit", ["0", "251", "-1", "x", "1e3", "", "99999999999999999999", "²"])
def test_a_limit_out_of_bounds_is_refused(api: FlaskClient, shop: Shop, limit: str) -> None:
    answer = api.get("/api/v1/customers", query_string={"limit": limit}, headers=shop.headers)

    assert answer.status_code == 400
    assert answer.get_json()["field"] == "limit"


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "====",
        _cursor({}),
        _cursor([]),
        _cursor(["1"]),
        _cursor([1, 2]),
        _cursor([2**70]),
        _cursor([None]),
        _cursor([True]),
        _cursor([1.5]),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(
    api: FlaskClient, member: FlaskClient, shop: Shop, cursor: str
) -> None:
    answer = api.get("/api/v1/customers", query_string={"cursor": cursor}, headers=shop.headers)

    assert answer.status_code == 400
    assert answer.get_json()["field"] == "cursor"
    assert member.get("/app/outbox", query_string={"cursor": cursor}).status_code == 400


def test_a_moment_beyond_all_calendars_is_no_cursor(member: FlaskClient, shop: Shop) -> None:
    answer = member.get("/app/orders", query_string={"cursor": _cursor([2**62, 1])})

    assert answer.status_code == 400


def test_a_screens_pages_hold_everyone_once(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        for number in range(40):
            add_customer(session, shop.store_id, f"person-{number:02}")

    first = member.get("/app/customers").get_data(as_text=True)
    following = re.search(r'rel="next"\s+href="([^"]+)"', first)
    assert following
    second = member.get(following.group(1).replace("&amp;", "&")).get_data(as_text=True)

    names = [f"person-{number:02}@" for number in range(40)]
    assert [(name in first) + (name in second) for name in names] == [1] * 40


@pytest.mark.parametrize("path", ["customers?segment=vip", "orders?customer_id=1", "flows?status=on"])
def test_an_unknown_filter_is_refused_not_ignored(api: FlaskClient, shop: Shop, path: str) -> None:
    assert api.get(f"/api/v1/{path}", headers=shop.headers).status_code == 400


@pytest.mark.parametrize("value", ["x", "-1", "1.0", "9" * 30, "٣"])
def test_a_filter_by_id_takes_ids_only(api: FlaskClient, shop: Shop, value: str) -> None:
    answer = api.get("/api/v1/orders", query_string={"customer": value}, headers=shop.headers)

    assert answer.status_code == 400


def test_what_no_index_leads_to_is_sought_bit_by_bit_and_found_once(
    api: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "LOOKS", (2, 3))
    with runtime.database.write() as session:
        person = add_customer(session, shop.store_id, "sought")
        for number in range(30):
            kind = "api.sought" if number in (3, 4, 9, 29) else "api.other"
            for store_id in (shop.store_id, other_shop.store_id):
                _tell(session, store_id, person.id, f"{kind}:{number}", kind)

    found, sizes, cursor = [], [], ""
    while cursor is not None:
        asked = {"type": "api.sought", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.get("/api/v1/events", query_string=asked, headers=shop.headers).get_json()
        found += [row["id"] for row in page["data"]]
        sizes.append(len(page["data"]))
        cursor = page["next"]

    with runtime.database.read() as session:
        mine = (CustomerEvent.store_id == shop.store_id, CustomerEvent.type == "api.sought")
        told = list(session.scalars(select(CustomerEvent.id).where(*mine).order_by(CustomerEvent.id)))
    assert found == told
    assert len(told) == 4
    assert 0 in sizes[:-1]


def test_a_search_that_ends_before_the_list_says_so_and_goes_on(
    member: FlaskClient, runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "LOOKS", (2, 3))
    with runtime.database.write() as session:
        add_customer(session, shop.store_id, "old").last_name = "Zanichelli"
        for number in range(9):
            add_customer(session, shop.store_id, f"person-{number}")

    seen, path = [], "/app/customers?q=zanich"
    while path:
        page = member.get(path, headers={"Accept-Language": "en"}).get_data(as_text=True)
        seen.append(("Zanichelli" in page, "Searched through 5" in page, "Nobody found" in page))
        onward = re.search(r'rel="next"\s+href="([^"]+)"', page)
        path = unescape(onward[1]) if onward else ""

    assert seen[0] == (False, True, False)
    assert [is_found for is_found, *_ in seen].count(True) == 1
    assert not any(is_nobody for *_, is_nobody in seen)


def _tell(session: Session, store_id: int, customer_id: int, key: str, kind: str) -> None:
    event = CustomerEvent(
        store_id=store_id,
        customer_id=customer_id,
        type=kind,
        subject=key,
        source_key=key,
        occurred_at=NOW,
        recorded_at=NOW,
        is_pending=False,
        details={},
    )
    session.add(event)
    session.flush()

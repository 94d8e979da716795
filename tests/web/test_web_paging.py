"""Pages by cursor: everything once, nothing twice, nonsense refused."""

import base64
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.runtime import Runtime
from tests.web.web_shops import Shop, add_customer


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


@pytest.mark.parametrize("path", ["orders", "events", "inbound-events", "enrollments"])
def test_a_list_that_nothing_narrows_sorts_no_rows_of_the_store(
    api: FlaskClient, runtime: Runtime, shop: Shop, path: str
) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(
        runtime.database.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3]))
    )

    assert api.get(f"/api/v1/{path}", headers=shop.headers).status_code == 200

    listed, values = next(told for told in asked if "ORDER BY" in told[0])
    with runtime.database.read() as session:
        explain = "EXPLAIN QUERY PLAN" if runtime.database.is_sqlite else "EXPLAIN"
        rows = session.connection().exec_driver_sql(f"{explain} {listed}", values).all()
    is_sorted = [row for row in rows if "ORDER BY" in str(row[-1])]
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

"""One store never sees another: every route of the API and every screen, with the other's ids."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db import Base
from app.flows import switch
from app.models import (
    ApiKey,
    ConsentState,
    CustomerEvent,
    InboundEvent,
    JobRun,
    MemberSession,
    ScheduledJob,
)
from app.runtime import Runtime
from app.web.api.openapi import ROUTES, Route
from tests.engines import POSTGRESQL, SQLITE
from tests.web.web_members import act, add_member, browser_of
from tests.web.web_shops import NOW, Csrf, Shop

LISTS = [route for route in ROUTES if route.is_list]
ONES = [route for route in ROUTES if "_id}" in route.path]
both_databases = pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])
TYPED = {"role": "marketer", "fate": "sent"}
"""What a form must hold to be looked at."""
CONSENT = {"channel": "email", "state": "unsubscribed", "at": "2026-11-20T10:00:00Z"}


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


def _path(route: Route, shop: Shop) -> str:
    named = {f"{name}_id": value for name, value in shop.ids.items()}
    return "/api/v1" + route.path.format(key="welcome", **named)


@both_databases
@pytest.mark.parametrize("route", LISTS, ids=_name)
def test_a_list_holds_the_own_store_only(
    api: FlaskClient, shop: Shop, other_shop: Shop, route: Route
) -> None:
    mine = api.get(_path(route, shop), headers=shop.headers)
    theirs = api.get(_path(route, shop), headers=other_shop.headers)

    assert mine.get_json()["data"]
    assert other_shop.word not in mine.get_data(as_text=True)
    assert shop.word not in theirs.get_data(as_text=True)


@both_databases
@pytest.mark.parametrize("filter_name", ["customer"])
@pytest.mark.parametrize("path", ["orders", "events", "messages", "reviews", "enrollments"])
def test_a_filter_by_a_foreign_customer_finds_nothing(
    api: FlaskClient, shop: Shop, other_shop: Shop, path: str, filter_name: str
) -> None:
    asked = f"/api/v1/{path}?{filter_name}={other_shop.ids['customer']}"

    assert api.get(asked, headers=shop.headers).get_json() == {"data": [], "next": None}


@both_databases
@pytest.mark.parametrize("route", ONES, ids=_name)
def test_a_foreign_id_does_not_exist(api: FlaskClient, shop: Shop, other_shop: Shop, route: Route) -> None:
    body = CONSENT if route.method == "post" else None

    own = api.open(_path(route, shop), method=route.method.upper(), headers=shop.headers, json=body)
    foreign = api.open(_path(route, other_shop), method=route.method.upper(), headers=shop.headers, json=body)

    assert own.status_code in (200, 201)
    assert foreign.status_code == 404
    assert foreign.mimetype == "application/problem+json"
    assert other_shop.word not in foreign.get_data(as_text=True)


def test_every_route_of_the_api_is_in_the_matrix(app: Flask) -> None:
    served = {
        (method.lower(), rule.rule.removeprefix("/api/v1"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json")
    }
    described = {(route.method, route.path.replace("{", "<").replace("}", ">")) for route in ROUTES}

    assert {(method, path.replace("int:", "")) for method, path in served} == described


@both_databases
def test_a_foreign_customer_gets_no_consent_and_no_event(
    api: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop
) -> None:
    event = {
        "customer": other_shop.ids["customer"],
        "type": "support.closed",
        "occurred_at": "2026-11-20T10:00:00Z",
    }

    answer = api.post("/api/v1/events", headers=shop.headers, json=event)
    api.post(f"/api/v1/customers/{other_shop.ids['customer']}/consents", headers=shop.headers, json=CONSENT)

    assert answer.status_code == 404
    with runtime.database.read() as session:
        states = session.query(ConsentState.state).filter_by(store_id=other_shop.store_id).all()
        types = session.query(CustomerEvent.type).filter_by(store_id=other_shop.store_id).all()
    assert [row.state for row in states] == ["subscribed"]
    assert {row.type for row in types} == {"order.placed"}


@both_databases
@pytest.mark.parametrize("verb", ["activate", "deactivate"])
def test_a_switch_moves_the_own_stores_flow_only(
    api: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, verb: str
) -> None:
    api.post("/api/v1/flows/welcome/activate", headers=other_shop.headers)

    answer = api.post(f"/api/v1/flows/welcome/{verb}", headers=shop.headers)

    assert answer.get_json()["is_active"] is (verb == "activate")
    with runtime.database.read() as session:
        views = {view.key: view.is_active for view in switch.listing(session, other_shop.store_id)}
    assert views["welcome"] is True


@both_databases
@pytest.mark.parametrize("path", ["customers/{customer}", "outbox/{message}", "outbox/{message}/body"])
def test_a_screen_of_a_foreign_id_does_not_exist(
    member: FlaskClient, shop: Shop, other_shop: Shop, path: str
) -> None:
    assert member.get("/app/" + path.format(**shop.ids)).status_code == 200

    answer = member.get("/app/" + path.format(**other_shop.ids))

    assert answer.status_code == 404
    assert other_shop.word not in answer.get_data(as_text=True)


@both_databases
def test_every_screen_and_every_change_of_a_foreign_id_is_404_and_touches_nothing(
    app: Flask, runtime: Runtime, shop: Shop, other_shop: Shop
) -> None:
    anna, boris = (_owner_of(app, runtime, one) for one in (shop, other_shop))
    addresses = [
        (method, rule.rule.replace("int:", "").replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST"}
        if rule.rule.startswith("/app/") and "<int:" in rule.rule
    ]
    before = _rows_of(runtime, other_shop)

    theirs = {address: _asked(anna, address, boris.ids) for address in addresses}
    after = _rows_of(runtime, other_shop)
    own = {address: _asked(anna, address, anna.ids) for address in addresses}

    assert len(addresses) > 8
    assert {address: status for address, status in theirs.items() if status != 404} == {}
    assert {address: status for address, status in own.items() if status == 404} == {}
    assert after == before


@dataclass(frozen=True)
class _Owner:
    """Whose browser it is, and what an address of their store may name."""

    browser: FlaskClient
    ids: dict[str, int]


def _owner_of(app: Flask, runtime: Runtime, shop: Shop) -> _Owner:
    person = add_member(runtime, f"owner@{shop.word}.example", shop.store_id)
    clerk = add_member(runtime, f"clerk@{shop.word}.example", shop.store_id)
    browser = browser_of(app, person)
    with runtime.database.read() as session:
        key = session.scalars(select(ApiKey.id).where(ApiKey.store_id == shop.store_id)).one()
        held = session.scalars(select(MemberSession.id).where(MemberSession.member_id == person.id)).one()
    named = {f"{name}_id": value for name, value in shop.ids.items()}
    return _Owner(browser, named | {"member_id": clerk.id, "key_id": key, "session_id": held})


def _asked(owner: _Owner, address: tuple[str, str], ids: dict[str, int]) -> int:
    method, path = address
    browser, named = owner.browser, path.format(**ids)
    return (browser.get(named) if method == "GET" else act(browser, named, **TYPED)).status_code


def _rows_of(runtime: Runtime, shop: Shop) -> dict[str, set[str]]:
    """All that the database holds of a store."""
    tables = [table for table in Base.metadata.tables.values() if "store_id" in table.c]
    with runtime.database.read() as session:
        return {
            table.name: {
                str(row) for row in session.execute(select(table).where(table.c.store_id == shop.store_id))
            }
            for table in tables
        }


@both_databases
@pytest.mark.parametrize("path", ["customers", "orders", "outbox", "reviews", "activity"])
def test_a_screen_shows_the_chosen_store(
    member: FlaskClient, shop: Shop, other_shop: Shop, csrf: Csrf, path: str
) -> None:
    first = _main(member, path)
    member.post("/app/store", data={"csrf": csrf(member), "store": other_shop.store_id})

    second = _main(member, path)

    assert shop.word in first
    assert other_shop.word not in first
    assert other_shop.word in second
    assert shop.word not in second


@both_databases
def test_what_a_night_failed_of_is_shown_to_the_operator_alone(
    app: Flask, member: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop
) -> None:
    with runtime.database.write() as session:
        session.add(ScheduledJob(name="holdout", every_hours=24, last_run_at=NOW, next_run_at=NOW))
        error = f"ValueError: figures of {other_shop.word}\nstores that failed: {other_shop.store_id}"
        session.add(JobRun(name="holdout", slot=NOW, started_at=NOW, ended_at=NOW, error=error))

    to_operator = _main(member, "activity")
    to_owner = _main(_owner_of(app, runtime, shop).browser, "activity")

    assert f"figures of {other_shop.word}" in to_operator
    assert other_shop.word not in to_owner
    assert "stores that failed" not in to_owner


@both_databases
def test_a_foreign_delivery_is_not_read_again(
    member: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, csrf: Csrf
) -> None:
    ids: dict[str, Any] = {"csrf": csrf(member), "id": [shop.ids["event"], other_shop.ids["event"]]}

    member.post("/app/activity/replay", data=ids)

    with runtime.database.read() as session:
        status = {row.store_id: row.status for row in session.query(InboundEvent)}
    assert status == {shop.store_id: "waiting", other_shop.store_id: "dead"}


def _main(member: FlaskClient, path: str) -> str:
    """The page without its header, where the switcher names every store."""
    return member.get(f"/app/{path}").get_data(as_text=True).split("<main")[1]

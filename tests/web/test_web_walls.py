"""A request sees the rows of its reader's store even where a statement forgets to ask for it (PostgreSQL)."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.db import Database
from app.members.roles import READER
from app.models import AuditEntry, Customer
from app.runtime import Runtime
from app.web.auth import api_key_required, merchant_required, public
from app.web.context import chosen_store, runtime
from tests.engines import Engine
from tests.web.conftest import Prepared
from tests.web.web_members import PASSWORD, act, add_member, browser_of, token_of
from tests.web.web_shops import Shop, make_app, make_shop, signed_in


@pytest.fixture(scope="module")
def process(prepared: Prepared, _postgresql: Engine) -> Iterator[Runtime]:
    """A process over a PostgreSQL database."""
    url = _postgresql.create("walls")
    built = Runtime.build(prepared.settings, Database(url).over_all_stores())
    yield built
    built.database.dispose()
    _postgresql.drop(url)


@pytest.fixture(scope="module")
def shops(process: Runtime) -> tuple[Shop, Shop]:
    """Two stores of one operator."""
    return make_shop(process, "azure"), make_shop(process, "crimson")


@pytest.fixture(scope="module")
def careless(process: Runtime) -> Flask:
    """The app with pages besides that ask for everybody's customers."""
    app = make_app(process)
    for rule, guard in (("/a", api_key_required), ("/m", merchant_required), ("/p", public("nobody asks"))):
        app.add_url_rule(rule, rule, guard(_everybody))
    app.add_url_rule("/first", "/first", merchant_required(_everybody_of_the_first))
    return app


def test_a_program_sees_its_own_store_alone(careless: Flask, shops: tuple[Shop, Shop]) -> None:
    api = careless.test_client()

    found = [api.get("/a", headers=shop.headers).get_json() for shop in shops]

    assert found == [["azure"], ["crimson"]]


def test_a_member_sees_the_chosen_store_alone_also_before_anything_was_chosen(
    careless: Flask, process: Runtime, shops: tuple[Shop, Shop]
) -> None:
    member = signed_in(careless, process)

    first = [member.get(path).get_json() for path in ("/m", "/first")]
    with member.session_transaction() as cookie:
        cookie["store"] = shops[1].store_id
    chosen = [member.get(path).get_json() for path in ("/m", "/first")]

    assert first == [[], ["azure"]]
    assert chosen == [["crimson"], ["crimson"]]


def test_a_page_of_nobody_sees_nothing(careless: Flask, shops: tuple[Shop, Shop]) -> None:
    assert careless.test_client().get("/p").get_json() == []


def test_the_first_screen_tells_a_member_of_every_stores_history(
    careless: Flask, process: Runtime, shops: tuple[Shop, Shop]
) -> None:
    told = signed_in(careless, process).get("/app/progress.json").get_json()

    assert {row["store"] for row in told["backfills"]} == {shop.store_id for shop in shops}


def _everybody() -> list[str]:
    with runtime().database.read() as session:
        return [customer.first_name or "" for customer in session.scalars(select(Customer))]


def _everybody_of_the_first() -> list[str]:
    with runtime().database.read() as session:
        chosen_store(session)
        seen = [customer.first_name or "" for customer in session.scalars(select(Customer))]
    assert seen == _everybody()
    return seen


def test_a_login_spans_a_members_stores_and_each_log_tells_of_it(
    careless: Flask, process: Runtime, shops: tuple[Shop, Shop]
) -> None:
    """The whole way of a member: invited by one store, joined, in by password, asked for a role, out."""
    azure, crimson = shops
    owner = add_member(process, "anna@azure.example", azure.store_id)
    add_member(process, "carla@crimson.example", crimson.store_id)
    page = act(browser_of(careless, owner), "/app/members", email="carla@crimson.example", role=READER).text
    path = page.split("http://127.0.0.1:8000")[1].split("<")[0]
    carla = careless.test_client()

    joined = carla.post(path, data={"csrf": token_of(carla), "password": PASSWORD})
    act(carla, "/app/store", store=str(azure.store_id))
    here = [carla.get("/m").get_json(), act(carla, "/app/flows/welcome/activate").status_code]
    act(carla, "/app/store", store=str(crimson.store_id))
    there = [carla.get("/m").get_json(), act(carla, "/app/flows/welcome/activate").status_code]
    act(carla, "/app/account", name="Carla", language="it")
    act(carla, "/app/sign-out/everywhere")

    with process.database.read() as session:
        rows = session.execute(select(AuditEntry.store_id, AuditEntry.action).order_by(AuditEntry.id)).all()
    told = [[action for store_id, action in rows if store_id == shop.store_id] for shop in shops]
    own = ["member.signed-in", "member.account", "member.signed-out"]
    assert (joined.status_code, carla.get("/app/").status_code) == (303, 401)
    assert (here, there) == ([["azure"], 403], [["crimson"], 303])
    assert told[0] == ["member.invited", "member.joined", *own]
    assert told[1] == [own[0], "flow.activated", *own[1:]]

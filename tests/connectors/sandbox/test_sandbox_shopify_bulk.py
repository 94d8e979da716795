"""The emulated bulk operations: what is run, what is refused, and the file that comes of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connectors.sandbox.shopify_api import AppRegistration, blueprint
from tests.connectors.sandbox.sandbox_fake_world import FakeWorld, small_world

BASE = "/shopify/sandbox-aurora.myshopify.com"
RUN = """mutation($query: String!, $grouped: Boolean!) {
bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
bulkOperation { id status } userErrors { field code message } } }"""
STATE = """query($id: ID!) { bulkOperation(id: $id) {
status errorCode objectCount rootObjectCount fileSize url partialDataUrl } }"""
ORDERS = "{ orders { edges { node { id name lineItems { edges { node { id quantity } } } } } } }"


@dataclass
class Shop:
    """The emulated shop, asked as an app asks it."""

    world: FakeWorld
    app: AppRegistration
    client: FlaskClient
    token: str = ""

    def install(self, scopes: str) -> None:
        """Have a token of these scopes."""
        query = {"client_id": "app-id", "redirect_uri": "http://app.test/back", "state": "s", "scope": scopes}
        location = self.client.get(f"{BASE}/admin/oauth/authorize", query_string=query).headers["Location"]
        code = parse_qs(urlsplit(location).query)["code"][0]
        sent = {"client_id": "app-id", "client_secret": "app-secret", "code": code}
        answer: Any = self.client.post(f"{BASE}/admin/oauth/access_token", json=sent).json
        self.token = answer["access_token"]

    def ask(self, document: str, **variables: Any) -> Any:
        """The data of an answer."""
        answer = self.client.post(
            f"{BASE}/admin/api/2026-10/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": self.token},
        )
        return answer.json

    def run(self, query: str = ORDERS, *, is_grouped: bool = True) -> Any:
        """The payload of a start."""
        return self.ask(RUN, query=query, grouped=is_grouped)["data"]["bulkOperationRunQuery"]

    def state(self, started: Any) -> Any:
        """How a started operation is doing."""
        return self.ask(STATE, id=started["bulkOperation"]["id"])["data"]["bulkOperation"]

    def file(self, url: str, **headers: str) -> Any:
        """What the address of a file gives."""
        answer = self.client.get(urlsplit(url).path, headers=headers)
        answer.get_data()
        answer.close()
        return answer


@pytest.fixture
def shop() -> Shop:
    """Three orders of two lines each; a clock that stands."""
    return open_shop()


def open_shop(files: Path | None = None) -> Shop:
    """The same, whose files lie in that folder."""
    world = small_world()
    app = AppRegistration("app-id", "app-secret", "http://app.test", clock=lambda: 1_800_000_000.0)
    server = Flask("connectors.sandbox", static_folder=None)
    server.register_blueprint(blueprint(world, app, files))
    found = Shop(world, app, server.test_client())
    found.install(app.scopes)
    return found


def test_files_lie_in_the_worlds_folder_and_those_of_an_ended_process_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = Path("sandbox/files")
    files.mkdir(parents=True)
    (files / "of-before.jsonl").write_text("{}")

    shop = open_shop(files)
    done = shop.state(shop.run())

    assert [path.stat().st_size for path in files.iterdir()] == [int(done["fileSize"])]
    assert len(shop.file(done["url"]).data) == int(done["fileSize"])


def test_a_grouped_file_has_the_children_below_their_parents(shop: Shop) -> None:
    started = shop.run()

    done = shop.state(started)

    content = shop.file(done["url"]).data
    lines = [json.loads(line) for line in content.splitlines()]
    assert started["bulkOperation"]["status"] == "CREATED"
    assert (done["status"], done["objectCount"], done["rootObjectCount"]) == ("COMPLETED", "9", "3")
    assert done["fileSize"] == str(len(content))
    assert [line.get("__parentId") for line in lines] == [
        parent for number in (2000, 2001, 2002) for parent in (None, *[f"gid://shopify/Order/{number}"] * 2)
    ]
    assert lines[1] == {
        "id": "gid://shopify/LineItem/2000000",
        "quantity": 3,
        "__parentId": "gid://shopify/Order/2000",
    }


def test_an_ungrouped_file_may_have_them_anywhere_below(shop: Shop) -> None:
    done = shop.state(shop.run(is_grouped=False))

    lines = [json.loads(line) for line in shop.file(done["url"]).data.splitlines()]
    assert ["__parentId" in line for line in lines] == [False] * 3 + [True] * 6


def test_a_file_is_served_from_any_byte(shop: Shop) -> None:
    url = shop.state(shop.run())["url"]
    whole = shop.file(url).data

    rest = shop.file(url, Range="bytes=100-")
    beyond = shop.file(url, Range=f"bytes={len(whole)}-")

    assert (rest.status_code, rest.data) == (206, whole[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert beyond.status_code == 416


def test_the_address_of_a_file_ends(shop: Shop) -> None:
    url = shop.state(shop.run())["url"]

    shop.app.bulk.url_seconds = -1

    assert shop.file(url).status_code == 400


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ orders { edges { node { id ", "Invalid bulk query: Syntax Error: Expected Name, found <EOF>."),
        ("{ orders { edges { node { none } } } }", "Invalid bulk query: Cannot query field"),
        ("mutation { tagsAdd(id: 1, tags: []) { node { id } } }", "Invalid operation type."),
        ("{ shop { name } }", "Bulk queries must contain at least one connection."),
        ("{ shop { name } orders { edges { node { id } } } }", "single top-level field"),
        ('{ node(id: "gid://shopify/Order/2000") { id } }', "top-level `node`"),
        (
            "{ orders { edges { node { id refunds { refundLineItems { edges { node { id } } } } } } } }",
            "a connection field within a list field",
        ),
        (
            "{ orders { edges { node { name lineItems { edges { node { id } } } } } } }",
            "must select the 'id'",
        ),
    ],
)
def test_what_shopify_does_not_run_in_bulk(shop: Shop, query: str, message: str) -> None:
    refused = shop.run(query)

    assert refused["bulkOperation"] is None
    assert refused["userErrors"][0]["code"] == "INVALID"
    assert message in refused["userErrors"][0]["message"]


def test_no_more_run_than_shopify_allows(shop: Shop) -> None:
    shop.app.bulk.others = 5

    refused = shop.run()

    assert [error["code"] for error in refused["userErrors"]] == ["LIMIT_REACHED"]


def test_a_failed_operation_leaves_a_part_of_its_file(shop: Shop) -> None:
    shop.app.bulk.fail_after = 4

    failed = shop.state(shop.run())

    assert (failed["status"], failed["errorCode"], failed["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    assert len(shop.file(failed["partialDataUrl"]).data.splitlines()) == 4


def test_a_scope_that_lacks_fails_the_operation(shop: Shop) -> None:
    shop.install("read_products")

    failed = shop.state(shop.run("{ customers { edges { node { id } } } }"))

    assert (failed["status"], failed["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_an_operation_can_be_cancelled(shop: Shop) -> None:
    shop.app.bulk.looks = 1
    started = shop.run()
    cancel = (
        "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { id } userErrors { message } } }"
    )

    first = shop.state(started)["status"]
    unknown = shop.ask(cancel, id="gid://shopify/BulkOperation/9")["data"]["bulkOperationCancel"]
    known = shop.ask(cancel, id=started["bulkOperation"]["id"])["data"]["bulkOperationCancel"]

    assert first == "RUNNING"
    assert [error["message"] for error in unknown["userErrors"]] == ["Bulk operation does not exist"]
    assert known["bulkOperation"]["id"] == started["bulkOperation"]["id"]


def test_nothing_found_has_no_file(shop: Shop) -> None:
    shop.world.orders.clear()

    done = shop.state(shop.run())

    assert (done["status"], done["url"], done["fileSize"]) == ("COMPLETED", None, None)


def test_a_run_costs_ten_points(shop: Shop) -> None:
    answer = shop.ask(RUN, query=ORDERS, grouped=True)

    assert answer["extensions"]["cost"]["requestedQueryCost"] == 10

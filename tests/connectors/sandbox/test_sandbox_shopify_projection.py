"""The short way through a query answers what the general executor of GraphQL answers."""

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import ExecutionResult, execute

from connectors.sandbox.model import SHOPIFY
from connectors.sandbox.shopify_graphql import FIELDS, choose, prepare, run, schema
from connectors.sandbox.shopify_resources import Caller
from connectors.storefronts.shopify import documents
from tests.connectors.sandbox.sandbox_fake_world import checkout, small_world

SCOPES = frozenset({"read_all_orders", "read_customers", "read_discounts", "read_orders", "read_products"})
ORDER, CUSTOMER, PRODUCT = "gid://shopify/Order/2000", "gid://shopify/Customer/2", "gid://shopify/Product/501"
READING = {
    name: text
    for name, text in vars(documents).items()
    if name.isupper() and isinstance(text, str) and not name.startswith(("_", "BULK"))
    if "mutation" not in text
}
VARIABLES: Mapping[str, object] = {
    "ids": [ORDER, "gid://shopify/Order/9", CUSTOMER],
    "query": "updated_at:>='2026-05-01T00:00:00Z'",
    "after": None,
    "code": "NONE",
}
OWNERS = {"CUSTOMER": CUSTOMER, "PRODUCT": PRODUCT, "PRODUCT_VARIANTS": PRODUCT}


def _caller(scopes: frozenset[str] = SCOPES) -> Caller:
    world = small_world()
    world.checkouts[77] = checkout(77, 2, SHOPIFY)
    world.codes[2000] = ("BDAY",)
    return Caller(world, scopes, client_id="app-id")


def _generally(text: str, caller: Caller, variables: Mapping[str, Any]) -> ExecutionResult:
    document = prepare(text).document
    assert document is not None
    found = execute(schema(), document, FIELDS, caller, dict(variables))
    assert isinstance(found, ExecutionResult)
    return found


def _shortly(text: str, caller: Caller, variables: Mapping[str, Any]) -> ExecutionResult:
    prepared = prepare(text)
    operation = choose(prepared, None)
    assert operation is not None
    return run(prepared, operation, caller, variables)


@pytest.mark.parametrize("name", READING)
def test_our_documents_are_answered_alike(name: str) -> None:
    variables = {**VARIABLES, "id": OWNERS.get(name, ORDER)}

    assert _shortly(READING[name], _caller(), variables) == _generally(READING[name], _caller(), variables)


@pytest.mark.parametrize("name", ["ORDERS", "ORDER_OUTLINES", "SEVERAL_ORDERS", "CUSTOMERS", "CHECKOUTS"])
def test_what_costs_most_goes_the_short_way(name: str) -> None:
    operation = choose(prepare(READING[name]), None)

    assert operation is not None
    assert operation.fields is not None


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query($n:Int!){orders(first:$n){nodes{id}}}", {}),
        ("query($n:Int!){orders(first:$n){nodes{id}}}", {"n": "many"}),
        ("{shop{name name}}", {}),
        ("{shop{__typename name}}", {}),
        ("query($is:Boolean!){shop{name @skip(if:$is) id}}", {"is": True}),
        ("{orders(first:2,query:\"nonsense:>='x'\"){nodes{id}}}", {}),
        ("{orders(first:999){nodes{id}}}", {}),
    ],
)
def test_what_is_not_plain_is_answered_alike(text: str, variables: Mapping[str, Any]) -> None:
    assert _shortly(text, _caller(), variables) == _generally(text, _caller(), variables)


def test_a_refused_field_leaves_the_others() -> None:
    text = "{shop{name} orders(first:1){nodes{id}}}"
    found = _shortly(text, _caller(frozenset()), {})

    assert found == _generally(text, _caller(frozenset()), {})
    assert [error.extensions["code"] for error in found.errors or () if error.extensions] == ["ACCESS_DENIED"]


def test_a_null_where_none_may_be_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FIELDS, "shop", lambda _info: {"id": None})
    found = _shortly("{shop{id}}", _caller(), {})

    assert found == _generally("{shop{id}}", _caller(), {})
    assert found.errors


def test_of_each_kind_of_object_only_its_own_is_selected() -> None:
    text = "query($ids:[ID!]!){nodes(ids:$ids){id ... on Order{createdAt} ... on Customer{updatedAt}}}"
    found = _shortly(text, _caller(), VARIABLES)

    assert found == _generally(text, _caller(), VARIABLES)
    assert [sorted(node or {}) for node in (found.data or {})["nodes"]] == [
        ["createdAt", "id"],
        [],
        ["id", "updatedAt"],
    ]

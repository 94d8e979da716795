"""No request of the API's shape gets an answer that is not described: what schemathesis makes up, in short.

`make fuzz` asks the same with thousands of made-up requests; what it found stands here as cases.
"""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from app.web.api.openapi import ROUTES, Route, document
from tests.web.web_shops import Shop

_STRANGE = (
    "",
    "0",
    "-1",
    "007",
    "null",
    "false",
    "9" * 30,
    "\x00",
    "é\ud7ff",
    "' OR 1=1 --",
    "%",
    "[]",
    "x" * 3000,
)
_PAGING = ("limit", "cursor")
_BODIES: tuple[object, ...] = (
    None,
    [],
    "text",
    7,
    {"customer": {}},
    {"at": "never"},
    {"data": {"": [None] * 50}, "type": "\x00"},
)
_FOUND = (
    ("/flows?limit=false", "limit"),
    ("/flows?cursor=essential", "cursor"),
    ("/orders?customer=0", "customer"),
    ("/messages?customer=0", "customer"),
)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_strange_requests_get_a_described_answer(api: FlaskClient, shop: Shop, route: Route) -> None:
    described = document()["paths"][route.path][route.method]["responses"].keys()

    wrong = [
        (path, given, answer.status)
        for path, query, given in _requests(route, shop)
        if (
            answer := api.open(
                f"/api/v1{path}",
                method=route.method.upper(),
                headers=shop.headers,
                query_string=query,
                json=given,
            )
        ).status[:3]
        not in described
    ]

    assert wrong == []


@pytest.mark.parametrize(("asked", "field"), _FOUND)
def test_what_the_description_excludes_is_refused(
    api: FlaskClient, shop: Shop, asked: str, field: str
) -> None:
    answer = api.get(f"/api/v1{asked}", headers=shop.headers)

    assert answer.status_code == 400
    assert answer.get_json()["field"] == field


def _requests(route: Route, shop: Shop) -> Iterator[tuple[str, dict[str, str], object]]:
    """Each place of the request strange in turn, the rest as it should be."""
    named = {f"{name}_id": value for name, value in shop.ids.items()} | {"key": "welcome"}
    good = route.path.format(**named)
    body: object = {} if route.body else None
    for name in re.findall(r"{(\w+)}", route.path):
        for strange in _STRANGE[1:]:
            yield route.path.format(**(named | {name: strange})), {}, body
    for name in (*dict(route.filters), *(_PAGING if route.is_list else ())):
        for strange in _STRANGE:
            yield good, {name: strange}, body
    for given in _BODIES if route.body else ():
        yield good, {}, given

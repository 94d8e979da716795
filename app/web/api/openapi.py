"""`/openapi.json`: the API described from one table of its routes."""

import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.web.api import lists
from app.web.api.schemas import (
    DAY,
    ID,
    INBOUND_STATUS,
    MESSAGE_STATUS,
    REVIEW_OBJECT,
    REVIEW_STATE,
    SCHEMAS,
    TEXT,
    Schema,
)
from app.web.auth import public

blueprint = Blueprint("openapi", __name__)


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    Attributes:
        answer: the schema's name; a list of it where `is_list`.
        filters: query parameters besides limit and cursor.
        body: the schema's name of what is posted.
    """

    method: str
    path: str
    summary: str
    answer: str
    is_list: bool = False
    filters: tuple[tuple[str, Schema], ...] = ()
    body: str | None = None
    status: str = "200"


def _list(path: str, summary: str, answer: str, **filters: Schema) -> Route:
    return Route("get", path, summary, answer, is_list=True, filters=tuple(filters.items()))


ROUTES = (
    _list("/customers", "Customers", "Customer", email=TEXT, external_id=TEXT),
    Route("get", "/customers/{customer_id}", "One customer", "Customer"),
    Route(
        "get",
        "/customers/{customer_id}/why",
        "Why messages of a day left or not, flow by flow",
        "WhyOfDay",
        filters=(("flow", TEXT), ("on", DAY)),
    ),
    Route("delete", "/customers/{customer_id}", "Erase a customer", "Customer"),
    Route(
        "post",
        "/customers/{customer_id}/consents",
        "Record what a customer said",
        "Customer",
        body="NewConsent",
        status="201",
    ),
    _list("/orders", "Orders", "Order", external_id=TEXT, customer=ID),
    Route("get", "/orders/{order_id}", "One order", "Order"),
    _list("/products", "Products", "Product", external_id=TEXT),
    _list("/events", "The timeline", "Event", customer=ID, type=TEXT),
    Route("post", "/events", "Tell what another system knows", "Event", body="NewEvent", status="201"),
    _list("/inbound-events", "The inbox", "InboundEvent", status=INBOUND_STATUS, topic=TEXT),
    _list("/messages", "The outbox", "Message", customer=ID, flow=TEXT, status=MESSAGE_STATUS),
    Route("get", "/messages/{message_id}", "One message", "Message"),
    Route("get", "/messages/{message_id}/why", "Why it left or stayed", "Why"),
    Route("get", "/messages/{message_id}/content", "What it says", "Content"),
    _list(
        "/reviews",
        "What customers said",
        "Review",
        customer=ID,
        product=TEXT,
        object=REVIEW_OBJECT,
        state=REVIEW_STATE,
    ),
    Route("get", "/reviews/{review_id}", "One review", "Review"),
    _list("/flows", "Flows", "Flow"),
    Route("get", "/flows/{key}", "One flow with its steps", "FlowInFull"),
    Route("post", "/flows/{key}/activate", "Switch a flow on", "Flow"),
    Route("post", "/flows/{key}/deactivate", "Switch a flow off", "Flow"),
    _list("/enrollments", "Who is on the way", "Enrollment", flow=TEXT, customer=ID),
)
_INTRODUCTION = "One store's data. Lists are pages by rising id, money is in minor units, times are UTC."
_NEXT = "The cursor of what follows; null at the end. A page may be short, even empty, and have a next one."
_PAGING: dict[str, Schema] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": lists.MAX_LIMIT, "default": lists.DEFAULT_LIMIT},
    "cursor": {"type": "string", "description": "`next` of the page before"},
}
_PROBLEMS = {
    "400": "The request cannot be used; `field` names the place.",
    "401": "No API key of this store.",
    "404": "There is no such thing in this store.",
    "503": "The database cannot answer now; try again after Retry-After.",
}


@blueprint.get("/openapi.json")
@public("the description of the API holds nothing of anybody")
def show() -> ResponseReturnValue:
    """The whole description."""
    return document()


def document() -> dict[str, Any]:
    """OpenAPI 3.1 of everything under /api/v1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ritorno",
            "version": "1",
            "description": _INTRODUCTION,
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "rit_…"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _json(_ref(route.body))}
    return operation


def _operation_id(route: Route) -> str:
    words = re.sub(r"[^a-z]+", "_", route.path.replace("{", "").replace("}", "")).strip("_")
    return f"{route.method}_{words}"


def _parameters(route: Route) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": TEXT if name == "key" else ID}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    asked = dict(route.filters) | (_PAGING if route.is_list else {})
    return in_path + [{"name": name, "in": "query", "schema": schema} for name, schema in asked.items()]


def _responses(route: Route) -> dict[str, Any]:
    answer = _ref(route.answer)
    if route.is_list:
        answer = {
            "type": "object",
            "properties": {
                "data": {"type": "array", "items": answer},
                "next": {"anyOf": [TEXT, {"type": "null"}], "description": _NEXT},
            },
            "required": ["data", "next"],
        }
    responses: dict[str, Any] = {route.status: {"description": route.summary, "content": _json(answer)}}
    for status, text in _PROBLEMS.items():
        problem = {"application/problem+json": {"schema": _ref("Problem")}}
        responses[status] = {"description": text, "content": problem}
    return responses


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}

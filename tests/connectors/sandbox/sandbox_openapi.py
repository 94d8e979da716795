"""The providers' own descriptions of their APIs, as checks of what the emulated ones take and answer."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

_FILE = Path(__file__).parents[2] / "fixtures" / "providers" / "openapi.json"


def problems_of_answer(operation: str, status: int, body: object) -> list[str]:
    """Where a JSON answer differs from the description; `operation` as `GET /v3/scopes`."""
    spec, described = _find(operation)
    response = _follow(spec, described["responses"][str(status)])
    return _differences(spec, response["content"]["application/json"]["schema"], body)


def problems_of_request(operation: str, body: object) -> list[str]:
    """Where a request's body, JSON or a form's fields, differs from the description."""
    spec, described = _find(operation)
    (content,) = _follow(spec, described["requestBody"])["content"].values()
    return _differences(spec, content["schema"], body)


@cache
def _specs() -> dict[str, Any]:
    """All descriptions; message-level custom_args, which SendGrid's calls a text by mistake, is an object."""
    specs: dict[str, Any] = json.loads(_FILE.read_text())
    request = specs["tsg_mail_v3.json"]["components"]["requestBodies"]["PostMailSend"]
    request["content"]["application/json"]["schema"]["properties"]["custom_args"] = {"type": "object"}
    # The help of an error is a text or nothing at all, as every published example shows.
    for spec in specs.values():
        for schema in spec["components"].get("schemas", {}).values():
            _forget_help(schema)
        for response in spec["components"].get("responses", {}).values():
            _forget_help(response.get("content", {}).get("application/json", {}).get("schema", {}))
    return specs


def _forget_help(schema: dict[str, Any]) -> None:
    errors = schema.get("properties", {}).get("errors", {}).get("items", {}).get("properties", {})
    for name in ("help", "field"):
        errors.pop(name, None)


def _find(operation: str) -> tuple[dict[str, Any], dict[str, Any]]:
    spec = next(one for one in _specs().values() if operation in one["operations"])
    return spec, spec["operations"][operation]


def _follow(spec: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in described:
        return described
    _, _, kind, name = described["$ref"].split("/")
    found: dict[str, Any] = spec["components"][kind][name]
    return found


def _differences(spec: dict[str, Any], schema: dict[str, Any], body: object) -> list[str]:
    validator = OAS30Validator({"allOf": [schema], "components": spec["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]

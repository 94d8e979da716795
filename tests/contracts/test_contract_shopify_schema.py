"""Our documents, our scopes and the emulator's schema against Shopify's real Admin schema."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    NoDeprecatedCustomRule,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)

from connectors.storefronts.shopify import documents
from connectors.storefronts.shopify.topics import READERS

ROOT = Path(__file__).parents[2]
DOCUMENTS = {
    name: text for name, text in vars(documents).items() if name.isupper() and not name.startswith("_")
}
_ROOTS = {"Query": "QueryRoot"}
"""The emulator names its root as the language does by default."""


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_is_valid_and_asks_for_nothing_deprecated(schema: GraphQLSchema, name: str) -> None:
    found = validate(schema, parse(DOCUMENTS[name]), [*specified_rules, NoDeprecatedCustomRule])

    assert [error.message for error in found] == []


def test_the_emulators_schema_is_part_of_the_real_one(schema: GraphQLSchema) -> None:
    emulated = build_schema((ROOT / "connectors/sandbox/shopify_schema.graphql").read_text())
    ours = {name: kind for name, kind in emulated.type_map.items() if not name.startswith("__")}

    different = [
        line
        for name, kind in ours.items()
        for line in _differences(name, kind, schema.type_map.get(_ROOTS.get(name, name)))
    ]

    assert len(ours) > 50
    assert different == []


def test_our_scopes_are_those_that_our_documents_and_topics_need(
    schema: GraphQLSchema, admin: Mapping[str, Any], topics: Mapping[str, Mapping[str, Any]]
) -> None:
    needs = {frozenset(scopes) for scopes in _scopes_of_documents(schema, admin)}
    needs |= {
        frozenset({f"read_{scope}" for scope in topics[topic].get("access_scopes", ())}) for topic in READERS
    }
    declared = tomllib.loads((ROOT / "shopify.app.toml").read_text())["access_scopes"]["scopes"].split(",")

    lacking = [sorted(need) for need in needs if need and not need & set(declared)]
    idle = [scope for scope in declared if not any(need & set(declared) == {scope} for need in needs)]

    assert lacking == []
    assert idle == []


def _differences(name: str, ours: GraphQLNamedType, real: GraphQLNamedType | None) -> Iterator[str]:
    if real is None:
        yield f"{name} does not exist"
    elif isinstance(ours, GraphQLEnumType):
        known = real.values if isinstance(real, GraphQLEnumType) else {}
        yield from (f"{name}.{value} does not exist" for value in ours.values if value not in known)
    elif isinstance(ours, GraphQLUnionType):
        members = {one.name for one in real.types} if isinstance(real, GraphQLUnionType) else set()
        yield from (f"{name} is no {one.name}" for one in ours.types if one.name not in members)
    elif isinstance(ours, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        yield from _different_fields(name, ours, real)


def _different_fields(name: str, ours: Any, real: Any) -> Iterator[str]:
    for field_name, field in ours.fields.items():
        other = getattr(real, "fields", {}).get(field_name)
        if other is None or str(other.type) != str(field.type):
            yield f"{name}.{field_name}: {field.type} is {other.type if other else 'nothing'}"
            continue
        for argument, kind in getattr(field, "args", {}).items():
            known = other.args.get(argument)
            if known is None or str(known.type) != str(kind.type):
                yield f"{name}.{field_name}({argument}): {kind.type} is {known.type if known else 'nothing'}"


def _scopes_of_documents(schema: GraphQLSchema, admin: Mapping[str, Any]) -> Iterator[list[str]]:
    """For every field that we ask for: the scopes of which any one gives access to it, and to its type."""
    rows = admin["offline_scopes"]["items"]
    table = {(row["typeName"], row.get("fieldName")): row["offlineScopes"] for row in rows}
    for text in DOCUMENTS.values():
        types = TypeInfo(schema)
        asked = _Asked(types)
        visit(parse(text), TypeInfoVisitor(types, asked))
        for owner, field, kind in asked.fields:
            yield table.get((owner, field), [])
            yield table.get((kind, None), [])


class _Asked(Visitor):
    """Collects what a document asks for: owner, field, and the field's type."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.fields: list[tuple[str, str, str]] = []

    def enter_field(self, node: FieldNode, *_args: object) -> None:
        owner, kind = self._types.get_parent_type(), self._types.get_type()
        if owner is not None and kind is not None:
            self.fields.append((owner.name, node.name.value, get_named_type(kind).name))

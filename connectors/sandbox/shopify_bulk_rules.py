"""What Shopify runs in bulk and what it refuses, in its own words; and how the sandbox's operations behave.

Source: shopify.dev, perform bulk operations, operation restrictions (November 2026).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLList,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
)

from connectors.sandbox.shopify_fragments import Fragments, fragment_at, fragments_of

MOST_CONNECTIONS = 5
DEEPEST = 2
WEEK_SECONDS = 7 * 24 * 3600.0
IN_LIST = "Queries that contain a connection field within a list field are not currently supported."
NO_ID = "The parent 'node' field for a nested connection must select the 'id' field without an alias."


@dataclass(slots=True)
class BulkRules:
    """How operations go here; a test changes it.

    Attributes:
        limit: how many may run at a time; `others` run besides those asked for.
        looks: how often an operation is still at work when somebody asks.
        fail_after: objects after which operations fail and leave a part of their file; None never.
        is_grouped: False leaves children far from their parents, whatever was asked for.
        damage: what becomes of a file before it is served.
        knows_ranges: False serves the whole file whatever was asked for.
        url_seconds: how long a file can be had.
    """

    limit: int = 5
    others: int = 0
    looks: int = 0
    fail_after: int | None = None
    is_grouped: bool = True
    damage: Callable[[bytes], bytes] | None = None
    knows_ranges: bool = True
    url_seconds: float = WEEK_SECONDS


def refusals(schema: GraphQLSchema, document: DocumentNode) -> list[str]:
    """Why Shopify would not run a valid document in bulk; nothing when it would."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        return ["Invalid operation type. Only `query` operations are supported."]
    selected = operations[0].selection_set.selections
    if len(selected) != 1:
        return ["Bulk queries must contain a single top-level field."]
    if isinstance(selected[0], FieldNode) and selected[0].name.value in {"node", "nodes"}:
        return ["Bulk queries cannot contain a top-level `node` or `nodes` field."]
    walk = _Walk(schema, fragments_of(document))
    found = list(walk.connections(operations[0].selection_set, schema.query_type, depth=0, in_list=False))
    return list(_broken(found))


@dataclass(frozen=True, slots=True)
class _Connection:
    depth: int
    in_list: bool
    has_id: bool
    """Whether the nodes select their id, which a nested connection needs."""


@dataclass(frozen=True, slots=True)
class _Walk:
    schema: GraphQLSchema
    fragments: Fragments

    def fields(
        self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType | None]]:
        """The fields of a selection, those of its fragments included, each with the type that has it."""
        for selection in selection_set.selections if selection_set else ():
            if isinstance(selection, FieldNode):
                yield selection, parent
                continue
            fragment = fragment_at(selection, self.fragments)
            condition = fragment.type_condition
            named = self.schema.get_type(condition.name.value) if condition else parent
            yield from self.fields(fragment.selection_set, named)

    def connections(
        self,
        selection_set: SelectionSetNode | None,
        parent: GraphQLNamedType | None,
        *,
        depth: int,
        in_list: bool,
    ) -> Iterator[_Connection]:
        """Every connection below a selection."""
        for node, owner in self.fields(selection_set, parent):
            definition = getattr(owner, "fields", {}).get(node.name.value)
            if definition is None:
                continue
            named = get_named_type(definition.type)
            is_list = isinstance(get_nullable_type(definition.type), GraphQLList)
            within = in_list or (is_list and node.name.value not in {"edges", "nodes"})
            deeper = depth + named.name.endswith("Connection")
            if deeper > depth:
                yield _Connection(deeper, in_list, self._has_id(node.selection_set, named))
            yield from self.connections(node.selection_set, named, depth=deeper, in_list=within)

    def _has_id(self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None) -> bool:
        for node, owner in self.fields(selection_set, parent):
            if node.name.value == "id":
                return node.alias is None
            if node.name.value in {"edges", "node", "nodes"}:
                definition = getattr(owner, "fields", {})[node.name.value]
                return self._has_id(node.selection_set, get_named_type(definition.type))
        return False


def _broken(found: list[_Connection]) -> Iterator[str]:
    if not found:
        yield "Bulk queries must contain at least one connection."
    if len(found) > MOST_CONNECTIONS:
        yield f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections."
    if any(one.depth > DEEPEST for one in found):
        yield f"Bulk queries cannot contain connections with a nesting depth greater than {DEEPEST}."
    if any(one.in_list for one in found):
        yield IN_LIST
    if len(found) > 1 and not found[0].has_id:
        yield NO_ID

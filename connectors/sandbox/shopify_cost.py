"""What a GraphQL document costs: the linear model of Shopify's limits.

An object costs 1, a scalar 0, a mutation 10, a connection 2 plus what it asks for times the cost of a node.
A document is looked through once; what it costs with some variables or an answer is reckoned from the rest.
Source: shopify.dev "API limits" (November 2026), checked against the costs measured for known documents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from connectors.sandbox.shopify_fragments import Fragments, fragment_at, fragments_of

MUTATION_COST = 10
CONNECTION_COST = 2
Variables = Mapping[str, Any]


class _Kind(Enum):
    """What a field holds; NODES and EDGES are those of a connection."""

    OBJECT = auto()
    LIST = auto()
    CONNECTION = auto()
    NODES = auto()
    EDGES = auto()


@dataclass(frozen=True, slots=True)
class _Part:
    """A selected field that costs something, by its key in the answer, with such fields inside it."""

    key: str
    kind: _Kind
    node: FieldNode
    parts: tuple["_Part", ...]


@dataclass(frozen=True, slots=True)
class CostModel:
    """The costs of one operation of a document.

    Attributes:
        mutations: how many it runs; 0 for a query.
    """

    mutations: int
    parts: tuple[_Part, ...]

    def requested(self, variables: Variables) -> int:
        """The points that the operation asks for, before it runs."""
        return MUTATION_COST * self.mutations or _asked(self.parts, variables)

    def actual(self, variables: Variables, result: Mapping[str, Any]) -> int:
        """The points of what really came back."""
        return MUTATION_COST * self.mutations or _spent(self.parts, variables, result)


def cost_model(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> CostModel:
    """The cost model of one operation."""
    if operation.operation is OperationType.MUTATION:
        return CostModel(len(operation.selection_set.selections), ())
    return CostModel(
        0, _Reading(schema, fragments_of(document)).parts(operation.selection_set, schema.query_type)
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """Finds what costs something in a document."""

    schema: GraphQLSchema
    fragments: Fragments

    def parts(
        self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> tuple[_Part, ...]:
        """The parts of a selection of fields of some type."""
        return tuple(self._parts(selection_set, parent))

    def _parts(
        self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> Iterator[_Part]:
        for selection in selection_set.selections if selection_set else ():
            if not isinstance(selection, FieldNode):
                yield from self._parts(*self._inner(selection, parent))
                continue
            definition = getattr(parent, "fields", {}).get(selection.name.value)
            if definition is not None and not is_leaf_type(get_named_type(definition.type)):
                yield self._part(selection, definition, parent)

    def _inner(
        self, selection: SelectionNode, parent: GraphQLNamedType | None
    ) -> tuple[SelectionSetNode, GraphQLNamedType | None]:
        fragment = fragment_at(selection, self.fragments)
        condition = fragment.type_condition
        if not isinstance(condition, NamedTypeNode):
            return fragment.selection_set, parent
        return fragment.selection_set, self.schema.get_type(condition.name.value)

    def _part(self, node: FieldNode, definition: GraphQLField, parent: GraphQLNamedType | None) -> _Part:
        named = get_named_type(definition.type)
        kind = _Kind.OBJECT
        if _is_connection(parent) and node.name.value in _ELEMENTS:
            kind = _ELEMENTS[node.name.value]
        elif _is_connection(named):
            kind = _Kind.CONNECTION
        elif is_list_type(get_nullable_type(cast(Any, definition.type))):
            kind = _Kind.LIST
        key = (node.alias or node.name).value
        return _Part(key, kind, node, self.parts(node.selection_set, named))


_ELEMENTS = {"nodes": _Kind.NODES, "edges": _Kind.EDGES}


def _is_connection(named: GraphQLNamedType | None) -> bool:
    return isinstance(named, GraphQLObjectType) and named.name.endswith("Connection")


def _asked(parts: tuple[_Part, ...], variables: Variables, size: int = 0) -> int:
    """What these would cost; `size` is how many nodes the connection lists whose parts they are."""
    total = 0
    for part in parts:
        if part.kind is _Kind.OBJECT:
            total += 1 + _asked(part.parts, variables)
        elif part.kind is _Kind.CONNECTION:
            total += CONNECTION_COST + _asked(part.parts, variables, _first(part.node, variables) or 0)
        elif part.kind is _Kind.LIST:
            total += (_first(part.node, variables) or 1) * (1 + _asked(part.parts, variables))
        else:
            total += size * (_asked(part.parts, variables) + (part.kind is _Kind.NODES))
    return total


def _spent(parts: tuple[_Part, ...], variables: Variables, result: Mapping[str, Any] | None) -> int:
    """What these cost as they came back; where a list holds nothing in a place, what was asked for it."""
    if result is None:
        return _asked(parts, variables)
    total = 0
    for part in parts:
        value = result.get(part.key)
        if value is None:
            continue
        if part.kind is _Kind.OBJECT:
            total += 1 + _spent(part.parts, variables, value)
        elif part.kind is _Kind.CONNECTION:
            total += CONNECTION_COST + _spent(part.parts, variables, value)
        else:
            total += len(value) if part.kind is not _Kind.EDGES else 0
            if part.parts:
                total += sum(_spent(part.parts, variables, item) for item in value)
    return total


def _first(node: FieldNode, variables: Variables) -> int | None:
    for argument in node.arguments:
        if argument.name.value != "first":
            continue
        if isinstance(argument.value, IntValueNode):
            return int(argument.value.value)
        if isinstance(argument.value, VariableNode):
            value = variables.get(argument.value.name.value)
            return value if isinstance(value, int) else None
    return None

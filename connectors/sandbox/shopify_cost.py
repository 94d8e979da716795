"""What a GraphQL document costs: the linear model of Shopify's limits.

An object costs 1, a scalar 0, a mutation 10, a connection 2 plus what it asks for times the cost of a node.
Source: shopify.dev "API limits" (November 2026), checked against the costs measured for known documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
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
)

MUTATION_COST = 10
CONNECTION_COST = 2


@dataclass(frozen=True, slots=True)
class CostModel:
    """The costs of one operation of a document."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    operation: OperationDefinitionNode

    def requested(self, variables: Mapping[str, Any]) -> int:
        """The points that the operation asks for, before it runs."""
        return self._operation_cost(variables, None)

    def actual(self, variables: Mapping[str, Any], result: Mapping[str, Any]) -> int:
        """The points of what really came back."""
        return self._operation_cost(variables, result)

    def _operation_cost(self, variables: Mapping[str, Any], result: Mapping[str, Any] | None) -> int:
        if self.operation.operation is OperationType.MUTATION:
            return MUTATION_COST * len(self.operation.selection_set.selections)
        return self._selections(self.operation.selection_set, self.schema.query_type, variables, result)

    def _selections(
        self,
        selection_set: SelectionSetNode | None,
        parent: GraphQLNamedType | None,
        variables: Mapping[str, Any],
        result: Mapping[str, Any] | None,
    ) -> int:
        total = 0
        for selection in selection_set.selections if selection_set else ():
            if isinstance(selection, FieldNode):
                total += self._field(selection, parent, variables, result)
                continue
            inner, inner_parent = self._inner(selection, parent)
            total += self._selections(inner, inner_parent, variables, result)
        return total

    def _inner(
        self, selection: SelectionNode, parent: GraphQLNamedType | None
    ) -> tuple[SelectionSetNode, GraphQLNamedType | None]:
        fragment: FragmentDefinitionNode | InlineFragmentNode
        if isinstance(selection, InlineFragmentNode):
            fragment = selection
        else:
            fragment = self.fragments[cast(FragmentSpreadNode, selection).name.value]
        condition = fragment.type_condition
        if not isinstance(condition, NamedTypeNode):
            return fragment.selection_set, parent
        return fragment.selection_set, self.schema.get_type(condition.name.value)

    def _field(
        self,
        node: FieldNode,
        parent: GraphQLNamedType | None,
        variables: Mapping[str, Any],
        result: Mapping[str, Any] | None,
    ) -> int:
        definition = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None or is_leaf_type(get_named_type(definition.type)):
            return 0
        value = None
        if result is not None:
            value = result.get((node.alias or node.name).value)
            if value is None:
                return 0
        named = get_named_type(definition.type)
        if named.name.endswith("Connection") and isinstance(named, GraphQLObjectType):
            return self._connection(node, named, variables, value)
        if isinstance(get_nullable_type(definition.type), GraphQLList):
            if value is not None:
                return sum(1 + self._selections(node.selection_set, named, variables, item) for item in value)
            size = _first(node, variables) or 1
            return size * (1 + self._selections(node.selection_set, named, variables, None))
        return 1 + self._selections(node.selection_set, named, variables, value)

    def _connection(
        self,
        node: FieldNode,
        named: GraphQLObjectType,
        variables: Mapping[str, Any],
        value: Mapping[str, Any] | None,
    ) -> int:
        size = _first(node, variables) or 0
        total = CONNECTION_COST
        for selection in node.selection_set.selections if node.selection_set else ():
            if not isinstance(selection, FieldNode):
                continue
            name = selection.name.value
            if name not in {"nodes", "edges"}:
                total += self._field(selection, named, variables, value)
                continue
            element = get_named_type(named.fields[name].type)
            if value is None:
                each = self._selections(selection.selection_set, element, variables, None)
                total += size * (each + (1 if name == "nodes" else 0))
                continue
            key = (selection.alias or selection.name).value
            for item in value[key]:
                each = self._selections(selection.selection_set, element, variables, item)
                total += each + (1 if name == "nodes" else 0)
        return total


def _first(node: FieldNode, variables: Mapping[str, Any]) -> int | None:
    for argument in node.arguments:
        if argument.name.value != "first":
            continue
        if isinstance(argument.value, IntValueNode):
            return int(argument.value.value)
        if isinstance(argument.value, VariableNode):
            value = variables.get(argument.value.name.value)
            return value if isinstance(value, int) else None
    return None


def cost_model(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> CostModel:
    """The cost model of one operation."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    return CostModel(schema, fragments, operation)

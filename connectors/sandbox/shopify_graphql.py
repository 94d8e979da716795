"""Runs Shopify's GraphQL documents: parsed, validated and planned once per text, run over plain dicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from connectors.sandbox.shopify_bulk_fields import BULK_MUTATIONS
from connectors.sandbox.shopify_codes import CODE_MUTATIONS, CODE_QUERIES
from connectors.sandbox.shopify_cost import CostModel, cost_model
from connectors.sandbox.shopify_fragments import fragments_of
from connectors.sandbox.shopify_marketing import MARKETING_MUTATIONS
from connectors.sandbox.shopify_mutations import MUTATION_FIELDS
from connectors.sandbox.shopify_nodes import Node, customer_node, product_node, variant_node
from connectors.sandbox.shopify_order_node import order_node
from connectors.sandbox.shopify_projection import Field, Info, NotPlainError, plan, project
from connectors.sandbox.shopify_queries import QUERY_FIELDS
from connectors.sandbox.shopify_resources import Caller

SCHEMA_FILE = Path(__file__).with_name("shopify_schema.graphql")
FIELDS = {
    **QUERY_FIELDS,
    **MUTATION_FIELDS,
    **BULK_MUTATIONS,
    **CODE_QUERIES,
    **CODE_MUTATIONS,
    **MARKETING_MUTATIONS,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document: what it costs, and what it selects if it is of the plain kind."""

    node: OperationDefinitionNode
    costs: CostModel
    fields: tuple[Field, ...] | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to run, or the errors that forbid it."""

    document: DocumentNode | None
    operations: Mapping[str, Operation]
    errors: tuple[GraphQLError, ...]


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """The sandbox's part of the Admin API."""
    built = build_schema(SCHEMA_FILE.read_text(encoding="utf-8"))
    for (type_name, field), resolve in _RESOLVERS.items():
        cast(GraphQLObjectType, built.type_map[type_name]).fields[field].resolve = resolve
    return built


@lru_cache(maxsize=512)
def prepare(text: str) -> Prepared:
    """Parse and validate a document; the same text costs this once."""
    try:
        document = parse(text, max_tokens=5000)
    except GraphQLError as error:
        return Prepared(None, {}, (error,))
    errors = validate(schema(), document)
    if errors:
        return Prepared(None, {}, tuple(errors))
    operations = {
        definition.name.value if definition.name else "": _operation(document, definition)
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    }
    return Prepared(document, operations, ())


def planned(document: DocumentNode, operation: OperationDefinitionNode | None = None) -> tuple[Field, ...]:
    """What a query of a document selects, the first one where none is named.

    Raises:
        NotPlainError: it is not of the plain kind.
    """
    operations = (one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return plan(schema(), fragments_of(document), operation or next(operations))


def choose(prepared: Prepared, operation_name: str | None) -> Operation | None:
    """The operation that is asked for: by name, or the only one."""
    if operation_name:
        return prepared.operations.get(operation_name)
    return next(iter(prepared.operations.values())) if len(prepared.operations) == 1 else None


def run(
    prepared: Prepared, operation: Operation, caller: Caller, variables: Mapping[str, Any]
) -> ExecutionResult:
    """Run an operation of a document that has no errors."""
    told = get_variable_values(schema(), operation.node.variable_definitions or (), dict(variables))
    if operation.fields is None or not isinstance(told, dict):
        return _executed(prepared, operation, caller, variables)
    try:
        return ExecutionResult(project(operation.fields, FIELDS, Info(caller), told), None)
    except (GraphQLError, NotPlainError):
        # How an error is told, and what comes back beside it, the general executor knows.
        return _executed(prepared, operation, caller, variables)


def _operation(document: DocumentNode, definition: OperationDefinitionNode) -> Operation:
    costs = cost_model(schema(), document, definition)
    if definition.operation is not OperationType.QUERY:
        return Operation(definition, costs, None)
    try:
        return Operation(definition, costs, planned(document, definition))
    except NotPlainError:
        return Operation(definition, costs, None)


def _executed(
    prepared: Prepared, operation: Operation, caller: Caller, variables: Mapping[str, Any]
) -> ExecutionResult:
    result = execute(
        schema(),
        cast(DocumentNode, prepared.document),
        root_value=FIELDS,
        context_value=caller,
        variable_values=dict(variables),
        operation_name=operation.node.name.value if operation.node.name else None,
        is_awaitable=_never,
    )
    return cast(ExecutionResult, result)


def _never(_value: object) -> bool:
    return False


def _order_customer(source: Node, info: GraphQLResolveInfo) -> Node | None:
    world = info.context.world
    shopper = world.shopper(source["household"])
    return None if shopper is None else customer_node(world, shopper)


def _last_order(source: Node, info: GraphQLResolveInfo) -> Node | None:
    orders = source["orders_of_customer"]()
    return order_node(info.context.world, orders[-1]) if orders else None


def _line_product(source: Node, info: GraphQLResolveInfo) -> Node | None:
    product = info.context.world.product(source["product_id"])
    return None if product is None else product_node(product)


def _line_variant(source: Node, info: GraphQLResolveInfo) -> Node | None:
    product = info.context.world.product(source["product_id"])
    return None if product is None else variant_node(product)


_RESOLVERS = {
    ("Order", "customer"): _order_customer,
    ("Customer", "lastOrder"): _last_order,
    ("AbandonedCheckout", "customer"): _order_customer,
    ("AbandonedCheckoutLineItem", "product"): _line_product,
    ("AbandonedCheckoutLineItem", "variant"): _line_variant,
    ("LineItem", "product"): _line_product,
    ("LineItem", "variant"): _line_variant,
}

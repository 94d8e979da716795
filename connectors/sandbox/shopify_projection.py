"""Runs a validated query over plain dicts, ten times as fast as the general executor.

For what nearly every query is: no directive, no field selected twice, nothing about the schema itself. What
is anything else, or comes to an error, is the general executor's to answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_non_null_type,
)
from graphql.execution.values import get_argument_values

from connectors.sandbox.shopify_fragments import Fragment, Fragments, fragment_at

Source = dict[str, Any]
Variables = Mapping[str, Any]


class NotPlainError(Exception):
    """The general executor must answer."""


@dataclass(frozen=True, slots=True)
class Info:
    """What a resolver may ask of its field."""

    context: Any
    field_name: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One selected field: its key in the answer, where its value comes from, and what is selected of it.

    Attributes:
        arguments: those that no variable changes; None where one may.
        only: the type of objects that it is selected of, among others; None for all.
        is_required: null would be an error.
    """

    key: str
    name: str
    node: FieldNode
    definition: GraphQLField
    arguments: Mapping[str, Any] | None
    only: str | None
    is_required: bool
    fields: tuple["Field", ...]


def plan(
    schema: GraphQLSchema,
    fragments: Fragments,
    operation: OperationDefinitionNode,
) -> tuple[Field, ...]:
    """What an operation selects.

    Raises:
        NotPlainError: it is not of the plain kind.
    """
    return _Planning(schema, fragments).fields(operation.selection_set, schema.query_type)


def project(fields: tuple[Field, ...], source: Source, info: Info, variables: Variables) -> Source:
    """The selected part of a source, whose callables are asked for their values.

    Raises:
        GraphQLError: as they do.
        NotPlainError: null is where it must not be.
    """
    found = {}
    for field in fields:
        if field.only is not None and source.get("__typename") != field.only:
            continue
        value = _value(field, source, info, variables)
        if value is None and field.is_required:
            raise NotPlainError(field.name)
        found[field.key] = _selected(field, value, info, variables) if field.fields else value
    return found


def _value(field: Field, source: Source, info: Info, variables: Variables) -> Any:
    resolve = field.definition.resolve
    value = None if resolve else source.get(field.name)
    if resolve is None and not callable(value):
        return value
    arguments = field.arguments
    if arguments is None:
        arguments = get_argument_values(field.definition, field.node, dict(variables))
    if resolve is not None:
        return resolve(source, cast(Any, info), **arguments)
    return cast(Any, value)(Info(info.context, field.name), **arguments)


def _selected(field: Field, value: Any, info: Info, variables: Variables) -> Any:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [_selected(field, one, info, variables) for one in value]
    return project(field.fields, value, info, variables)


@dataclass(frozen=True, slots=True)
class _Planning:
    schema: GraphQLSchema
    fragments: Fragments

    def fields(
        self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> tuple[Field, ...]:
        found = tuple(self._fields(selection_set, parent, None))
        if len({field.key for field in found}) < len(found):
            raise NotPlainError("a field that is selected twice")
        return found

    def _fields(
        self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None, only: str | None
    ) -> Iterator[Field]:
        for selection in selection_set.selections if selection_set else ():
            if selection.directives:
                raise NotPlainError("a directive")
            if isinstance(selection, FieldNode):
                yield self._field(selection, parent, only)
                continue
            fragment = fragment_at(selection, self.fragments)
            yield from self._fields(fragment.selection_set, *self._narrowed(fragment, parent, only))

    def _narrowed(
        self,
        fragment: Fragment,
        parent: GraphQLNamedType | None,
        only: str | None,
    ) -> tuple[GraphQLNamedType | None, str | None]:
        """Of which objects a fragment speaks: of all that there may be, or of one kind among them."""
        condition = fragment.type_condition
        if not isinstance(condition, NamedTypeNode):
            return parent, only
        named = self.schema.get_type(condition.name.value)
        if not is_abstract_type(parent):
            return parent, only
        return named, named.name if isinstance(named, GraphQLObjectType) else only

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, only: str | None) -> Field:
        definition = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None:
            raise NotPlainError("a field of the schema itself")
        is_fixed = not any(isinstance(argument.value, VariableNode) for argument in node.arguments)
        return Field(
            key=(node.alias or node.name).value,
            name=node.name.value,
            node=node,
            definition=definition,
            arguments=get_argument_values(definition, node) if is_fixed else None,
            only=only,
            is_required=is_non_null_type(definition.type),
            fields=self.fields(node.selection_set, get_named_type(definition.type)),
        )

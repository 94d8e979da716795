"""The fragments of a GraphQL document: named ones, and those that are written in place."""

from collections.abc import Mapping
from typing import cast

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
)

Fragment = FragmentDefinitionNode | InlineFragmentNode
Fragments = Mapping[str, FragmentDefinitionNode]
"""The named ones, by their names."""


def fragments_of(document: DocumentNode) -> Fragments:
    """The named fragments of a document."""
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def fragment_at(selection: SelectionNode, fragments: Fragments) -> Fragment:
    """The fragment that a selection is, which is not a field."""
    if isinstance(selection, InlineFragmentNode):
        return selection
    return fragments[cast(FragmentSpreadNode, selection).name.value]

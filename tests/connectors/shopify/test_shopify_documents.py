"""The GraphQL documents are whole: one operation each, every fragment defined, used and listed once."""

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, visit
from graphql.language import FragmentSpreadNode, Visitor

from connectors.storefronts.shopify import documents

DOCUMENTS = {
    name: text for name, text in vars(documents).items() if name.isupper() and not name.startswith("_")
}


class _Spreads(Visitor):
    """Collects the names of the fragments that a document uses."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_args: object) -> None:
        self.names.append(node.name.value)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_is_whole(name: str) -> None:
    parsed = parse(DOCUMENTS[name])
    spreads = _Spreads()

    visit(parsed, spreads)

    defined = [one.name.value for one in parsed.definitions if isinstance(one, FragmentDefinitionNode)]
    operations = [one for one in parsed.definitions if isinstance(one, OperationDefinitionNode)]
    assert len(operations) == 1
    assert sorted(defined) == sorted(set(spreads.names))


def test_every_file_belongs_to_a_document() -> None:
    folder = documents._FOLDER
    text = "\n".join(DOCUMENTS.values())

    assert [path.name for path in sorted(folder.iterdir()) if path.read_text() not in text] == []

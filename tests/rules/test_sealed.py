"""Whatever is sealed goes into a column that is marked so, and `key rotate` finds it by the mark."""

import ast
from collections.abc import Iterator

from app.stores import rotation
from tests.rules.sources import Source, sources

SEALERS = {"app/crypto.py", "app/stores/credentials.py"}
"""Who makes the sealed text that others write."""
OF_A_FILE = {"app/backups/sealing.py:key"}
"""Sealed values that go into no table."""


def test_what_is_sealed_is_written_to_marked_columns_only() -> None:
    marked = {column.name for column in rotation.sealed_columns()}
    written = {
        place
        for source in sources("app", "jobs", "webhooks")
        if source.name not in SEALERS
        for place in _written(source)
    }

    assert {place for place in written if place.rpartition(":")[2] not in marked} == OF_A_FILE
    assert {place.rpartition(":")[2] for place in written - OF_A_FILE} == marked


def test_every_marked_column_may_be_rotated() -> None:
    """Rows are gone through by their id."""
    assert all("id" in column.table.c for column in rotation.sealed_columns())


def test_the_check_sees_where_a_sealed_text_goes() -> None:
    text = """
def a(store, vault):
    store.token = vault.seal({})
def b(vault):
    return update(X).values(keys=vault.seal({}))
def c(vault):
    return {"other": vault.seal({})}
def d(vault):
    return vault.seal({})
"""

    assert sorted(_written(Source("app/x.py", text, ast.parse(text)))) == [
        "app/x.py:?",
        "app/x.py:keys",
        "app/x.py:other",
        "app/x.py:token",
    ]


def _written(source: Source) -> Iterator[str]:
    """The names that a sealed text gets: an attribute, a keyword, a key of a dictionary; "?" for none."""
    named: dict[ast.AST, str] = {}
    for node in source.nodes:
        if isinstance(node, ast.Assign):
            named[node.value] = ast.unparse(node.targets[0]).rpartition(".")[2]
        elif isinstance(node, ast.keyword) and node.arg:
            named[node.value] = node.arg
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            named |= {value: str(key.value) for key, value in pairs if isinstance(key, ast.Constant)}
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".seal"):
            yield f"{source.name}:{named.get(node, '?')}"

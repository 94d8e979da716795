"""The product's own source, read once: what the house's laws look at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("app", "connectors", "jobs", "webhooks")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file. `name` is its path from the root."""

    name: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Everything in it."""
        return tuple(ast.walk(self.tree))

    def calls(self) -> Iterator[tuple[str, int]]:
        """Every call as (what is called, line): `session.commit` for `session.commit()`."""
        return iter(self._calls)

    def functions(self) -> Iterator[Function]:
        """Every function and method."""
        return (node for node in self.nodes if isinstance(node, Function))

    @cached_property
    def _calls(self) -> tuple[tuple[str, int], ...]:
        found = (node for node in self.nodes if isinstance(node, ast.Call))
        return tuple((ast.unparse(node.func), node.lineno) for node in found)


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files under these folders of the tree; under the product's if none is given."""
    paths = (path for folder in folders or PRODUCT for path in sorted((ROOT / folder).rglob("*.py")))
    return tuple(_read(path) for path in paths)


@cache
def _read(path: Path) -> Source:
    text = path.read_text()
    return Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text))

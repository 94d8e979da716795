"""Demos to be harmed, and undisturbed ones to compare with, made once for each size."""

from collections.abc import Callable, Iterator

import pytest

from tests.engines import SQLITE, Engine
from tests.faults.faults_demo import SMALL, Demo

Size = tuple[str, ...]
MakeDemo = Callable[[str, Size], Demo]


@pytest.fixture(scope="session")
def _make_demo(tmp_path_factory: pytest.TempPathFactory, _postgresql: Engine) -> Iterator[MakeDemo]:
    made: list[tuple[Demo, Callable[[], None]]] = []

    def _make(engine: str, size: Size) -> Demo:
        folder = tmp_path_factory.mktemp("demo")
        if engine == SQLITE:
            demo, drop = Demo(folder, size=size), lambda: None
        else:
            url = _postgresql.create()
            demo, drop = Demo(folder, url, size=size), lambda: _postgresql.drop(url)
        made.append((demo, drop))
        return demo

    yield _make
    for demo, drop in made:
        demo.end_sandbox()
        drop()


@pytest.fixture(scope="session")
def _undisturbed(_make_demo: MakeDemo) -> Callable[[Size], Demo]:
    ended: dict[Size, Demo] = {}

    def _of(size: Size) -> Demo:
        if size not in ended:
            ended[size] = _make_demo(SQLITE, size)
            ended[size].run_to_its_end()
        return ended[size]

    return _of


@pytest.fixture
def size() -> Size:
    """How large a demo; parametrise `size` in a test to have another."""
    return SMALL


@pytest.fixture
def undisturbed(size: Size, _undisturbed: Callable[[Size], Demo]) -> Demo:
    """The same demo without any harm, on SQLite: the figures must be the same on both databases."""
    return _undisturbed(size)


@pytest.fixture
def demo(engine: str, size: Size, _make_demo: MakeDemo) -> Demo:
    """A demo that has not begun."""
    return _make_demo(engine, size)

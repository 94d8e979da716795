"""Which tests have their lines counted: of each test one case, and none of those that run no product.

The counted share is what the chosen cases reach by themselves; all the others run as well and may reach more.
"""

from collections.abc import Iterable
from typing import Any

import pytest

from tests import engines

# They read the sources, or hold the oracle against worlds of its own.
_ELSEWHERE = frozenset({"rules", "oracle_checks"})


def choose(items: Iterable[pytest.Item]) -> None:
    """Mark every case of a test but its first one as unmeasured; of the two databases the first is measured.

    Which case that is does not hang on the order in which the tests run.
    """
    first: dict[str, tuple[int, ...]] = {}
    for item in items:
        name, turn = _name(item), _turn(item)
        first[name] = min(turn, first.get(name, turn))
    for item in items:
        is_later = _turn(item) != first[_name(item)]
        if is_later or _is_on_postgresql(item) or item.path.parent.name in _ELSEWHERE:
            item.add_marker(pytest.mark.unmeasured)


def pause(config: pytest.Config) -> None:
    """Count no more lines; nothing where none are."""
    measuring = _measuring(config)
    if measuring is not None and measuring.started:
        measuring.pause()


def resume(config: pytest.Config) -> None:
    """Count again."""
    measuring = _measuring(config)
    if measuring is not None and not measuring.started:
        measuring.resume()


def _measuring(config: pytest.Config) -> Any:
    """pytest-cov's own, None without it."""
    return getattr(config.pluginmanager.get_plugin("_cov"), "cov_controller", None)


def _name(item: pytest.Item) -> str:
    """The test that this is a case of."""
    return item.nodeid.partition("[")[0]


def _turn(item: pytest.Item) -> tuple[int, ...]:
    """The place of a case among those of its test."""
    callspec = getattr(item, "callspec", None)
    return () if callspec is None else tuple(callspec.indices[name] for name in sorted(callspec.indices))


def _is_on_postgresql(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("engine") == engines.POSTGRESQL

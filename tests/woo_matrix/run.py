"""Every cell of the matrix: a kind of store is connected, and each fact brought about in it."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from connectors.base import ConnectorError, InvalidSignature, UnreadablePayload
from tests.woo_matrix.facts import FACTS
from tests.woo_matrix.shop import TOPICS, Shop, opened
from tests.woo_matrix.stores import Kind
from tests.woo_matrix.wire import Line

WORKS, FAILED, NONE = "✓", "FAILED", "–"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one kind of store.

    Attributes:
        signs: how calls are signed, "" where it cannot be connected.
        problem: the words that the merchant reads where it cannot.
        facts: one of WORKS and FAILED per fact, or NONE where it cannot be connected.
        errors: what was not as expected.
    """

    signs: str
    problem: str
    facts: tuple[str, ...]
    errors: tuple[str, ...]


def examine(kind: Kind, line: Line, *, with_facts: bool = True) -> Outcome:
    """Connect one kind of store and look at the facts, if they are wanted."""
    wanted = kind.problem()
    try:
        with opened(kind, line) as shop:
            if with_facts:
                shop.subscribe(*TOPICS)
            found = [_try(fact, shop) for fact in (FACTS if with_facts else ())]
            signs = shop.found.auth_mode.value
    except ConnectorError as error:
        said = str(error)
        is_expected = bool(wanted) and said.startswith(wanted)
        wrong = () if is_expected else (f"said: {said}; expected: {wanted or 'to be connected'}",)
        return Outcome(
            "",
            said.replace(line.other, "www.shop.example").replace(line.here, "shop.example"),
            (NONE,) * len(FACTS),
            wrong,
        )
    errors = [error for error in found if error]
    if wanted:
        errors.append(f"was connected; expected: {wanted}")
    return Outcome(signs, "", tuple(FAILED if error else WORKS for error in found), tuple(errors))


def _try(fact: Callable[[Shop], None], shop: Shop) -> str:
    try:
        fact(shop)
    except (AssertionError, ConnectorError, InvalidSignature, UnreadablePayload, LookupError, ValueError):
        return f"{fact.__doc__}\n{traceback.format_exc(limit=-2)}"
    return ""

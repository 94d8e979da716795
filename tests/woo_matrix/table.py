"""The matrix as a page: rows of the same outcome stand together, though each was examined by itself."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from tests.woo_matrix.facts import FACTS
from tests.woo_matrix.run import FAILED, WORKS, Outcome
from tests.woo_matrix.stores import DIMENSIONS, HEADINGS, Kind

Row = tuple[tuple[str, ...], Outcome]
ANY = "any"
# Joined from the last dimension to the first: the order storage differs least.
_INTRODUCTION = """# WooCommerce: every kind of store

Written by `make matrix` on {at:%d %B %Y}; not to be changed by hand. Every store address × permalinks × TLS
and proxy × role of the key's owner × order storage and version was emulated, over real sockets and real TLS:
{kinds} kinds of store, {good} of which can be connected, {cells} cells, {failed} of them not as expected.
The emulator is written from what was measured on WooCommerce 10.0 and 10.5; what it shows of 8.2 and 11.2, of
folders and of WordPress in a folder of its own is read from the sources, not measured.

A row whose values are joined by `/`, or `any`, stands for that many kinds of store with the same outcome.
Where a store cannot be connected, the words are those that its merchant reads.

## The fifteen facts

{facts}

## The matrix

"""


def page(outcomes: Mapping[Kind, Outcome], at: datetime) -> str:
    """The whole page in Markdown."""
    good = sum(not outcome.problem for outcome in outcomes.values())
    failed = sum(len(outcome.errors) for outcome in outcomes.values())
    head = _INTRODUCTION.format(
        at=at,
        kinds=len(outcomes),
        good=good,
        cells=len(outcomes) + good * len(FACTS),
        failed=failed,
        facts="\n".join(f"{number}. {_sentence(fact.__doc__)}" for number, fact in enumerate(FACTS, 1)),
    )
    return head + "\n".join(_lines(outcomes)) + "\n"


def problems(outcomes: Mapping[Kind, Outcome]) -> Iterator[str]:
    """Every cell that is not as expected, in words."""
    for kind, outcome in outcomes.items():
        for error in outcome.errors:
            yield f"{' · '.join(kind.names)}: {error}"


def joined(outcomes: Mapping[Kind, Outcome]) -> list[Row]:
    """Rows that differ in one value only and came to the same are one row."""
    rows: list[Row] = [(kind.names, outcome) for kind, outcome in outcomes.items()]
    for place in reversed(range(len(HEADINGS))):
        rows = _joined_at(place, rows)
    return rows


def _joined_at(place: int, rows: Sequence[Row]) -> list[Row]:
    together: dict[tuple[object, ...], tuple[list[str], Row]] = {}
    for names, outcome in rows:
        others = (*names[:place], *names[place + 1 :], outcome)
        together.setdefault(others, ([], (names, outcome)))[0].append(names[place])
    return [
        ((*names[:place], _values(place, values), *names[place + 1 :]), outcome)
        for values, (names, outcome) in together.values()
    ]


def _values(place: int, values: Sequence[str]) -> str:
    return ANY if len(values) == len(DIMENSIONS[place]) > 1 else " / ".join(values)


def _lines(outcomes: Mapping[Kind, Outcome]) -> Iterator[str]:
    numbers = [str(number) for number in range(1, len(FACTS) + 1)]
    yield f"| {' | '.join((*HEADINGS, 'connected', *numbers))} |"
    yield "|---" * (len(HEADINGS) + 1 + len(FACTS)) + "|"
    for names, outcome in joined(outcomes):
        shown = f"{WORKS} {outcome.signs}" if outcome.signs else outcome.problem
        if outcome.errors:
            shown = f"{FAILED}: {shown}"
        yield f"| {' | '.join((*names, shown, *outcome.facts))} |"


def _sentence(documented: str | None) -> str:
    words = (documented or "").partition(": ")[2].strip()
    return words[:1].upper() + words[1:]

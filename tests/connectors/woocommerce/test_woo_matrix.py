"""A part of the matrix of stores that `make matrix` examines as a whole: each value, each pair of values."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.woo_matrix.run import FAILED, WORKS, Outcome, examine
from tests.woo_matrix.stores import DIMENSIONS, Kind, each_pair, each_value, every_kind
from tests.woo_matrix.table import joined, page, problems
from tests.woo_matrix.wire import Line, running_line


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    with running_line(tmp_path_factory.mktemp("matrix")) as opened:
        yield opened


@pytest.mark.parametrize("kind", each_value(), ids=lambda kind: "-".join(kind.names))
def test_a_kind_of_store_shows_the_fifteen_facts_or_why_it_cannot_be_connected(
    line: Line, kind: Kind
) -> None:
    assert examine(kind, line).errors == ()


def test_every_two_traits_that_can_be_connected_are(line: Line) -> None:
    wrong = {kind: examine(kind, line, with_facts=False).errors for kind in each_pair()}

    assert {kind: errors for kind, errors in wrong.items() if errors} == {}


def test_a_fact_that_is_not_met_is_a_failed_cell_on_the_page() -> None:
    kinds = each_value()
    failed = Outcome("oauth", "", (*[WORKS] * 14, FAILED), ("15: hidden keys were shown",))
    outcomes = {kinds[0]: failed, kinds[1]: Outcome("oauth", "", (WORKS,) * 15, ())}

    written = page(outcomes, datetime(2026, 11, 26, tzinfo=UTC))

    assert "1 of them not as expected" in written
    assert f"{FAILED}: {WORKS} oauth" in written
    assert [line.rpartition(": ")[2] for line in problems(outcomes)] == ["hidden keys were shown"]


def test_rows_of_one_outcome_stand_together() -> None:
    same = Outcome("oauth", "", (), ())

    [(names, _)] = joined(dict.fromkeys(every_kind(), same))

    assert names == ("any",) * len(DIMENSIONS)

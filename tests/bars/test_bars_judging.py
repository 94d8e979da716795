"""A bar is met by its figures alone: a run that did nothing, or told nothing, misses it."""

from pathlib import Path

import pytest

from tests.bars import page, running
from tests.bars.bar import Bar, least, none
from tests.bars.bars import BARS
from tests.bars.judging import BOTH, CASES, SQLITE, Bound, Case, judge
from tests.bars.page import Result

TESTS = Path(__file__).parents[1]
BOUNDS = (least("events", 1000, quick=10), *none("lost"), Bound("p99, ms", most=1000, only=SQLITE))
REPORT = """<testsuites><testsuite>
<testcase name="test_a[sqlite-x]"><properties><property name="events" value="1000"/>
<property name="lost" value="0"/></properties></testcase>
<testcase name="test_b"><properties><property name="database" value="postgresql"/></properties>
<failure message="assert 1 == 2">…</failure></testcase>
<testcase name="test_c"><skipped message="no such tool"/></testcase>
</testsuite></testsuites>"""


def _case(database: str, **changed: float) -> Case:
    figures = {"events": 1000.0, "lost": 0.0, "p99, ms": 20.0} | changed
    return Case(f"test[{database}]", database, "", list(figures.items()))


def _flaws(*cases: Case, is_quick: bool = False) -> list[str]:
    return judge(BOUNDS, BOTH, cases, is_quick=is_quick).flaws


def test_a_bar_is_met_by_figures_within_their_bounds_on_both_databases() -> None:
    assert _flaws(*map(_case, BOTH)) == []


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({"lost": 3.0}, "lost is 3 on postgresql, missed by 3"),
        ({"events": 999.0}, "events is 999 on postgresql, missed by 1"),
        ({"p99, ms": 2000.0}, None),
    ],
    ids=["too much", "too little", "asked of the other database"],
)
def test_a_figure_on_the_wrong_side_misses_it_by_so_much(changed: dict[str, float], flaw: str | None) -> None:
    assert _flaws(_case("sqlite"), _case("postgresql", **changed)) == ([flaw] if flaw else [])


def test_a_figure_that_nobody_told_misses_it() -> None:
    told_once = Case("test[postgresql]", "postgresql", "", [("lost", 0.0)])

    assert _flaws(_case("sqlite"), told_once) == ["events was not told on postgresql"]


def test_a_run_without_a_case_misses_everything() -> None:
    assert len(_flaws()) == 6


def test_a_rehearsal_asks_for_less_and_for_nothing_else() -> None:
    few, lost = _case("sqlite", events=10), _case("postgresql", lost=1)

    assert _flaws(few, lost, is_quick=True) == ["lost is 1 on postgresql, missed by 1"]


def test_a_report_tells_databases_figures_and_what_failed_or_was_skipped() -> None:
    assert list(running.read(REPORT)) == [
        Case("test_a[sqlite-x]", "sqlite", "", [("events", 1000.0), ("lost", 0.0)]),
        Case("test_b", "postgresql", "failure: assert 1 == 2", []),
        Case("test_c", "", "skipped: no such tool", []),
    ]


def test_the_page_shows_what_was_asked_what_was_found_and_what_is_wrong(tmp_path: Path) -> None:
    bar = BARS[0]
    verdict = judge(BOUNDS, BOTH, [_case("sqlite", lost=2), _case("postgresql")], is_quick=False)

    page.remember(tmp_path, Result.of(bar, verdict, moment="today", seconds=61.4))

    text = page.whole(tmp_path)
    assert f"**0 of {len(BARS)} met**, 1 missed, {len(BARS) - 1} not run." in text
    assert "| lost | 0 | 2 | 0 |" in text
    assert "- lost is 2 on sqlite, missed by 2" in text


def test_every_bar_asks_for_a_least_and_names_tests_that_exist() -> None:
    assert [bar.name for bar in BARS if not any(bound.least for bound in bar.bounds)] == []
    assert [(bar.name, test) for bar in BARS for test in bar.tests if not _exists(test)] == []


def test_names_of_bars_and_figures_are_unique() -> None:
    names = [bar.name for bar in BARS]

    assert len(set(names)) == len(names) == 21
    assert [bar.name for bar in BARS if len(_figures(bar)) != len(set(_figures(bar)))] == []


def _figures(bar: Bar) -> list[str]:
    return [bound.figure for bound in bar.bounds if bound.figure != CASES]


def _exists(test: str) -> bool:
    file, _, name = test.partition("::")
    path = TESTS / file
    if not path.exists():
        return False
    return not name or f"def {name}(" in path.read_text()

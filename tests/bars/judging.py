"""Whether a bar is met: by the figures that its tests noted, never by their passing alone.

A figure that nobody noted, or a run that did less than the bar asks for, misses it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

SQLITE, POSTGRESQL, NEITHER = "sqlite", "postgresql", ""
BOTH = (SQLITE, POSTGRESQL)
CASES = "cases"
"""The figure that every bar has: how many cases of its tests passed."""


@dataclass(frozen=True)
class Bound:
    """What a figure must be, each time that it was noted, on each database.

    Attributes:
        quick: the least for a rehearsal, which does less.
        only: the one database that it is asked of.
    """

    figure: str
    least: float | None = None
    most: float | None = None
    quick: float | None = None
    only: str | None = None

    def missed_by(self, value: float, *, is_quick: bool) -> float:
        """How far a value is on the wrong side; 0 if it is on the right one."""
        least = self.quick if is_quick and self.quick is not None else self.least
        too_little = 0.0 if least is None else max(0.0, least - value)
        too_much = 0.0 if self.most is None else max(0.0, value - self.most)
        return too_little + too_much

    def words(self, *, is_quick: bool) -> str:
        """As a reader wants it: `≥ 10,000` or `≤ 5`, `0` where nothing else will do."""
        least = self.quick if is_quick and self.quick is not None else self.least
        parts = [] if least is None else [f"≥ {number(least)}"]
        if self.most is not None:
            parts.append("0" if self.most == 0 else f"≤ {number(self.most)}")
        return " and ".join(parts)


@dataclass(frozen=True)
class Case:
    """One test that ran: on which database, how it ended ("" if well), and the figures that it noted."""

    name: str
    database: str
    flaw: str
    figures: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True)
class Line:
    """One figure of a bar: what was asked, what was found on each database, and what is wrong with it."""

    figure: str
    asked: str
    found: dict[str, list[float]]
    flaws: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """What became of a bar; it is met if nothing is wrong."""

    lines: list[Line]
    flaws: list[str]

    @property
    def is_met(self) -> bool:
        """Whether every figure is what it must be, and no test failed."""
        return not self.flaws


def judge(
    bounds: Sequence[Bound], databases: Sequence[str], cases: Sequence[Case], *, is_quick: bool
) -> Verdict:
    """Hold the figures of all cases against what was asked."""
    lines = [_cases_line(bounds, cases, is_quick=is_quick)]
    lines += [_line(bound, databases, cases, is_quick=is_quick) for bound in bounds if bound.figure != CASES]
    bounded = {line.figure for line in lines}
    told = dict.fromkeys(name for case in cases for name, _ in case.figures if name not in bounded)
    lines += [Line(name, "", _found(name, cases)) for name in told]
    flaws = [f"{case.name}: {case.flaw}" for case in cases if case.flaw]
    return Verdict(lines, flaws + [flaw for line in lines for flaw in line.flaws])


def number(value: float) -> str:
    """A figure as text, without a fraction where there is none."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _cases_line(bounds: Sequence[Bound], cases: Sequence[Case], *, is_quick: bool) -> Line:
    """How many passed, over all databases."""
    passed = float(sum(not case.flaw for case in cases))
    bound = next((one for one in bounds if one.figure == CASES), Bound(CASES, least=1))
    missed = bound.missed_by(passed, is_quick=is_quick)
    flaws = [f"{number(missed)} cases too few passed"] if missed else []
    return Line(CASES, bound.words(is_quick=is_quick), {NEITHER: [passed]}, flaws)


def _line(bound: Bound, databases: Sequence[str], cases: Sequence[Case], *, is_quick: bool) -> Line:
    found = _found(bound.figure, cases)
    wanted = [bound.only] if bound.only else databases
    flaws = [flaw for name in wanted for flaw in _flaws(bound, name, found, is_quick=is_quick)]
    return Line(bound.figure, bound.words(is_quick=is_quick), found, flaws)


def _flaws(bound: Bound, database: str, found: dict[str, list[float]], *, is_quick: bool) -> Iterator[str]:
    values = found.get(database) or found.get(NEITHER)
    place = f" on {database}" if database else ""
    if not values:
        yield f"{bound.figure} was not told{place}"
        return
    for value in values:
        missed = bound.missed_by(value, is_quick=is_quick)
        if missed:
            yield f"{bound.figure} is {number(value)}{place}, missed by {number(missed)}"


def _found(figure: str, cases: Sequence[Case]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for case in cases:
        for name, value in case.figures:
            if name == figure:
                found.setdefault(case.database, []).append(value)
    return found

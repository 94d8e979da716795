"""What a bar is made of."""

from dataclasses import dataclass

from tests.bars.judging import BOTH, Bound


@dataclass(frozen=True)
class Bar:
    """One promise.

    Attributes:
        tests: node ids below tests/.
        databases: on which every figure is asked for.
        minutes: on two idle cores.
        lanes: how many tests run beside each other; one where time is measured.
        note: what a reader of the figures must know.
    """

    name: str
    promise: str
    tests: tuple[str, ...]
    bounds: tuple[Bound, ...]
    minutes: float
    databases: tuple[str, ...] = BOTH
    lanes: int = 1
    note: str = ""


def none(*figures: str) -> tuple[Bound, ...]:
    """Bounds of what must never be."""
    return tuple(Bound(figure, most=0) for figure in figures)


def least(figure: str, asked: float, quick: float) -> Bound:
    """The bound of what a run must have done, so that one that did nothing is no success."""
    return Bound(figure, least=asked, quick=quick)


def tests_in(file: str, *names: str) -> tuple[str, ...]:
    """Node ids of some tests of one file below tests/."""
    return tuple(f"{file}::{name}" for name in names)

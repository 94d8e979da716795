"""What operators are told to watch is there: every figure of docs/watching.md is one that /metrics gives."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FIGURE = re.compile(r"\britorno_[a-z_]+")


def test_every_figure_that_the_alerts_name_is_given() -> None:
    given = {name for source in (ROOT / "app" / "web").glob("metrics*.py") for name in _named_in(source)}
    named = _named_in(ROOT / "docs" / "watching.md")

    assert sorted(named - given) == []
    assert len(named) >= 10


def _named_in(path: Path) -> set[str]:
    return set(_FIGURE.findall(path.read_text()))

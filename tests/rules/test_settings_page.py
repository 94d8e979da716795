"""docs/settings.md says of every setting what it is called, what it is by default, and what it means."""

from app.config import Settings
from tests.rules.sources import ROOT

PAGE = ROOT / "docs" / "settings.md"


def test_the_page_has_a_line_for_every_setting_with_its_default() -> None:
    page = PAGE.read_text().splitlines()

    missing = [row for row in _rows() if not any(line.startswith(row) for line in page)]

    assert missing == []


def test_the_page_names_no_setting_that_is_gone() -> None:
    named = {line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")}

    assert named - {name.upper() for name in Settings.model_fields} == set()


def _rows() -> list[str]:
    return [
        f"| `{name.upper()}` | {_shown(field.default)} | {field.description}"
        for name, field in Settings.model_fields.items()
    ]


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "`1`" if default else "off"
    return f"`{default}`" if default != "" else "–"

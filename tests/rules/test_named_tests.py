"""The pages of docs/ name tests: each of them exists, in the file that the page says."""

import re
from collections.abc import Iterator, Mapping

from tests.rules.sources import ROOT

_NAMED = re.compile(r"`(?:tests/)?(?P<file>[\w/]+\.py|…)?(?:::(?P<test>test_\w+))?`")


def test_every_test_that_a_page_names_exists() -> None:
    files = {str(path): path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    pages = sorted((ROOT / "docs").glob("*.md"))

    gone = [f"{page.name}: {name}" for page in pages for name in _gone(page.read_text(), files)]

    assert gone == []


def _gone(page: str, files: Mapping[str, str]) -> Iterator[str]:
    """The names that lead nowhere; `…` is the file that was named last."""
    text = ""
    for named in _NAMED.finditer(page):
        file, test = named["file"], named["test"]
        if file and file != "…":
            found = [known for path, known in files.items() if path.endswith(f"/{file}")]
            text = "".join(found)
            if "test_" in file and not found:
                yield file
        if test and f"def {test}(" not in text:
            yield f"{file}::{test}"

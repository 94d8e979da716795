"""Of each test one case has its lines counted, whatever the order; the others run uncounted."""

import pytest

from tests import measuring

pytest_plugins = ["pytester"]
_CASES = """
import pytest

@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("word", ["a", "b"])
def test_cases(word, engine):
    pass

def test_single():
    pass
"""


@pytest.mark.parametrize("backwards", [False, True])
def test_the_first_case_of_a_test_is_counted_and_no_other(backwards: bool, pytester: pytest.Pytester) -> None:
    items = pytester.getitems(_CASES)

    measuring.choose(items[::-1] if backwards else items)

    counted = [item.name for item in items if item.get_closest_marker("unmeasured") is None]
    assert counted == ["test_cases[a-sqlite]", "test_single"]

"""What is slow says how far it is: on a terminal in place, in a log a line now and then."""

import pytest

from app.cli import progress


@pytest.mark.parametrize(
    ("is_terminal", "said"),
    [
        (True, "\r\033[K  checked: 1,200 rows\r\033[K  put back: 7 of 1,200 rows\n"),
        (False, "  checked: 1,200 rows\n  put back: 7 of 1,200 rows\n"),
    ],
    ids=["terminal", "log"],
)
def test_it_says_what_step_it_is_at_and_how_far(
    is_terminal: bool, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    passing = iter([0.0, 0.4, 10.5, 10.6, 30.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(passing))

    with progress.telling() as tell:
        tell("checked", 500)
        tell("checked", 1200)
        tell("checked", 1300)
        tell("put back", 7, 1200)

    assert capsys.readouterr().err == said


def test_of_what_is_soon_over_it_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.telling() as tell:
        tell("written", 12)

    assert capsys.readouterr().err == ""

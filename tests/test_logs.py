"""Logs: one line each, to standard error, in the form that the operator chose."""

import json
import logging

import pytest
import structlog

from app import logs


def test_a_line_of_json_holds_its_fields_whoever_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    _configure("INFO", "json")

    structlog.get_logger("jobs.tick").error("stage failed", stage="inbox")
    logging.getLogger("waitress").warning("a client %s", "went")

    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    told = [[line[name] for name in ("event", "level", "logger")] for line in (ours, theirs)]
    assert told == [["stage failed", "error", "jobs.tick"], ["a client went", "warning", "waitress"]]
    assert ours["stage"] == "inbox"
    assert ours["timestamp"].endswith("Z")


def test_a_failure_is_one_line_of_json_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    _configure("INFO", "json")

    try:
        raise ValueError("over\nhere")
    except ValueError:
        logging.getLogger("waitress").exception("it broke")

    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: over\nhere" in json.loads(line)["exception"]


def test_a_line_of_text_names_level_speaker_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    _configure("info", "text")

    structlog.get_logger("jobs.tick").error("stage failed", stage="inbox", error="Busy")
    structlog.get_logger("jobs.tick").debug("not asked for")

    (line,) = capsys.readouterr().err.splitlines()
    assert all(word in line for word in ("error", "stage failed", "[jobs.tick]", "error=Busy", "stage=inbox"))


def test_a_traceback_of_text_shows_no_variable(capsys: pytest.CaptureFixture[str]) -> None:
    _configure("INFO", "text")

    token = "shpat_of-a-shop"
    try:
        raise ValueError("refused")
    except ValueError:
        logging.getLogger("waitress").exception("it broke")

    told = capsys.readouterr().err
    assert "ValueError: refused" in told
    assert token not in told


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOG_LEVEL"):
        logs.configure("loud", "text")


def _configure(level: str, form: str) -> None:
    """As a fresh process does: pytest listens, too."""
    logging.root.handlers.clear()
    logs.configure(level, form)

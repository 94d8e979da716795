"""The settings: from the environment, or from a file that it names."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app import config


def test_a_setting_comes_from_its_variable_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("public_url", "https://app.example/")
    monkeypatch.setenv("PORT", "9000")

    found = config.load()

    assert (found.public_url, found.port, found.log_level) == ("https://app.example", 9000, "INFO")


def test_a_secret_comes_from_the_file_that_its_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret"))

    assert config.load().secret_key == "from the file"


def test_the_variable_itself_counts_more_than_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("SECRET_KEY", "from the variable")

    assert config.load().secret_key == "from the variable"


def test_a_value_that_cannot_be_used_names_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")

    with pytest.raises(ValidationError, match="port"):
        config.load()

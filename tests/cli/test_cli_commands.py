"""The table of commands: each stands in the module that has it, and a process loads no more than it needs."""

import argparse
import subprocess
import sys
from importlib import import_module

import pytest

from app.cli import parser


@pytest.mark.parametrize("module", list(parser._GROUPS))
def test_a_module_has_the_commands_that_the_table_says(module: str) -> None:
    branches = argparse.ArgumentParser().add_subparsers()

    for add in import_module(module).COMMANDS:
        add(branches)

    assert tuple(branches.choices) == parser._GROUPS[module]


def test_an_unknown_command_is_told_all_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser.main(["welcome"])

    told = capsys.readouterr().err
    assert all(command in told for commands in parser._GROUPS.values() for command in commands)


_NOT_OF_A_WORKER = ("flask", "alembic", "holidays", "joserfc", "sendgrid", "twilio", "rich", "greenlet")
_LOADED = """
import sys
from app.cli import main
try:
    main(["worker", "--no-such-word"])
except SystemExit:
    print(*sys.modules)
"""


def test_a_worker_loads_no_web_side_and_nothing_that_only_some_need() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert "jobs.worker" in loaded
    assert loaded.isdisjoint(_NOT_OF_A_WORKER)

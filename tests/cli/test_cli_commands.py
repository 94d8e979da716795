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


def test_a_worker_loads_no_web_side() -> None:
    asked = (
        "import sys; from app.cli import parser; parser._parser(['worker']); print('flask' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"

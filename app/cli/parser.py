"""The command line: one table of commands; every failure is one clear line and a non-zero exit."""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module

from pydantic import ValidationError

from app import config, failpoints, logs
from app.cli.words import Parser
from app.crypto import UnreadableSecret
from app.errors import AppError
from app.loading import loading
from app.runtime import Runtime
from connectors.base import ConnectorError

_GROUPS = {
    "app.cli.serving": ("serve",),
    "app.cli.working": ("worker", "migrate"),
    "app.cli.demo": ("demo",),
    "app.cli.outside": ("sandbox",),
    "app.cli.stores": ("store",),
    "app.cli.flows": ("flow", "tick"),
    "app.cli.people": ("customer",),
    "app.cli.members": ("member",),
    "app.cli.doing": ("api-key", "inbound", "message"),
    "app.cli.keys": ("key",),
    "app.cli.backing": ("backup", "restore"),
    "app.cli.doctor": ("doctor",),
}
"""Which module has which commands: a process loads the one that it was asked for, and no other."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    # What is no UTF-8 comes as halves of pairs, which nothing can be written with.
    if any("\ud800" <= letter <= "\udfff" for word in words for letter in word):
        return _fail("the command line is no UTF-8 text")
    with loading():
        parser = _parser(words)
    arguments = parser.parse_args(words)
    try:
        result = _run(arguments)
    except ValidationError as error:
        return _fail(_settings_fault(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (AppError, ConnectorError, UnreadableSecret, ValueError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    if result is not None:
        _report(result, as_json=getattr(arguments, "json", False))
    return 0


def _run(arguments: argparse.Namespace) -> object:
    settings = config.load()
    logs.configure(settings.log_level, settings.log_format)
    failpoints.arm(settings.failpoints)
    if not arguments.needs_runtime:
        result: object = arguments.run(settings, arguments)
        return result
    runtime = Runtime.of_operator(settings)
    try:
        if getattr(arguments, "store", None) is not None:
            _expect_store(runtime, arguments.store)
        return arguments.run(runtime, arguments)
    finally:
        runtime.database.dispose()


def _expect_store(runtime: Runtime, store_id: int) -> None:
    # Only commands about a store need its model, and load it for themselves.
    from app.stores.known import known  # noqa: PLC0415

    with runtime.database.read() as session:
        known(session, store_id)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the command that is named, or of all of them where none is."""
    parser = Parser(prog="ritorno", description="Marketing automation for small shops.")
    branches = parser.add_subparsers(required=True, metavar="COMMAND")
    named = [module for module, commands in _GROUPS.items() if words and words[0] in commands]
    for module in named or _GROUPS:
        for add in import_module(module).COMMANDS:
            add(branches)
    return parser


def _report(result: object, *, as_json: bool) -> None:
    if as_json or not isinstance(result, str):
        print(json.dumps(result, indent=None if as_json else 2, ensure_ascii=False, default=str))
    else:
        print(result)


def _settings_fault(error: ValidationError) -> str:
    first = error.errors()[0]
    name = "_".join(str(part) for part in first["loc"]).upper() or "a setting"
    return f"{name}: {first['msg']}; `ritorno doctor` lists every setting"


def _fail(message: str) -> int:
    text = " ".join(message.split()) or "it failed without saying why"
    print(f"ritorno: {text}", file=sys.stderr)
    return 1

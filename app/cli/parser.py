"""The command line: one table of commands; every failure is one clear line and a non-zero exit."""

import argparse
import json
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from app import config, logs
from app.cli import doing, flows, journey, people, serving, stores
from app.crypto import UnreadableSecret
from app.errors import AppError
from app.runtime import Runtime
from connectors.base import ConnectorError
from jobs import failpoints

_GROUPS = (
    serving.COMMANDS,
    journey.COMMANDS,
    stores.COMMANDS,
    flows.COMMANDS,
    people.COMMANDS,
    doing.COMMANDS,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        settings = config.load()
        logs.configure(settings.log_level, settings.log_format)
        failpoints.arm(settings.failpoints)
        runtime = Runtime.build(settings) if arguments.needs_runtime else None
        result = arguments.run(runtime or settings, arguments)
    except ValidationError as error:
        return _fail(_settings_fault(error))
    except (AppError, ConnectorError, UnreadableSecret, OSError, ValueError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    if result is not None:
        _report(result, as_json=getattr(arguments, "json", False))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ritorno", description="Marketing automation for small shops.")
    branches = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in _GROUPS:
        for add in group:
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

"""`key rotate`, `key generate`: the keys that secrets are encrypted with."""

import argparse
import hashlib
from typing import Any

from cryptography.fernet import Fernet

from app import clock
from app.errors import AppError
from app.runtime import Runtime
from app.stores import rotation
from app.stores.rotation import Rotated

_MOST_PASSES = 20
_MARK_DIGITS = 8


def _rotate(runtime: Runtime, arguments: argparse.Namespace) -> object:
    first, *others = runtime.settings.vault_keys
    if not others:
        raise AppError(
            "ENCRYPTION_KEYS holds one key, so there is nothing to rotate to: put a new one before it"
            " (`ritorno key generate` makes one), restart every process, and rotate then"
        )
    columns = {}
    for column in rotation.sealed_columns():
        columns[f"{column.table.name}.{column.name}"] = _until_all_are_current(runtime, column)
    unreadable = {name: found.unreadable for name, found in columns.items() if found.unreadable}
    return {
        "columns": {
            name: {"values": found.read, "changed": found.changed, "current": found.current}
            for name, found in columns.items()
        },
        "unreadable": unreadable,
        "first_key": _mark(first),
        "may_be_removed": [_mark(key) for key in others],
        "but": "not before every process has the new key first; and a backup from before is opened by the"
        " keys of its time: keep them as long as the backup",
    }


def _generate(settings: object, arguments: argparse.Namespace) -> str:
    return Fernet.generate_key().decode("ascii")


def _until_all_are_current(runtime: Runtime, column: Any) -> Rotated:
    """Passes over one column until one finds nothing to change; what they changed, and the last one's rest.

    Raises:
        AppError: values under other keys go on appearing: some process has not got the new order yet.
    """
    changed = 0
    for _ in range(_MOST_PASSES):
        found = _one_pass(runtime, column)
        changed += found.changed
        if not found.changed and not found.missed:
            found.changed = changed
            return found
    raise AppError(
        "values under an older key go on appearing: restart every process with the new key first in"
        " ENCRYPTION_KEYS, and rotate again"
    )


def _one_pass(runtime: Runtime, column: Any) -> Rotated:
    found, after = Rotated(), 0
    while True:
        with runtime.database.write() as session:
            last = rotation.rotate_batch(
                session, runtime.vault, column, after=after, now=clock.now(), into=found
            )
        if last is None:
            return found
        after = last


def _mark(key: str) -> str:
    """What a key is called without telling it."""
    return hashlib.sha256(key.encode()).hexdigest()[:_MARK_DIGITS]


def _add_key(branches: Any) -> None:
    parser = branches.add_parser("key", help="the keys that secrets are encrypted with")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    rotate = actions.add_parser("rotate", help="encrypt every secret anew with the first of ENCRYPTION_KEYS")
    rotate.add_argument("--json", action="store_true")
    rotate.set_defaults(run=_rotate, needs_runtime=True)
    generate = actions.add_parser("generate", help="print a new key; it is kept nowhere")
    generate.set_defaults(run=_generate, needs_runtime=False)


COMMANDS = (_add_key,)

"""`backup FILE`, `restore FILE`."""

import argparse
from pathlib import Path
from typing import Any

from app import clock
from app.backups import restoring, writing
from app.cli.progress import telling
from app.runtime import Runtime

_KEYS = (
    "restoring it needs ENCRYPTION_KEYS and SECRET_KEY as they are now (var/encryption_keys and"
    " var/secret_key where none are set): keep them elsewhere than the backup"
)
_HELD = "what was due before the restore is held: the home page of each store leads to it"
_OPEN = "erasures, unsubscribes, API keys and settings since the backup are lost: see docs/operating.md"


def _backup(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with telling() as tell:
        made = writing.make(runtime, Path(arguments.file), clock.now(), tell)
    if not arguments.json:
        return f"{made.file}: {sum(made.rows.values())} rows, {made.bytes} bytes; {_KEYS}"
    return {
        "file": made.file,
        "bytes": made.bytes,
        "revision": made.revision,
        "made_at": made.made_at.isoformat(),
        "rows": made.rows,
        "needs": _KEYS,
    }


def _restore(runtime: Runtime, arguments: argparse.Namespace) -> object:
    path, is_forced = Path(arguments.file), arguments.force
    with telling() as tell:
        restored = restoring.restore(runtime, path, clock.now(), is_forced=is_forced, tell=tell)
    if not arguments.json:
        return (
            f"{sum(restored.rows.values())} rows as of {restored.made_at.isoformat()};"
            f" {restored.held} messages held. {_HELD}; {_OPEN}"
        )
    return {
        "made_at": restored.made_at.isoformat(),
        "restored_at": restored.restored_at.isoformat(),
        "rows": restored.rows,
        "held": restored.held,
        "notes": [_HELD, _OPEN],
    }


def _add_backup(branches: Any) -> None:
    parser = branches.add_parser("backup", help="everything into a sealed file, while everything goes on")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_backup, needs_runtime=True)


def _add_restore(branches: Any) -> None:
    words = "put a backup back into an empty database; everything due before is held"
    parser = branches.add_parser("restore", help=words)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--force", action="store_true", help="throw away what is in the database")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_restore, needs_runtime=True)


COMMANDS = (_add_backup, _add_restore)

"""Print the matrix of WooCommerce stores, and write it to a file: `python -m tests.woo_matrix [page.md]`."""

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.woo_matrix.run import Outcome, examine
from tests.woo_matrix.stores import Kind, every_kind
from tests.woo_matrix.table import page, problems
from tests.woo_matrix.wire import running_line

_EVERY = 100


def main(arguments: list[str]) -> int:
    """Examine every kind of store; 1 if a cell is not as expected."""
    outcomes = dict(_examined())
    written = page(outcomes, datetime.now(UTC))
    sys.stdout.write(written)
    if arguments:
        Path(arguments[0]).write_text(written)
    wrong = list(problems(outcomes))
    counts = f"{len(outcomes)} kinds of store, {len(wrong)} cells not as expected"
    sys.stderr.write("\n".join([*wrong, counts, ""]))
    return 1 if wrong else 0


def _examined() -> Iterator[tuple[Kind, Outcome]]:
    kinds = list(every_kind())
    with tempfile.TemporaryDirectory() as folder, running_line(Path(folder)) as line:
        for number, kind in enumerate(kinds, 1):
            yield kind, examine(kind, line)
            if number % _EVERY == 0:
                sys.stderr.write(f"{number} of {len(kinds)} kinds of store\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m app.cli.entry`: the command without an installed script, for child processes."""

import sys

from app.cli import main

if __name__ == "__main__":
    sys.exit(main())

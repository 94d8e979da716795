"""`sandbox`: both storefronts, their shoppers and a provider's sink; it loads nothing of the product."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.cli.words import STARTED_AT, aware, number, port
from app.config import VAR, Settings
from app.errors import AppError


def _sandbox(settings: Settings, arguments: argparse.Namespace) -> None:
    try:
        from connectors.sandbox.config import WorldConfig
        from connectors.sandbox.server import run
    except ImportError as error:
        raise AppError(f"the sandbox needs the extra `sandbox`: {error.name} is missing") from error
    config = WorldConfig(
        first_started_at=arguments.started_at or datetime.now(UTC),
        seed=arguments.seed,
        households=arguments.customers,
        days=arguments.days,
        client_id=arguments.client_id,
        client_secret=arguments.client_secret,
        ritorno_url=arguments.ritorno_url,
    )
    run(arguments.port, Path(arguments.journal), config)


def _add_sandbox(branches: Any) -> None:
    parser = branches.add_parser("sandbox", help="both storefronts, their shoppers and a provider's sink")
    parser.add_argument("--port", type=port, default=9700)
    parser.add_argument("--journal", default=str(VAR / "sandbox"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--customers", type=number, default=250)
    parser.add_argument("--days", type=number, default=365)
    parser.add_argument("--started-at", type=aware, metavar="MOMENT", help=STARTED_AT)
    parser.add_argument("--client-id", default="sandbox-client")
    parser.add_argument("--client-secret", default="sandbox-secret")
    parser.add_argument("--ritorno-url", default="http://127.0.0.1:8000")
    parser.set_defaults(run=_sandbox, needs_runtime=False)


COMMANDS = (_add_sandbox,)

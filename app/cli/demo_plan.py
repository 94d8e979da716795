"""What a demo was started with: written beside its database, so that it can go on after a stop."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from app.cli.words import PORT_WAY_OUT
from app.errors import AppError

PLAN = "demo.json"
_KEPT_WAY_OUT = "end what listens there, or begin anew with --fresh: its shops know this demo at that port"


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What a demo was started with; kept beside its database, so that it can go on.

    `started_at` is the real moment of the first start, to which the data set's weeks are shifted.
    """

    seed: int
    customers: int
    days: int
    started_at: str
    port: int
    sandbox_port: int
    client_id: str
    client_secret: str


def load_or_make_plan(
    folder: Path, *, seed: int, customers: int, days: int, started_at: datetime, port: int
) -> DemoPlan:
    """The plan of this folder; a new one when there is none.

    Raises:
        AppError: something else listens at its port; no new plan was made.
    """
    path = folder / PLAN
    if path.exists():
        kept = DemoPlan(**json.loads(path.read_text()))
        _expect_free(kept.port, _KEPT_WAY_OUT)
        return kept
    _expect_free(port, PORT_WAY_OUT)
    plan = DemoPlan(
        seed=seed,
        customers=customers,
        days=days,
        started_at=started_at.isoformat(),
        port=port or _free_port(),
        sandbox_port=_free_port(),
        client_id="sandbox-" + secrets.token_hex(8),
        client_secret=secrets.token_hex(24),
    )
    folder.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: a demo that is killed here begins anew.
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(asdict(plan), indent=2))
    partial.replace(path)
    return plan


def _expect_free(port: int, way_out: str) -> None:
    """That it can be opened. 0 always can: it stands for any that is free."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise AppError(f"port {port}: {os.strerror(error.errno or 0)}; {way_out}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

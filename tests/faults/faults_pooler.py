"""A PgBouncer in transaction mode in front of a database, with fewer connections than clients."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.engines import ROLE
from tests.faults.faults_processes import until
from tests.webhooks.webhooks_process import free_port

PROGRAM = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer") or ""
"""PGBOUNCER names another one than the system's own."""
_SERVER_CONNECTIONS = 4


def knows_prepared() -> bool:
    """Whether the program that is installed keeps prepared statements apart, as it does from 1.21 on."""
    told = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True).stdout
    return tuple(map(int, told.split()[1].split("."))) >= (1, 21)


@contextmanager
def pooled(folder: Path, database_url: str) -> Iterator[str]:
    """The address of the same database by way of a pooler, as docs/operating.md says it, for a block."""
    direct, port = make_url(database_url), free_port()
    place = f"host={direct.query['host']} dbname={direct.database} user={ROLE}"
    lines = [
        "[databases]",
        f"{direct.database} = {place} pool_size={_SERVER_CONNECTIONS}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        "pool_mode = transaction",
        "max_client_conn = 500",
        *(["max_prepared_statements = 200"] if knows_prepared() else []),
    ]
    settings = folder / "pgbouncer.ini"
    settings.write_text("\n".join(lines))
    settings.chmod(0o644)
    # It does not run as root; whom it becomes must reach its settings and the server.
    owner = pwd.getpwuid(Path(str(direct.query["host"]), ".s.PGSQL.5432").stat().st_uid).pw_name
    command = [PROGRAM, *(["-u", owner] if os.geteuid() == 0 else []), "/dev/stdin"]
    with (folder / "pgbouncer.log").open("ab") as log, settings.open() as told:
        process = subprocess.Popen(command, stdin=told, stdout=log, stderr=log)
    query = {} if knows_prepared() else {"prepare_threshold": "none"}
    url = direct.set(host="127.0.0.1", port=port, query=query).render_as_string(hide_password=False)
    try:
        assert until(lambda: _answers(url), 20), (folder / "pgbouncer.log").read_text()[-2000:]
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url.partition("?")[0].replace("+psycopg", ""), connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True

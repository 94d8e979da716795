"""A fresh installation seen from another machine: no screen, no figures, no debugger, nobody to become."""

import re
from pathlib import Path

import pytest
from werkzeug.test import Client

from app.models import AuditEntry, Member
from app.runtime import Runtime
from tests import seeds
from tests.engines import SQLITE
from tests.rules.test_routes import WAYS_IN
from tests.sites import app_over, site_over
from tests.webhooks import webhooks_process
from tests.webhooks.webhooks_process import EMBEDDED, HOSTED, head

pytestmark = pytest.mark.parametrize("engine", [SQLITE])
REMOTE = {"REMOTE_ADDR": "203.0.113.7"}
"""Another machine, as the server sees it."""
SPOKEN_FOR = {**REMOTE, "HTTP_X_FORWARDED_FOR": "127.0.0.1", "HTTP_X_REAL_IP": "127.0.0.1"}
"""It says that it is this one."""
HIDDEN = (
    *("/console", "/?__debugger__=yes&cmd=resource&f=debugger.js", "/app/?__debugger__=yes&cmd=printpin"),
    *(
        "/debug",
        "/debug/pprof/",
        "/debug/vars",
        "/_profiler",
        "/__debug__/",
        "/actuator/env",
        "/admin",
        "/admin/",
    ),
    *("/server-status", "/.env", "/.git/config", "/var/encryption_keys", "/ritorno.db", "/app/../ritorno.db"),
    *("/assets/../../ritorno.db", "/assets/%2e%2e/%2e%2e/ritorno.db", "/api/v1/../../ritorno.db"),
)
"""What other frameworks leave open, and what lies beside a server."""
OPEN = {*WAYS_IN, "/api/v1/openapi.json"}
"""The ways in, and what can be asked of the API: it says nothing of a shop."""
_ARGUMENT = re.compile(r"<(?:\w+:)?\w+>")
_LISTENS = "0A"


@pytest.fixture
def client(runtime: Runtime) -> Client:
    """A browser, of a shop that is connected and has nobody who may sign in."""
    seeds.new_store(runtime.database)
    return Client(site_over(runtime).application)


@pytest.mark.parametrize("environ", [REMOTE, SPOKEN_FOR], ids=["remote", "says-it-is-local"])
def test_no_screen_and_no_change_is_open_to_another_machine(
    client: Client, runtime: Runtime, environ: dict[str, str]
) -> None:
    opened = []
    for rule in app_over(runtime).url_map.iter_rules():
        if str(rule) in OPEN or not str(rule).startswith(("/app", "/api")):
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            path = _ARGUMENT.sub("1", str(rule))
            answer = client.open(path, method=method, environ_overrides=environ)
            is_led_to_sign_in = answer.status_code == 302 and "/app/sign-in" in answer.location
            if not (is_led_to_sign_in or answer.status_code in (401, 403, 404)):
                opened.append((method, path, answer.status_code))

    assert opened == []
    assert seeds.rows_of(runtime.database, Member) == []
    assert seeds.rows_of(runtime.database, AuditEntry) == []


@pytest.mark.parametrize("environ", [REMOTE, SPOKEN_FOR], ids=["remote", "says-it-is-local"])
def test_figures_and_debuggers_are_not_there_for_another_machine(
    client: Client, environ: dict[str, str]
) -> None:
    figures = client.get("/metrics", environ_overrides=environ)
    found = {path: client.get(path, environ_overrides=environ) for path in HIDDEN}
    traced = [
        client.open("/app/", method=method, environ_overrides=environ) for method in ("TRACE", "CONNECT")
    ]

    assert figures.status_code == 403
    assert {answer.status_code for answer in found.values()} <= {302, 401, 404}
    assert not any(
        word in answer.data for answer in found.values() for word in (b"Traceback", b"debugger.js")
    )
    assert {answer.status_code for answer in traced} == {405}


@pytest.mark.parametrize("arguments", [EMBEDDED, HOSTED], ids=["embedded", "hosted"])
def test_a_server_that_was_told_nothing_listens_to_this_machine_alone(
    database_url: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with webhooks_process.serving(database_url, arguments, tmp_path) as served:
        alive = webhooks_process.exchange(served.port, head("GET", "/healthz", []))
        addresses = _listening(served.port)

    assert alive.status == 200
    assert addresses == {"0100007F"}


def _listening(port: int) -> set[str]:
    """The addresses on which somebody listens at a port, as Linux writes them: 127.0.0.1 is 0100007F."""
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    places = [line[1].rpartition(":") for line in lines if line[3] == _LISTENS]
    return {address for address, _, found in places if int(found, 16) == port}

"""The providers as part of the sandbox: in its process, on its clock, and after its death."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue

import pytest
import requests
from urllib3.util.retry import Retry

from connectors.sandbox.provider_config import ProviderSettings, changed
from connectors.sandbox.server import create_app, open_providers
from connectors.sandbox.shopify_api import AppRegistration
from tests.connectors.sandbox.sandbox_providers import KNOWN, mail, open_pair, sms
from tests.connectors.sandbox.sandbox_stage import Got, config, open_simulation, running_app, write_data

SERVE = """
import sys
import waitress
from contextlib import closing
from pathlib import Path
from flask import Flask
from connectors.sandbox import provider_control, sendgrid_api, twilio_api
from connectors.sandbox.journal import Journal
from connectors.sandbox.provider_state import Providers
providers = Providers(Journal(Path(sys.argv[1])), seed=7, world_now=lambda: 0)
app = Flask("providers")
for part in (provider_control, sendgrid_api, twilio_api):
    app.register_blueprint(part.blueprint(providers))
waitress.serve(app, host="127.0.0.1", port=int(sys.argv[2]), channel_request_lookahead=1, _quiet=True)
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Waits for a server that is just coming up."""
    with requests.Session() as opened:
        patience = Retry(total=None, connect=100, read=0, backoff_factor=0.05, backoff_max=0.2)
        opened.mount("http://", requests.adapters.HTTPAdapter(max_retries=patience))
        opened.headers["Authorization"] = f"Bearer {KNOWN.sendgrid_api_key}"
        yield opened


@contextmanager
def started(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The providers as a process, which does not survive the test."""
    command = [sys.executable, "-c", SERVE, str(folder), str(port)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_what_was_accepted_survives_the_death_of_the_process(
    tmp_path: Path, port: int, session: requests.Session
) -> None:
    url = f"http://127.0.0.1:{port}"
    with started(tmp_path, port) as process:
        rules = [{"kind": "close", "accepted": True, "mid": "m-cut"}]
        session.post(f"{url}/control/providers/faults", json=rules).raise_for_status()
        session.post(f"{url}/sendgrid/v3/mail/send", json=mail()).raise_for_status()
        cut = [{"to": [{"email": "b@example.com"}], "custom_args": {"mid": "m-cut"}}]
        with pytest.raises(requests.ConnectionError):
            session.post(f"{url}/sendgrid/v3/mail/send", json=mail(personalizations=cut))

        os.kill(process.pid, signal.SIGKILL)
    with open_pair(tmp_path) as after:
        assert after.sendgrid("POST", "/v3/mail/send", mail()).status_code == 202
        client = after.app.test_client()
        counts = client.get("/control/providers/accepted/count").json
        again = client.get("/control/providers/accepted?mid=m-1&after=1").json or {}
        rules_kept = (client.get("/control/providers/faults").json or {})["rules"]

    assert counts == {"sendgrid": {"m-1": 2, "m-cut": 1}}
    assert (again["count"], again["accepted"][0]["times"]) == (1, 2)
    assert [rule["mid"] for rule in rules_kept] == ["m-cut"]
    lines = (tmp_path / "accepted.jsonl").read_text().splitlines()
    assert [json.loads(line)["mid"] for line in lines] == ["m-1", "m-cut", "m-1"]


def test_providers_live_by_the_worlds_clock_when_told_so(tmp_path: Path) -> None:
    simulation = open_simulation(write_data(tmp_path / "data"), tmp_path / "journal", config())
    with closing(open_providers(simulation)) as providers, running_app() as app:
        client = create_app(simulation, AppRegistration("a", "b", app.url), providers).test_client()
        settings = {"clock": "world", "status_url": f"{app.url}/t"}
        assert client.post("/control/providers/settings", json=settings).status_code == 200
        path = f"/twilio/2010-04-01/Accounts/{KNOWN.account_sid}/Messages.json"
        sent = client.post(path, data=sms(), auth=(KNOWN.account_sid, KNOWN.auth_token)).json or {}
        first = (client.get("/control/next").json or {})["at"]

        told = client.post("/control/advance", json={"to": first}).json or {}
        later = datetime.fromisoformat(first).timestamp() + 3600
        rest = client.post("/control/advance", json={"to": datetime.fromtimestamp(later, UTC).isoformat()})

    now = datetime.fromtimestamp(simulation.world.now_seconds - 3600, UTC)
    assert datetime.strptime(sent["date_created"], "%a, %d %b %Y %H:%M:%S %z") <= now
    assert told["posts"]["posted"] == 1
    assert (rest.json or {})["posts"] == {"posted": 2, "failed": 0, "given_up": 0, "waiting": 0}
    assert len([got for got in app.got if got.path == "/t"]) == 3


def test_in_real_time_events_are_posted_by_themselves(tmp_path: Path) -> None:
    simulation = open_simulation(write_data(tmp_path / "data"), tmp_path / "journal", config())
    moment, arrived = [1_800_000_000.0], Queue[str]()

    def note(got: Got) -> tuple[int, dict[str, str]]:
        arrived.put(got.path)
        return 200, {}

    with closing(open_providers(simulation)) as providers, running_app(note) as app:
        client = create_app(simulation, AppRegistration("a", "b", app.url), providers).test_client()
        providers.real_now = lambda: moment[0]
        client.post("/control/providers/settings", json={"status_url": f"{app.url}/t"})
        path = f"/twilio/2010-04-01/Accounts/{KNOWN.account_sid}/Messages.json"
        client.post(path, data=sms(), auth=(KNOWN.account_sid, KNOWN.auth_token))
        moment[0] += 10

        came = [arrived.get(timeout=30) for _ in range(3)]

    assert came == ["/t", "/t", "/t"]


@pytest.mark.parametrize(
    "wishes",
    [
        {"colour": "red"},
        {"clock": "stopped"},
        {"credits_left": "many"},
        {"misfortune": {"rain": 0.5}},
        {"misfortune": {"late": "often"}},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(wishes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        changed(ProviderSettings(), wishes)


def test_a_control_call_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    simulation = open_simulation(write_data(tmp_path / "data"), tmp_path / "journal", config())
    with closing(open_providers(simulation)) as providers:
        client = create_app(
            simulation, AppRegistration("a", "b", "http://127.0.0.1:1"), providers
        ).test_client()

        calls = {"/settings": {"a": 1}, "/outcomes": {"whom": "a", "outcome": "eaten"}, "/inbound": {}}
        statuses = [
            client.post(f"/control/providers{path}", json=body).status_code for path, body in calls.items()
        ]

    assert statuses == [400, 400, 400]

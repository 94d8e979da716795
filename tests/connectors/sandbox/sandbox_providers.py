"""Both emulated providers on a real socket of 127.0.0.1, and calls to them as any HTTP client makes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import waitress
from flask import Flask

from app.cli.running import running
from connectors.sandbox import provider_control, sendgrid_api, twilio_api
from connectors.sandbox.journal import Journal
from connectors.sandbox.provider_config import ProviderSettings
from connectors.sandbox.provider_state import Providers

START = 1_793_600_000
KNOWN = ProviderSettings()
SENDER = "ciao@sandbox.example.com"


@dataclass
class Pair:
    """The two providers, serving.

    Attributes:
        url: of the server; the accounts live by the world's clock, which stands at `now`.
    """

    providers: Providers
    app: Flask
    now: int = START
    url: str = ""

    def control(self, path: str, body: object) -> dict[str, Any]:
        """A control call that must be taken."""
        answer = self.app.test_client().post(f"/control/providers{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json or {}
        return found

    def sendgrid(self, method: str, path: str, body: object = None, key: str = KNOWN.sendgrid_api_key) -> Any:
        """A call to SendGrid in this process."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return self.app.test_client().open(f"/sendgrid{path}", method=method, json=body, headers=headers)

    def twilio(self, method: str, path: str, form: dict[str, Any] | None = None, **query: str) -> Any:
        """A call to Twilio in this process; `path` below the account."""
        return self.app.test_client().open(
            f"/twilio/2010-04-01/Accounts/{KNOWN.account_sid}{path}",
            method=method,
            data=form,
            query_string=query,
            auth=(KNOWN.account_sid, KNOWN.auth_token),
        )

    def mail_over_wire(self, timeout: float = 5.0, **changes: object) -> requests.Response:
        """A mail over the socket."""
        headers = {"Authorization": f"Bearer {KNOWN.sendgrid_api_key}", "Connection": "close"}
        return requests.post(
            f"{self.url}/sendgrid/v3/mail/send",
            json=mail(**changes),
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
        )

    def sms_over_wire(self, timeout: float = 5.0, **changes: str) -> requests.Response:
        """An SMS over the socket."""
        return requests.post(
            f"{self.url}/twilio/2010-04-01/Accounts/{KNOWN.account_sid}/Messages.json",
            data=sms(**changes),
            auth=(KNOWN.account_sid, KNOWN.auth_token),
            headers={"Connection": "close"},
            timeout=timeout,
            allow_redirects=False,
        )


@contextmanager
def open_pair(folder: Path) -> Iterator[Pair]:
    """The providers over a journal, without a socket."""
    with closing(Journal(folder)) as journal:
        app = Flask("providers")
        pair: Pair
        providers = Providers(journal, seed=7, world_now=lambda: pair.now)
        pair = Pair(providers, app)
        with closing(providers):
            providers.change({"clock": "world"})
            app.register_blueprint(provider_control.blueprint(providers))
            app.register_blueprint(sendgrid_api.blueprint(providers))
            app.register_blueprint(twilio_api.blueprint(providers))
            yield pair


@contextmanager
def serving(pair: Pair) -> Iterator[Pair]:
    """The same, on a socket."""
    server = waitress.create_server(pair.app, host="127.0.0.1", port=0, channel_request_lookahead=1)
    pair.url = f"http://127.0.0.1:{server.effective_port}"
    with running(server):
        yield pair


def mail(**changes: object) -> dict[str, Any]:
    """A mail that SendGrid takes; a change of None removes a key."""
    whole: dict[str, Any] = {
        "personalizations": [{"to": [{"email": "anna@example.com"}], "custom_args": {"mid": "m-1"}}],
        "from": {"email": SENDER, "name": "Bottega"},
        "subject": "Ciao",
        "content": [
            {"type": "text/plain", "value": "Ciao Anna"},
            {"type": "text/html", "value": "<a href='https://shop.example.com/'>Ciao</a>"},
        ],
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def to(email: str, mid: str = "m-1", **more: object) -> dict[str, Any]:
    """The part of a mail that names its recipient."""
    return {"to": [{"email": email}], "custom_args": {"mid": mid}, **more}


def sms(**changes: str) -> dict[str, str]:
    """An SMS that Twilio takes."""
    whole = {
        "To": "+393331234567",
        "MessagingServiceSid": KNOWN.service_sid,
        "Body": "Ciao Anna",
        "StatusCallback": "",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value}

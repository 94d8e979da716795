"""A shop that sends by the emulated providers, which post what became of it to a real serving side."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import waitress
from sqlalchemy import select

from app import consent
from app.cli.running import running
from app.config import Settings
from app.consent import NewConsent
from app.db import Database, table_of
from app.models import Customer, Message, Store
from app.runtime import Runtime
from app.stores import settings as store_settings
from connectors.channels.local import LocalChannel
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.setup import SendGridSetup
from jobs import doubts, inbox, outbox
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.connectors.sandbox.sandbox_providers import KNOWN, Pair, open_pair
from tests.connectors.sandbox.sandbox_providers import serving as on_a_socket
from tests.sites import site_over

MESSAGES, CUSTOMERS = table_of(Message), table_of(Customer)
FROM = "ritorno@sandbox.example.com"
ACCOUNTS = {
    "sender.email": "ciao@sandbox.example.com",
    "consent.import": "declined",
    "sending.warm_up": "off",
    "sendgrid.api_key": KNOWN.sendgrid_api_key,
    "twilio.account_sid": KNOWN.account_sid,
    "twilio.auth_token": KNOWN.auth_token,
    "twilio.messaging_service_sid": KNOWN.service_sid,
}


@dataclass
class Sending:
    """A shop, its worker, and both providers."""

    runtime: Runtime
    pair: Pair
    store_id: int
    kit: Kit

    def subscriber(self, name: str) -> int:
        """Somebody who agreed to mails and texts."""
        with self.runtime.database.write() as session:
            number = 3_330_000_000 + int("".join(filter(str.isdigit, name)) or 0)
            customer = seeds.add_customer(session, self.store_id, name, phone=f"+39{number}")
            said = [
                NewConsent(self.store_id, customer.id, channel, "subscribed", "consent", NOW, "test")
                for channel in ("email", "sms")
            ]
            consent.record(session, said, NOW)
            return customer.id

    def message(self, name: str = "anna1", **values: Any) -> int:
        """A message to a new subscriber of that name, due now; its number."""
        customer = self.subscriber(name)
        with self.runtime.database.write() as session:
            return seeds.add_message(session, self.store_id, customer, **values).id

    def set(self, **values: str) -> None:
        """Change settings."""
        with self.runtime.database.write() as session:
            store = session.get_one(Store, self.store_id)
            store_settings.write(session, store, values, vault=self.runtime.vault)

    def send(self, at: datetime = NOW) -> None:
        """One round of the outbox, after what was in doubt before it."""
        doubts.run(self.kit, at)
        outbox.run(self.kit, at)

    def hear(self, at: datetime = NOW + timedelta(minutes=1)) -> None:
        """The providers post all they have to say, and the worker reads it."""
        self.pair.control("/post", {"everything": True})
        inbox.run(self.kit, at)

    def row(self, message_id: int) -> Any:
        """A message as it stands."""
        with self.runtime.database.read() as session:
            return session.execute(select(MESSAGES).where(MESSAGES.c.id == message_id)).one()

    def statuses(self) -> Counter[str]:
        """How many messages stand where."""
        return Counter(seeds.values_of(self.runtime.database, Message, "status"))

    def accepted(self) -> Counter[str]:
        """How often the providers accepted each of our messages since the test began."""
        mine = {str(number) for number in seeds.values_of(self.runtime.database, Message, "id")}
        return Counter(line["mid"] for line in self.pair.providers.log.lines if line["mid"] in mine)


@contextmanager
def sending(
    settings: Settings, database: Database, pair: Pair, *, word: str = "bottega"
) -> Iterator[Sending]:
    """A shop with accounts of its own, whose reports come to a serving side on a real socket."""
    pair.now = int(NOW.timestamp())
    port = _free_port()
    told = {
        "public_url": f"http://127.0.0.1:{port}",
        "sendgrid_api_url": f"{pair.url}/sendgrid",
        "twilio_api_url": f"{pair.url}/twilio",
    }
    runtime = Runtime.build(Settings.model_validate(settings.model_dump() | told), database)
    site = site_over(runtime)
    server = waitress.create_server(site.application, host="127.0.0.1", port=port)
    with closing(site), running(server):
        yield _open(runtime, pair, word)


@contextmanager
def sending_alone(settings: Settings, database: Database, folder: Path) -> Iterator[Sending]:
    """The same with emulated providers of its own, whose log lies in a folder."""
    with open_pair(folder) as opened, on_a_socket(opened) as pair, sending(settings, database, pair) as found:
        yield found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _open(runtime: Runtime, pair: Pair, word: str) -> Sending:
    store_id = seeds.new_store(runtime.database, word)
    seeds.switch_on(runtime.database, store_id, "welcome", "birthday", since=NOW)
    shop = Sending(runtime, pair, store_id, Kit.build(runtime, LocalChannel(None)))
    shop.set(**ACCOUNTS)
    base_url = runtime.settings.base_url
    account = SendGridAccount(KNOWN.sendgrid_api_key, runtime.settings.sendgrid_api_url, str(store_id))
    setup = SendGridSetup(account)
    key = setup.register_event_webhook(f"{base_url}/webhooks/sendgrid/{store_id}")
    setup.close()
    shop.set(**{"sendgrid.webhook_public_key": key})
    pair.control("/settings", {"inbound_url": f"{base_url}/webhooks/twilio/{store_id}/inbound"})
    return shop

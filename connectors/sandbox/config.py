"""What a sandbox world is made from; kept in `world.json` at the first start and read back afterwards."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.sandbox.model import TIMEZONE
from connectors.sandbox.woo_traits import Traits, read_traits

_FILE = "world.json"


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares between 0 and 1: of deliveries, shoppers, orders and messages in that order.

    `tracking` is the share of those who consent to mails; `checkouts` that of the orders whose checkout was
    heard of, `abandoned` that of the orders whose goods are once more taken to the till and left there.
    """

    duplicate: float = 0.02
    lost: float = 0.03
    delayed: float = 0.05
    forged: float = 0.002
    birthday: float = 0.60
    consent: float = 0.65
    preregistered: float = 0.2
    sms_consent: float = 0.25
    tracking: float = 0.6
    guests: float = 0.15
    withdrawn: float = 0.01
    cancelled: float = 0.02
    refunded: float = 0.03
    checkouts: float = 0.05
    abandoned: float = 0.05
    click: float = 0.25
    scanner: float = 0.1
    unsubscribe: float = 0.01
    redeem: float = 0.3


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """The whole world in a few values.

    Attributes:
        households: how many of the data set's 2,469 households take part.
        days: how much history ends at the data set's last order.
        first_started_at: the real moment of the first start; the data set's weeks are shifted to it.
        client_id: of the app, as Shopify knows it; `client_secret` signs its webhooks.
        ritorno_url: where the app is reached.
        woocommerce: what kind of store the WooCommerce one is at its beginning.
    """

    first_started_at: datetime
    seed: int = 1
    households: int = 250
    days: int = 365
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"
    ritorno_url: str = "http://127.0.0.1:8000"
    timezone: str = TIMEZONE
    rates: Rates = field(default_factory=Rates)
    woocommerce: Traits = field(default_factory=Traits)


def load_or_store(folder: Path, config: WorldConfig) -> WorldConfig:
    """The configuration of this journal: the stored one when there is one, else `config`, now stored."""
    path = folder / _FILE
    if path.exists():
        return _from_json(json.loads(path.read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{_FILE}.partial"
    values = asdict(config) | {"first_started_at": config.first_started_at.isoformat()}
    partial.write_text(json.dumps(values, indent=2) + "\n")
    partial.replace(path)
    return config


def _from_json(stored: Mapping[str, Any]) -> WorldConfig:
    values = dict(stored)
    values["first_started_at"] = datetime.fromisoformat(values["first_started_at"])
    values["rates"] = Rates(**values["rates"])
    values["woocommerce"] = read_traits(values.get("woocommerce", {}))
    return WorldConfig(**values)

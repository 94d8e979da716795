"""Runs the plugin for WordPress by php, over a small stand-in for WordPress (`wordpress.php`)."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.storefronts.woocommerce.plugin.package import SOURCE

RUN = Path(__file__).with_name("run.php")
OPTION = "ritorno_settings"
EVERYTHING = {"ask_email": True, "ask_sms": True, "ask_birthday": True}
ORDER = {"id": 71, "customer_id": 0, "email": "Anna@Example.com", "phone": "+39 333 1234567", "meta": {}}

Step = tuple[str, Any]


@dataclass(frozen=True)
class Happened:
    """What a scenario did."""

    printed: str
    bodies: tuple[bytes, ...]
    ended: str | None
    errors: Mapping[str, str]
    options: Mapping[str, Any]
    fields: Mapping[str, Mapping[str, Any]]
    menu: Sequence[Sequence[str]]

    @property
    def told(self) -> list[dict[str, Any]]:
        """The statements in the deliveries."""
        return [json.loads(body)["arg"] for body in self.bodies]


@dataclass(frozen=True)
class Site:
    """A WordPress with our plugin. `texts` are translations; `may`: the merchant is one."""

    settings: Mapping[str, Any] | None = field(default_factory=lambda: EVERYTHING)
    locale: str = "en_US"
    texts: Mapping[str, str] = field(default_factory=dict)
    may: bool = True
    plugin: Path = SOURCE

    def run(self, *steps: Step) -> Happened:
        """Go through these steps in one request."""
        asked = {
            "plugin": str(self.plugin),
            "steps": steps,
            "options": {} if self.settings is None else {OPTION: self.settings},
            "locale": self.locale,
            # An empty list would do for PHP, which tells no list from a table.
            "texts": dict(self.texts),
            "may": self.may,
        }
        told = json.loads(php(str(RUN), stdin=json.dumps(asked)))
        told["bodies"] = tuple(body.encode() for body in told["bodies"])
        return Happened(**told)


def php(*arguments: str, stdin: str = "") -> str:
    """What php prints; it must end well."""
    found = shutil.which("php")
    if found is None:
        pytest.skip("NOT CHECKED: the plugin for WordPress is run by php, which is not on this machine")
    ended = subprocess.run(
        [found, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def ordered(step: str, typed: Mapping[str, Any], **order: Any) -> Step:
    """A checkout (`classic` or `block`) in which this was typed."""
    return step, {"typed": dict(typed), "order": {**ORDER, **order}}


def saved_account(typed: Mapping[str, Any], nonce: str = "nonce of save_account_details") -> Step:
    """The account page of account 7, saved."""
    customer = {"id": 7, "email": "anna@example.com", "phone": "+393331234567"}
    return "account", {"typed": {**typed, "save-account-details-nonce": nonce}, "customer": customer}

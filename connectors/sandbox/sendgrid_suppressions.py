"""SendGrid's suppression lists: what bounced, blocked, complained or unsubscribed, and what was put there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

BOUNCES, BLOCKS, INVALID, SPAM, GLOBAL = "bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes"
LISTS = (BOUNCES, BLOCKS, INVALID, SPAM, GLOBAL)
# The outcome of a mail to somebody on a list. Blocks do not keep a mail back.
DROPS = {
    BOUNCES: "dropped",
    INVALID: "dropped-invalid",
    SPAM: "dropped-spam",
    GLOBAL: "dropped-unsubscribed",
}
Entry = dict[str, Any]


class Suppressions:
    """Who is on which list.

    Args:
        has_happened: whether a planned event lies in the past.
    """

    def __init__(self, has_happened: Callable[[Mapping[str, Any]], bool]) -> None:
        self._has_happened = has_happened
        self._caused: dict[str, dict[str, list[Mapping[str, Any]]]] = {name: {} for name in LISTS}
        self._written: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in LISTS}

    def add(self, line: Mapping[str, Any]) -> None:
        """Note what the events of an accepted mail will put on the lists."""
        for planned in line["plan"]:
            name = _list_of(planned["event"])
            if name:
                self._caused[name].setdefault(planned["event"]["email"].lower(), []).append(planned)

    def write(self, fact: Mapping[str, Any]) -> None:
        """Put an address on a list, or with an `entry` of None take it off what was there by `at`."""
        self._written[fact["list"]][fact["email"].lower()] = fact

    def entries(self, name: str) -> list[Entry]:
        """A list, newest first."""
        found = (self.find(name, email) for email in {**self._caused[name], **self._written[name]})
        return sorted(
            (entry for entry in found if entry), key=lambda entry: (-entry["created"], entry["email"])
        )

    def find(self, name: str, email: str) -> Entry | None:
        """The entry of an address on a list."""
        fact = self._written[name].get(email.lower())
        if fact and fact["entry"]:
            entry: Entry = fact["entry"]
            return entry
        since = fact["at"] if fact else -1
        caused = [
            planned
            for planned in self._caused[name].get(email.lower(), ())
            if planned["at"] > since and self._has_happened(planned)
        ]
        return entry_for(name, email, caused[-1]["at"], caused[-1]["event"]) if caused else None

    def drop_for(self, email: str) -> str | None:
        """The outcome of a mail to an address that SendGrid keeps back."""
        return next((outcome for name, outcome in DROPS.items() if self.find(name, email)), None)

    def lists_of(self, email: str) -> Iterator[str]:
        """The lists on which an address stands."""
        return (name for name in LISTS if self.find(name, email))


def entry_for(name: str, email: str, created: int, event: Mapping[str, Any]) -> Entry:
    """An entry in the form that its list has."""
    entry: Entry = {"created": created, "email": email}
    if name in {BOUNCES, BLOCKS}:
        entry |= {"reason": event.get("reason", "550 5.1.1 unknown"), "status": event.get("status", "5.1.1")}
    if name == INVALID:
        entry["reason"] = event.get("reason", "Mail domain mentioned in email address is unknown")
    if name == SPAM:
        entry["ip"] = event.get("ip", "192.0.2.25")
    return entry


def _list_of(event: Mapping[str, Any]) -> str | None:
    kind = event.get("event", "")
    return _CAUSES.get(f"{kind}:{event['type']}" if kind == "bounce" else kind)


_CAUSES = {"bounce:bounce": BOUNCES, "bounce:blocked": BLOCKS, "spamreport": SPAM, "unsubscribe": GLOBAL}

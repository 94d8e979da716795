"""What a platform tells nobody unless it is asked: what it no longer has, and the words for its orders."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.records import Resource


@dataclass(frozen=True, slots=True)
class IdPage:
    """One page of external ids; `cursor` is None after the last."""

    ids: tuple[str, ...]
    cursor: str | None


class Sweepable(Protocol):
    """A shop that deletes without a word. Each call may raise ConnectorError; no call is retried inside."""

    def present(self, resource: Resource, external_ids: Sequence[str]) -> Collection[str]:
        """Which of these ids (at most 100) the shop lists; one that it does not list may still be there."""

    def order_statuses(self) -> Sequence[tuple[str, str]]:
        """Every status that an order may have, plugins' own among them: its word and its name."""

    def trashed_orders(self, *, cursor: str | None, updated_since: datetime) -> IdPage:
        """One page of the orders that came into the trash from that moment on."""

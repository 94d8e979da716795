"""What a platform no longer has and tells nobody of: asked for by the ids that the mirror holds."""

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

    def trashed_orders(self, *, cursor: str | None, updated_since: datetime) -> IdPage:
        """One page of the orders that came into the trash from that moment on."""

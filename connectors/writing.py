"""What is written into a storefront, and the protocol of whoever writes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.base import ConnectorError, ConsentState


class NotSupported(ConnectorError):
    """The platform has no place for what is to be written; nobody was asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """What a person said to us about a channel, for the shop to know.

    Attributes:
        channel: email or sms.
        basis: consent or double_opt_in where the state is subscribed; else None.
    """

    customer_external_id: str
    channel: str
    state: ConsentState
    basis: str | None
    occurred_at: datetime


class StoreWriter(Protocol):
    """The writing side of a connected shop. Each call may raise ConnectorError; none is retried inside.

    Each may be repeated: a write whose answer was lost is written again.
    """

    def write_consent(self, change: ConsentChange) -> None:
        """Tell the shop what a person said to us.

        Raises:
            NotSupported: the platform keeps no such consent.
        """

"""What goes out: a rendered message, what a provider says of it, and the protocol of every channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """How a call to a provider ended."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    FAILED = "failed"
    PAUSE_SENDER = "pause-sender"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A rendered message, ready for one provider call.

    Attributes:
        message_id: our opaque id (decimal text); it travels with the message and comes back in events.
        headers: List-Unsubscribe and the like; empty for SMS.
    """

    message_id: str
    channel: str
    to_address: str
    from_address: str
    from_name: str
    subject: str
    text: str
    html: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    track_clicks: bool = False


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the provider said, by its documented answers only; everything else is UNKNOWN."""

    outcome: Outcome
    provider_message_id: str | None = None
    error: str | None = None
    retry_after_seconds: float | None = None


class Channel(Protocol):
    """A way to reach people. `send` never raises for what the network or the provider does."""

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """One result per message, in order."""

    def look_up(self, message_id: str) -> SendResult | None:
        """What became of an unknown message; None where the provider cannot say."""

"""What goes out: a rendered message, what a provider says of it, and the protocol of every channel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """How a call to a provider ended.

    ACCEPTED: the provider took it. RETRY: it certainly did not, and may later. FAILED: it never will take
    this message. SUPPRESS: it never will take this address. PAUSE_SENDER: it takes nothing of this sender
    until somebody mends it. UNKNOWN: nobody can tell from the answer whether it was taken.
    """

    ACCEPTED = "accepted"
    RETRY = "retry"
    FAILED = "failed"
    SUPPRESS = "suppress"
    PAUSE_SENDER = "pause-sender"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A rendered message, ready for one provider call.

    Attributes:
        message_id: our opaque id (decimal text); it travels with the message and comes back in events.
        headers: List-Unsubscribe and the like; empty for SMS.
        labels: what the provider may show it under (flow, step); nothing of a person.
        lifetime_seconds: how long it is worth delivering from now on; None where that does not matter.
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
    labels: tuple[str, ...] = ()
    lifetime_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the provider said, by its documented answers only; everything else is UNKNOWN.

    Attributes:
        error: safe to store and show: no address, no content, no secret.
        code: the provider's own number for it, or the HTTP status, as text.
        retry_after_seconds: with RETRY, how long it asked us to wait.
    """

    outcome: Outcome
    provider_message_id: str | None = None
    error: str | None = None
    code: str | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A message whose answer was lost, as far as a provider needs it to look it up."""

    message_id: str
    channel: str
    to_address: str
    text: str
    sent_at: datetime


MayLeave = Callable[[str], bool]
"""Whether a message may still leave, by its id: asked last of all before the wire; by any thread."""


def always(_message_id: str) -> bool:
    """Nothing can have come in between."""
    return True


class Channel(Protocol):
    """A way to reach people. `send` and `look_up` never raise for what the network or the provider does."""

    look_up_after: timedelta
    """How long after a lost answer the first look-up makes sense."""

    def send(self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always) -> Sequence[SendResult]:
        """One result per message, in order; RETRY for what may not leave any more."""

    def look_up(self, unsettled: Unsettled) -> SendResult | None:
        """What became of it: ACCEPTED, or RETRY if it certainly never arrived; None where nobody can say."""

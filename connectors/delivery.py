"""What a provider says of a message after it took it, in our words."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class DeliveryKind(StrEnum):
    """What happened to a message, or to the account that sent it.

    `bounced` will not change, `blocked` and `deferred` may; `failed` is the provider's own refusal after it
    had taken the message.
    """

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    FAILED = "failed"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    CLICKED = "clicked"
    OPENED = "opened"
    REPLIED = "replied"
    ACCOUNT = "account"

    # An enumeration's own goes through Python for each event that is looked up.
    __hash__ = str.__hash__


class Advice(StrEnum):
    """What the table of the provider's codes says is to be done, besides noting it."""

    NOTHING = "nothing"
    SUPPRESS = "suppress"
    COUNT = "count"
    """Suppress the address only once it happened often enough (3 in 14 days)."""
    ALERT = "alert"
    PAUSE_SENDER = "pause-sender"


class Word(StrEnum):
    """What a reply by text message asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    OTHER = "other"


class DeliveryUpdate(NamedTuple):
    """One event of a provider.

    Attributes:
        key: equal for two tellings of the same event, at most 200 characters; not the provider's own
            event id, which may change between them.
        message_id: our id, as it travelled with the message; None where the event does not carry it.
        store_id: our store's number as it travelled with the message; None where it did not.
        installation: whose message it is, where several installations share an account; "" where not told.
        address: of the recipient, or of who replied; empty where the event names none.
        reason: a word or code of the provider, at most 200 characters, safe to store and to show.
        url: what was clicked.
        is_machine: the provider itself says that no person did it.
        word, text: of a reply.
    """

    kind: DeliveryKind
    occurred_at: datetime
    key: str
    message_id: str | None = None
    store_id: str | None = None
    installation: str = ""
    address: str = ""
    reason: str = ""
    advice: Advice = Advice.NOTHING
    url: str = ""
    is_machine: bool = False
    word: Word | None = None
    text: str = ""


class WentWell(NamedTuple):
    """Events that say no more than which message went well, and when: a column of each field, of one length.

    Nearly all of a provider's events are such, and a column is read in a fifth of the time of its events.

    Attributes:
        message_id, store_id: numbers of ours.
    """

    kind: Sequence[DeliveryKind] = ()
    occurred_at: Sequence[datetime] = ()
    key: Sequence[str] = ()
    message_id: Sequence[str] = ()
    store_id: Sequence[str] = ()
    installation: Sequence[str] = ()

    def updates(self) -> Iterator[DeliveryUpdate]:
        """They one by one."""
        return (DeliveryUpdate(*told) for told in zip(*self, strict=True))


def number_of(told: str | None) -> int | None:
    """The number of a message or a store of ours, where what travelled with a message is one."""
    if told is None or len(told) > MOST_DIGITS or not told.isdigit() or not told.isascii():
        return None
    return int(told)


MOST_DIGITS = 18

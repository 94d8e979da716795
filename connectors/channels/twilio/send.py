"""Twilio as a Channel: one call per text message, its outcome by the table of documented codes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from connectors.base import ConnectorError
from connectors.channels.twilio.account import TwilioAccount, refusal
from connectors.channels.twilio.codes import result
from connectors.channels.twilio.events import told
from connectors.channels.twilio.listing import find
from connectors.delivery import DeliveryUpdate
from connectors.fanout import Crew
from connectors.pool import ProviderPool
from connectors.sending import MayLeave, Outcome, OutgoingMessage, SendResult, Unsettled, always
from connectors.transport import Limits, NotSent

if TYPE_CHECKING:
    from connectors.channels.twilio.package import TwilioClient

LIMITS = Limits(connect_seconds=3, read_seconds=30, total_seconds=35, max_bytes=1024 * 1024)
"""Of one call. Twilio's own limit is about 26 s: a shorter one would make unknown what it still answers."""

LIFETIME_SECONDS = 4 * 3600
"""How long Twilio may keep a message that does not say itself: not into the night."""


class TwilioChannel:
    """Sends text messages for one account.

    Twilio has no key that makes a call safe to repeat, so nothing is tried twice here, and a message whose
    answer was lost is UNKNOWN.

    Args:
        threads: calls at a time.
        patience_seconds: no call is begun later than this after the start of a batch, which so ends at
            most one call's limit later.
        limits: of one call.
        is_stopping: whether the process is asked to end; what was not begun by then is left.
        pool: the connections to use; as many kept open as there are threads by default.
    """

    look_up_after = timedelta(minutes=10)

    def __init__(
        self,
        account: TwilioAccount,
        *,
        threads: int = 16,
        patience_seconds: float = 25.0,
        limits: Limits = LIMITS,
        is_stopping: Callable[[], bool] = lambda: False,
        pool: ProviderPool | None = None,
    ) -> None:
        self._account = account
        self._crew = Crew(threads, patience_seconds, is_stopping)
        self._pool = pool or ProviderPool(limits=limits, connections=threads)

    def send(self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always) -> Sequence[SendResult]:
        """One result per message, in order; never raises for what the network or Twilio does."""
        if not self._account.has_usable_keys():
            return [_NO_KEYS] * len(messages)
        return [
            answer or _NOT_CALLED for answer in self._crew.each(partial(self._send_one, may_leave), messages)
        ]

    def look_up(self, unsettled: Unsettled) -> SendResult | None:
        """ACCEPTED where Twilio lists exactly one message that can be it; else None.

        Twilio's messages carry nothing of ours, so ours is known by whom it went to, when, and its text.
        Two that fit settle nothing. None that fits settles nothing either: the list leaves out what was not
        handed on yet, and a text message costs money and wakes people, so absence never sends one again.
        A message that failed since was accepted all the same; its events say the rest.
        """
        if not self._account.has_usable_keys():
            return None
        return find(self._client, unsettled, self._account.messaging_service_sid)

    def fetch_status(
        self, provider_message_id: str, *, message_id: str | None = None, received_at: datetime
    ) -> DeliveryUpdate | None:
        """What Twilio says of a message now, as its callback would have; None where it does not say.

        Callbacks are tried for seconds only and can be lost: this asks again for what has no final status.

        Args:
            received_at: now; Twilio's moments are those of the resource, not of the status.
        """
        if not self._account.has_usable_keys():
            return None
        try:
            answer = self._client.message(provider_message_id)
            body = answer.json() if answer.status == _OK else None
        except ConnectorError:
            return None
        return told(body, message_id, received_at) if isinstance(body, dict) else None

    def close(self) -> None:
        """Close the connections kept open."""
        self._pool.close()

    def _send_one(self, may_leave: MayLeave, message: OutgoingMessage) -> SendResult:
        reason = refusal(message)
        sender = self._sender(message)
        if reason is not None or not sender:
            return SendResult(Outcome.FAILED, error=reason or "the message has no sender")
        fields = {
            "to": message.to_address,
            "body": message.text,
            "validity_period": _lifetime(message),
            "smart_encoded": True,
            # Twilio's guard against pumped registration codes; it holds campaigns for an attack.
            "risk_check": "disable",
            **sender,
        }
        callback = self._account.status_callback(message.message_id)
        if callback is not None:
            fields["status_callback"] = callback
        return self._create(fields, message.to_address, partial(may_leave, message.message_id))

    def _sender(self, message: OutgoingMessage) -> dict[str, str]:
        if self._account.messaging_service_sid:
            return {"messaging_service_sid": self._account.messaging_service_sid}
        return {"from_": message.from_address} if message.from_address else {}

    def _create(
        self, fields: dict[str, object], to_address: str, may_leave: Callable[[], bool]
    ) -> SendResult:
        try:
            answer = self._client.create_message(may_leave, **fields)
        except NotSent as error:
            return SendResult(Outcome.RETRY, error=str(error))
        except ConnectorError as error:
            status = str(error.status) if error.status else None
            return SendResult(Outcome.UNKNOWN, error=str(error), code=status)
        return result(answer, to_address=to_address)

    @cached_property
    def _client(self) -> "TwilioClient":
        from connectors.channels.twilio.package import TwilioClient

        return TwilioClient(self._account, self._pool)


_OK = 200
_SHORTEST, _LONGEST = 1, 36_000
_NO_KEYS = SendResult(Outcome.PAUSE_SENDER, error="there is no usable Twilio account")
_NOT_CALLED = SendResult(Outcome.RETRY, error="not called: there was no time left", retry_after_seconds=30.0)


def _lifetime(message: OutgoingMessage) -> int:
    asked = message.lifetime_seconds
    return LIFETIME_SECONDS if asked is None else min(max(int(asked), _SHORTEST), _LONGEST)

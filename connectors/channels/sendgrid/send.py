"""SendGrid as a Channel: one call per mail, its outcome by the table of documented answers."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from connectors.answers import Response
from connectors.base import ConnectorError
from connectors.channels.sendgrid.account import SendGridAccount, refusal
from connectors.channels.sendgrid.logs import find
from connectors.channels.sendgrid.outcomes import result
from connectors.channels.sendgrid.pace import Pace, pace
from connectors.fanout import Crew
from connectors.pool import ProviderPool
from connectors.sending import MayLeave, Outcome, OutgoingMessage, SendResult, Unsettled, always
from connectors.transport import Limits, NotSent

if TYPE_CHECKING:
    from connectors.channels.sendgrid.package import PooledClient

LIMITS = Limits(connect_seconds=3, read_seconds=10, total_seconds=15, max_bytes=1024 * 1024)
"""Of one call."""


class SendGridChannel:
    """Sends mails for one account.

    SendGrid has no key that makes a call safe to repeat, so nothing is tried twice here, and a mail whose
    answer was lost is UNKNOWN. One mail per call: of many in one, a bad address would refuse all and a
    lost answer would make all unknown.

    Args:
        threads: calls at a time.
        patience_seconds: no call is begun later than this after the start of a batch, which so ends at
            most one call's limit later.
        limits: of one call.
        is_stopping: whether the process is asked to end; what was not begun by then is left.
        pool: the connections to use; as many kept open as there are threads by default.

    Attributes:
        pace: how fast SendGrid lets us go, by its last answer.
    """

    look_up_after = timedelta(minutes=10)

    def __init__(
        self,
        account: SendGridAccount,
        *,
        threads: int = 64,
        patience_seconds: float = 25.0,
        limits: Limits = LIMITS,
        is_stopping: Callable[[], bool] = lambda: False,
        pool: ProviderPool | None = None,
    ) -> None:
        self._account = account
        self._crew = Crew(threads, patience_seconds, is_stopping)
        self._pool = pool or ProviderPool(limits=limits, connections=threads)
        self.pace = Pace()

    def send(self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always) -> Sequence[SendResult]:
        """One result per mail, in order; never raises for what the network or SendGrid does."""
        if not self._account.has_usable_key():
            return [_NO_KEY] * len(messages)
        return [
            answer or _NOT_CALLED for answer in self._crew.each(partial(self._send_one, may_leave), messages)
        ]

    def look_up(self, unsettled: Unsettled) -> SendResult | None:
        """ACCEPTED where SendGrid's e-mail logs show the mail with our id; else None.

        The logs are no proof of absence: they fill late, belong to some plans only and forget. So a mail
        that they do not show stays unknown, and nothing is sent again.
        """
        if not self._account.has_usable_key():
            return None
        return find(self._client, unsettled, account=self._account)

    def close(self) -> None:
        """Close the connections kept open."""
        self._pool.close()

    def _send_one(self, may_leave: MayLeave, message: OutgoingMessage) -> SendResult:
        reason = refusal(message)
        if reason is not None:
            return SendResult(Outcome.FAILED, error=reason)
        from connectors.channels.sendgrid.package import mail_body

        try:
            body = mail_body(message, self._account)
        except ConnectorError as error:
            return SendResult(Outcome.FAILED, error=str(error))
        return self._post(body, message.to_address, partial(may_leave, message.message_id))

    def _post(self, body: object, to_address: str, may_leave: Callable[[], bool]) -> SendResult:
        try:
            answer = self._mail_send(body, may_leave)
        except NotSent as error:
            return SendResult(Outcome.RETRY, error=str(error))
        except ConnectorError as error:
            status = str(error.status) if error.status else None
            return SendResult(Outcome.UNKNOWN, error=str(error), code=status)
        self.pace = pace(answer)
        return result(answer, to_address=to_address, is_sandbox=self._account.is_sandbox)

    @cached_property
    def _mail_send(self) -> Callable[[object, Callable[[], bool]], Response]:
        """The package's call; it would build the way there for each mail."""
        call: Callable[[object, Callable[[], bool]], Response] = self._client.mail.send.posting()
        return call

    @cached_property
    def _client(self) -> "PooledClient":
        from connectors.channels.sendgrid.package import open_client

        return open_client(self._account, self._pool)


_NO_KEY = SendResult(Outcome.PAUSE_SENDER, error="there is no usable SendGrid API key")
_NOT_CALLED = SendResult(Outcome.RETRY, error="not called: there was no time left", retry_after_seconds=30.0)

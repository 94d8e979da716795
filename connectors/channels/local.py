"""The keyless channel: messages go to the sandbox's sink, or nowhere but our own outbox.

With a sink (`ritorno demo`, `make run`) a batch is one POST of a JSON list, and an unknown outcome is
settled by asking the sink for the message's id. Without one every message counts as delivered to the
outbox that the browser shows.

Source: connectors/sandbox, `/sink/messages`.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from connectors.base import ConnectorError, Outcome, OutgoingMessage, SendResult, Unsettled
from connectors.pool import ProviderPool
from connectors.sending import MayLeave, always
from connectors.transport import Limits, NotSent, Response

_LIMITS = Limits(connect_seconds=3, read_seconds=10, total_seconds=30)
_OK, _NOT_FOUND = 200, 404
_REFUSALS = frozenset({400, 413})
_STAYED = SendResult(Outcome.RETRY, error="not called: it was not to leave any more")
_OUTBOX_ONLY = "outbox"


class LocalChannel:
    """Sends to a sink on this machine, or keeps to the outbox when there is none.

    Args:
        sink_url: where the sandbox listens, without final slash, or None.
        pool: the connections to use; one kept open by default.
    """

    look_up_after = timedelta(0)

    def __init__(self, sink_url: str | None, *, pool: ProviderPool | None = None) -> None:
        self._sink = f"{sink_url.rstrip('/')}/sink/messages" if sink_url else None
        self._pool = pool or ProviderPool(limits=_LIMITS, connections=1)

    def send(self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always) -> Sequence[SendResult]:
        """One result per message, in order; never raises for what the network does."""
        leaving = [message for message in messages if may_leave(message.message_id)]
        left = dict(zip((one.message_id for one in leaving), self._sent(leaving), strict=True))
        return [left.get(message.message_id, _STAYED) for message in messages]

    def _sent(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        if self._sink is None:
            return [
                SendResult(Outcome.ACCEPTED, f"{_OUTBOX_ONLY}-{message.message_id}") for message in messages
            ]
        if not messages:
            return []
        try:
            numbers = _numbers(self._post(self._sink, messages))
        except ConnectorError as error:
            return [SendResult(_outcome(error), error=str(error))] * len(messages)
        return [_result(numbers.get(message.message_id)) for message in messages]

    def look_up(self, unsettled: Unsettled) -> SendResult | None:
        """What the sink knows: accepted, or never seen and so to be sent; None if it cannot be asked."""
        if self._sink is None:
            return None
        message_id = unsettled.message_id
        try:
            answer = self._pool.get(f"{self._sink}/{quote(message_id, safe='')}")
        except ConnectorError:
            return None
        if answer.status == _NOT_FOUND:
            return SendResult(Outcome.RETRY, error="the sink never saw it")
        return _found(answer, message_id)

    def close(self) -> None:
        """Close the connection kept open."""
        self._pool.close()

    def _post(self, sink: str, messages: Sequence[OutgoingMessage]) -> Response:
        body = json.dumps([_payload(message) for message in messages], ensure_ascii=False)
        headers = {"Content-Type": "application/json"}
        return self._pool.request("POST", sink, headers=headers, body=body.encode())


def _payload(message: OutgoingMessage) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "channel": message.channel,
        "to": message.to_address,
        "from": message.from_address,
        "from_name": message.from_name,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": dict(message.headers),
    }


def _numbers(answer: Response) -> dict[str, str]:
    """The running number of every accepted message, by its id.

    Raises:
        ConnectorError: the answer is not the one that the sink gives when it has kept the batch.
    """
    if answer.status != _OK:
        raise ConnectorError(f"the sink answered {answer.status}", status=answer.status)
    body = answer.json()
    accepted = body.get("accepted") if isinstance(body, Mapping) else None
    if not isinstance(accepted, list):
        raise ConnectorError("the sink's answer names no accepted messages", status=answer.status)
    entries = [entry for entry in accepted if isinstance(entry, Mapping)]
    return {str(entry.get("message_id")): str(entry.get("number")) for entry in entries}


def _outcome(error: ConnectorError) -> Outcome:
    """Never left: again. Refused as the sink documents it, with nothing kept: failed. Else nobody knows."""
    if isinstance(error, NotSent):
        return Outcome.RETRY
    return Outcome.FAILED if error.status in _REFUSALS else Outcome.UNKNOWN


def _result(number: str | None) -> SendResult:
    if number is None:
        return SendResult(Outcome.UNKNOWN, error="the sink's answer does not name this message")
    return SendResult(Outcome.ACCEPTED, number)


def _found(answer: Response, message_id: str) -> SendResult | None:
    if answer.status != _OK:
        return None
    try:
        body = answer.json()
    except ConnectorError:
        return None
    if not isinstance(body, Mapping) or str(body.get("message_id")) != message_id:
        return None
    return SendResult(Outcome.ACCEPTED, str(body.get("number")))

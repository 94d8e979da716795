"""Looks a mail up in SendGrid's e-mail logs by the id of ours that travelled with it.

Source: twilio/sendgrid-oai, tsg_logs_v3 (January 2026): mails are found by address and time, our own
arguments are shown of a single one only.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.base import ConnectorError
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.sending import Outcome, SendResult, Unsettled

if TYPE_CHECKING:
    from connectors.channels.sendgrid.package import PooledClient

BEFORE, AFTER = timedelta(minutes=5), timedelta(hours=1)
"""How far from the moment of the call SendGrid may say that it took the mail."""

MOST_CANDIDATES = 20
"""Mails to one address in that time that are looked at; each costs a call."""


def find(client: "PooledClient", unsettled: Unsettled, *, account: SendGridAccount) -> SendResult | None:
    """ACCEPTED with SendGrid's id, or None where the logs do not show the mail or cannot be read.

    The id is the part before the first dot, as the answer to a call gives it.
    """
    query = _query(unsettled)
    if query is None:
        return None
    try:
        listed = _body(client.logs.post(request_body={"query": query, "limit": MOST_CANDIDATES}))
        for log_id in _ids(listed):
            mail = _body(client.logs._(quote(log_id, safe="")).get())
            if _is_ours(mail, unsettled.message_id, account):
                return SendResult(Outcome.ACCEPTED, log_id.partition(".")[0])
    except ConnectorError:
        return None
    return None


_OK = 200


def _query(unsettled: Unsettled) -> str | None:
    address = unsettled.to_address
    # How the language escapes its quotes is not documented: an address with both kinds is not asked for.
    mark = next((mark for mark in ("'", '"') if mark not in address), None)
    if mark is None or "\\" in address:
        return None
    return (
        f"to_email = {mark}{address}{mark}"
        f" AND sg_message_id_created_at >= {_moment(unsettled.sent_at - BEFORE)}"
        f" AND sg_message_id_created_at <= {_moment(unsettled.sent_at + AFTER)}"
    )


def _moment(at: datetime) -> str:
    return f'TIMESTAMP "{at:%Y-%m-%dT%H:%M:%SZ}"'


def _body(answer: Any) -> Any:
    if answer.status != _OK:
        raise ConnectorError(f"the logs answered {answer.status}", status=answer.status)
    return answer.json()


def _ids(listed: object) -> Iterator[str]:
    messages = listed.get("messages") if isinstance(listed, dict) else None
    for entry in messages if isinstance(messages, list) else []:
        log_id = entry.get("sg_message_id") if isinstance(entry, dict) else None
        if isinstance(log_id, str) and log_id:
            yield log_id


def _is_ours(mail: object, message_id: str, account: SendGridAccount) -> bool:
    args = mail.get("custom_args") if isinstance(mail, dict) else None
    if not isinstance(args, dict) or str(args.get("mid")) != message_id:
        return False
    if str(args.get("home", account.installation)) != account.installation:
        return False
    return str(args.get("store", account.store_id)) == account.store_id

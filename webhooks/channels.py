"""What providers tell us: signatures are checked on the raw bytes; of signed lists the events are kept.

SendGrid posts to `sendgrid/<store>` (0 for the operator's own account), Twilio to `twilio/<store>/status`
and `twilio/<store>/inbound`. Twilio's posts are short and are read when they take effect.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import parse_qs

from app import clock
from app.crypto import UnreadableSecret
from app.errors import Busy
from app.inbox import NOBODY, Kept
from app.messaging import reports
from app.models import Store
from app.models.inbound_event import WAITING
from app.runtime import Runtime
from app.stores import settings
from app.stores.accounts import OPERATOR, SENDGRID, TWILIO, Accounts
from connectors.base import Envelope, InvalidSignature, UnreadablePayload
from connectors.channels.sendgrid import events as sendgrid
from connectors.channels.twilio import events as twilio
from webhooks.answers import FORGED, NOT_HERE, Answer
from webhooks.directory import ANY, Directory, Key
from webhooks.posted import Posted

_MOST_ID_DIGITS = 18
_STATUS, _INBOUND = "status", "inbound"
_EVENTS = "events"


class ProviderDeliveries:
    """Checks deliveries of both providers for every store of this database."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._directory = Directory(runtime)
        self._accounts = Accounts(runtime.vault, runtime.settings)
        self._checks: Mapping[str, Callable[[Posted, str], Kept | Answer]] = {
            SENDGRID: self._check_sendgrid,
            TWILIO: self._check_twilio,
        }

    def is_theirs(self, place: str) -> bool:
        """Whether the address is one of a provider's."""
        return place.partition("/")[0] in self._checks

    def check(self, posted: Posted) -> Kept | Answer:
        """What is to be kept of a delivery, or the answer to one of which nothing is kept.

        Raises:
            Busy: the database cannot be read, or no key opens the store's secrets; the provider will try
                again.
        """
        answer = self._checked(posted)
        if isinstance(answer, Answer) and self._directory.forget(_named_store(posted.place)):
            # The merchant may have pasted a key since the store was remembered.
            return self._checked(posted)
        return answer

    def _checked(self, posted: Posted) -> Kept | Answer:
        provider, _, rest = posted.place.partition("/")
        try:
            return self._checks[provider](posted, rest)
        except InvalidSignature:
            return FORGED
        except UnreadableSecret as error:
            raise Busy("the secrets of this store cannot be read now") from error

    def _check_sendgrid(self, posted: Posted, rest: str) -> Kept | Answer:
        number = _number(rest)
        if number is None:
            return NOT_HERE
        keys = self._sendgrid_keys(number)
        if not keys:
            return NOT_HERE
        now = clock.now()
        sendgrid.verify(posted.headers, posted.body, keys, now=now)
        topic, body = _read(posted.body, now)
        envelope = _envelope(SENDGRID, topic, posted.body)
        return Kept(NOBODY if number == OPERATOR else number, envelope, body, now, WAITING)

    def _check_twilio(self, posted: Posted, rest: str) -> Kept | Answer:
        name, _, topic = rest.partition("/")
        number = _number(name)
        store = self._store(number) if number is not None and topic in (_STATUS, _INBOUND) else None
        account = self._accounts.of(store).by_channel.get("sms") if store is not None else None
        if store is None or account is None:
            return NOT_HERE
        url = f"{self._runtime.settings.base_url}/webhooks/{posted.place}"
        target = f"{url}?{posted.query}" if posted.query else url
        twilio.verify(target, posted.headers, posted.body, [account.secret])
        subject = parse_qs(posted.query).get("m", [""])[0] if topic == _STATUS else ""
        envelope = _envelope(TWILIO, topic, subject.encode() + b"\n" + posted.body, subject or None)
        return Kept(store.id, envelope, posted.body, clock.now(), WAITING)

    def _sendgrid_keys(self, number: int) -> list[str]:
        """The public keys that a post to this address may be signed with."""
        operators = self._runtime.settings.sendgrid_webhook_public_key
        if number == OPERATOR:
            return [operators] if operators else []
        store = self._store(number)
        own = settings.read(store, "sendgrid.webhook_public_key") if store is not None else ""
        return [own] if own else []

    def _store(self, number: int) -> Store | None:
        return self._directory.get((ANY, str(number)))


def _read(body: bytes, now: datetime) -> tuple[str, bytes]:
    """What is kept of a signed list of events: its topic and body; as it came if it is not all readable."""
    try:
        report = sendgrid.read(body, received_at=now)
    except UnreadablePayload:
        return _EVENTS, body
    return (
        (_EVENTS, body)
        if report.unreadable
        else (reports.TOPIC, reports.packed(reports.of(report.others, report.well)))
    )


def _named_store(place: str) -> Key:
    _, _, rest = place.partition("/")
    return (ANY, str(_number(rest.partition("/")[0])))


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_ID_DIGITS
    return int(text) if is_number else None


def _envelope(source: str, topic: str, signed: bytes, subject: str | None = None) -> Envelope:
    key = hashlib.sha256(topic.encode() + b"\n" + signed).hexdigest()
    return Envelope(source, topic, "", key, subject_external_id=subject)

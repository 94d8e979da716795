"""Which channel carries a store's messages: the one place where accounts become ways out."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.models import Store
from app.stores.accounts import SENDGRID, TWILIO, Account, Accounts
from connectors.base import Channel
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.send import SendGridChannel
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.send import TwilioChannel

IsStopping = Callable[[], bool]
_MOST_OPEN = 500
"""Channels kept open, each with its connections."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where providers reach us, and what tells us from another installation on the same account."""

    base_url: str
    installation: str


class Carriers:
    """Opens channels and keeps those that were used last.

    Args:
        accounts: whose accounts carry a store's messages.
        outbox: carries the messages of stores without any account.
        place: where providers reach us, and which of several installations we are.
        is_stopping: whether this process is asked to end.
    """

    def __init__(
        self,
        accounts: Accounts,
        outbox: Channel,
        place: Place,
        is_stopping: IsStopping = lambda: False,
    ) -> None:
        self.accounts = accounts
        self._outbox = outbox
        self._place = place
        self._is_stopping = is_stopping
        self._open: OrderedDict[tuple[int, Account], Channel] = OrderedDict()

    def of(self, store: Store, channel: str) -> Channel | None:
        """What carries the store's messages on that channel now; None where nothing may."""
        accounts = self.accounts.of(store)
        if accounts.is_local:
            return self._outbox
        account = accounts.by_channel.get(channel)
        return None if account is None else self._opened(store.id, account)

    def _opened(self, store_id: int, account: Account) -> Channel:
        key = (store_id, account)
        channel = self._open.get(key) or _OPENERS[account.kind](
            account, store_id, self._place, self._is_stopping
        )
        self._open[key] = channel
        self._open.move_to_end(key)
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return channel


def _open_sendgrid(account: Account, store_id: int, place: Place, is_stopping: IsStopping) -> Channel:
    opened = SendGridAccount(account.secret, account.api_url, str(store_id), place.installation)
    return SendGridChannel(opened, is_stopping=is_stopping)


def _open_twilio(account: Account, store_id: int, place: Place, is_stopping: IsStopping) -> Channel:
    return TwilioChannel(
        TwilioAccount(
            account_sid=account.account_sid,
            auth_token=account.secret,
            messaging_service_sid=account.service_sid,
            api_url=account.api_url,
            status_url=f"{place.base_url}/webhooks/twilio/{store_id}/status",
            store_id=str(store_id),
        ),
        is_stopping=is_stopping,
    )


_OPENERS: Mapping[str, Callable[[Account, int, Place, IsStopping], Channel]] = {
    SENDGRID: _open_sendgrid,
    TWILIO: _open_twilio,
}

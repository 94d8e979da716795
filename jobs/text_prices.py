"""What text messages cost is asked of their provider, an hour after they left and later again."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial

from app.messaging import text_costs
from app.models import Store
from app.stores.accounts import TWILIO, Account
from connectors.base import ConnectorError
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.prices import TextPrice
from connectors.channels.twilio.setup import TwilioSetup
from jobs.guard import each_store
from jobs.kit import Kit


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Ask for the prices of the stores whose texts have none yet."""
    with kit.database.over_all_stores().read() as session:
        stores = text_costs.WAITING.run(session, now=now)
    return +Counter({"texts priced": each_store(stores, partial(_of_store, kit, now))})


def _of_store(kit: Kit, now: datetime, store_id: int) -> int:
    with kit.database.of_store(store_id).read() as session:
        store = session.get_one(Store, store_id)
        rows = text_costs.unpriced(session, store_id)
    account = kit.carriers.accounts.of(store).by_channel.get(text_costs.CHANNEL)
    sids = {row.provider_message_id for row in rows if row.provider_message_id}
    since = min((row.spent_on for row in rows), default=now.date())
    prices = _prices(account, sids, since) if account is not None and sids else {}
    with kit.database.of_store(store_id).write() as session:
        return text_costs.settle(session, store_id, prices, now)


def _prices(account: Account, sids: set[str], since: date) -> Mapping[str, TextPrice]:
    """What is known; nothing where Twilio cannot be asked now: what is not told is asked for later."""
    if account.kind != TWILIO:
        return {}
    setup = TwilioSetup(
        TwilioAccount(account.account_sid, account.secret, account.service_sid, account.api_url)
    )
    try:
        return setup.prices(sids, since)
    except ConnectorError:
        return {}
    finally:
        setup.close()

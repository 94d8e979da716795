"""How much may leave: a new domain begins small, and no store spends more than its share of an account."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from app.config import Settings
from app.messaging import domains, senders
from app.messaging.allowances import SenderFacts
from app.messaging.domains import DomainFacts
from app.messaging.pace import WarmUp
from app.models import Decision, Store
from app.runtime import Runtime
from app.stores import settings as store_settings
from app.stores.accounts import SENDGRID, TWILIO, Account, Accounts, StoreAccounts
from app.web import attention
from app.web import senders as screen
from jobs import outbox
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
DAY = timedelta(days=1)
TODAY = NOW.date()
OWN = Account(SENDGRID, "SG.key", "https://mail.test")
SHARED = Account(SENDGRID, "SG.operators", "https://mail.test", is_own=False)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop whose merchant said that there is no earlier list."""
    shop = open_shop(runtime)
    _set(shop, **{"consent.import": "declined"})
    return shop


def test_a_new_domain_sends_a_little_more_each_day(shop: Shop) -> None:
    seen = []
    for day in range(16):
        found = _facts(shop, at=NOW + day * DAY)
        seen.append((found.allowance, found.pace))
        _count(shop, TODAY + day * DAY, 400)

    allowed = [allowance for allowance, _ in seen if allowance is not None]
    assert allowed == sorted(set(allowed))
    assert seen[:3] == [
        (480, "warm-up: 480"),
        (672, "warm-up: 672"),
        (936, "warm-up: 936"),
    ]
    assert seen[13:] == [(38_088, "warm-up: 38088"), (None, "no limit"), (None, "no limit")]


def test_what_is_over_the_days_share_waits_for_the_next_and_is_not_lost(runtime: Runtime) -> None:
    shop = open_shop(runtime)
    _set(shop, **{"consent.import": "declined", "sendgrid.api_key": "SG.a-key.that-nobody-asks-000000000000"})
    _count(shop, TODAY, 478)
    ids = [shop.add_message(expires_at=NOW + 3 * DAY) for _ in range(4)]

    outbox.run(shop.kit(Post()), NOW)

    left = [row for row in map(shop.message, ids) if row.reason == "pace" and row.attempts == 0]
    assert [(row.status, row.next_at) for row in left] == [("queued", _midnight(TODAY + DAY))] * 2
    told = [reason for reason in seeds.values_of(shop.database, Decision, "reason") if reason]
    assert told == ["pace", "pace"]


@pytest.mark.parametrize("choice", ["off", "done"])
def test_a_domain_that_is_in_use_needs_no_warm_up(shop: Shop, choice: str) -> None:
    _set(shop, **{"sending.warm_up": choice})

    assert _facts(shop) == SenderFacts(pace="no limit")


def test_the_operators_domain_is_not_the_stores_to_warm(shop: Shop) -> None:
    assert _facts(shop, account=SHARED).allowance is None


def test_another_domain_begins_anew_and_the_same_one_goes_on(shop: Shop) -> None:
    for day in (3, 2, 1):
        _count(shop, TODAY - day * DAY, 100)
    _keep_domain(shop, "a.example", NOW - 3 * DAY)
    _keep_domain(shop, "a.example", NOW)
    known = _facts(shop).pace

    _keep_domain(shop, "b.example", NOW)

    assert (known, _facts(shop).pace) == ("warm-up: 1320", "warm-up: 480")


def test_a_domain_that_is_looked_at_late_keeps_the_days_it_has(shop: Shop) -> None:
    for day in (3, 2, 1):
        _count(shop, TODAY - day * DAY, 100)

    _keep_domain(shop, "a.example", NOW)

    assert _facts(shop).pace == "warm-up: 1320"


@pytest.mark.parametrize(
    ("daily", "words"),
    [
        (None, "warm-up: 480"),
        (0, "warm-up: 480"),
        (342, "warm-up: 480"),
        (1_000, "warm-up: 1400"),
        (27_205, "warm-up: 38087"),
        (27_206, "no limit"),
    ],
)
def test_an_account_that_sends_already_begins_where_it_stands(
    shop: Shop, daily: int | None, words: str
) -> None:
    _set(shop, **{"sender.email": "ciao@a.example"})

    _keep_domain(shop, "a.example", NOW, daily=daily)

    assert _facts(shop).pace == words


def test_the_schedule_counts_where_it_bears_more_than_what_is_known(shop: Shop) -> None:
    _set(shop, **{"sender.email": "ciao@a.example"})
    for day in (3, 2, 1):
        _count(shop, TODAY - day * DAY, 100)

    _keep_domain(shop, "a.example", NOW, daily=900)

    assert _facts(shop).pace == "warm-up: 1320"


def test_what_is_known_of_another_domain_or_account_lifts_nothing(shop: Shop) -> None:
    _set(shop, **{"sender.email": "ciao@a.example"})
    _facts(shop)
    _keep_domain(shop, "a.example", NOW, daily=5_000)
    known = _facts(shop).pace
    _set(shop, **{"sender.email": "ciao@b.example"})
    elsewhere = _facts(shop).pace
    _set(shop, **{"sender.email": "ciao@a.example"})

    other = _facts(shop, account=replace(OWN, secret="SG.another"))

    assert (known, elsewhere, other.pace) == ("warm-up: 7000", "warm-up: 480", "warm-up: 480")


def test_the_narrowest_limit_counts(shop: Shop) -> None:
    _set(shop, **{"sending.email_per_day": "100"})

    assert _facts(shop).pace == "a day: 100"


def test_a_store_has_its_share_of_the_shared_account_and_no_more(shop: Shop) -> None:
    account = replace(SHARED, quota=1000)
    _count(shop, TODAY.replace(day=1) - DAY, 5000)
    _count(shop, TODAY, 990)

    some = _facts(shop, account=account)
    _count(shop, TODAY, 10)
    none = _facts(shop, account=account)

    assert (some.allowance, some.pace) == (10, "a month: 1000")
    assert (none.allowance, none.refill_at) == (0, _midnight(date(2026, 12, 1)))
    assert _facts(shop, account=account, at=_midnight(date(2026, 12, 1))).allowance == 1000


def test_the_operator_alone_sets_the_share(shop: Shop, settings: Settings) -> None:
    told = settings.model_copy(
        update={
            "sendgrid_api_key": "SG.operators",
            "operator_email_quota": 300,
            "twilio_account_sid": "AC1",
            "twilio_auth_token": "t",
            "twilio_messaging_service_sid": "MG1",
            "operator_sms_quota": 20,
        }
    )
    accounts = Accounts(shop.runtime.vault, told)

    shared = _accounts(shop, accounts)
    _set(shop, **{"sendgrid.api_key": "SG.own-key.of-the-store-0000000000000000"})
    own = _accounts(shop, accounts)

    assert shared == {"email": (SENDGRID, False, 300), "sms": (TWILIO, False, 20)}
    assert own == {"email": (SENDGRID, True, 0), "sms": (TWILIO, False, 20)}
    assert not {key for key in store_settings.DEFINITIONS if "quota" in key}


def test_home_and_settings_show_where_a_domain_and_a_share_stand(shop: Shop, settings: Settings) -> None:
    told = settings.model_copy(update={"sendgrid_api_key": "SG.operators", "operator_email_quota": 5})
    _count(shop, TODAY, 5)

    shared, keys = _shown(shop, told)
    _set(shop, **{"sendgrid.api_key": "SG.own-key.of-the-store-0000000000000000"})
    own, own_keys = _shown(shop, told)

    assert (shared.used, shared.quota, shared.warming) == (5, 5, None)
    assert (own.used, own.quota, own.warming) == (0, 0, WarmUp(1, 480))
    assert ("quota" in keys, "warming" in keys) == (True, False)
    assert ("quota" in own_keys, "warming" in own_keys) == (False, True)


def test_a_limit_that_is_lifted_wakes_what_waited_for_it(shop: Shop) -> None:
    tomorrow = NOW + DAY
    waiting = shop.add_message(reason="pace", next_at=tomorrow)
    refused = shop.add_message(reason="pace", next_at=tomorrow, attempts=1)

    _set(shop, **{"sending.warm_up": "off"})

    assert (shop.message(waiting).next_at, shop.message(refused).next_at) == (NOW, tomorrow)


def _facts(shop: Shop, *, account: Account = OWN, at: Any = NOW) -> SenderFacts:
    with shop.database.write() as session:
        store, both = session.get_one(Store, shop.id), StoreAccounts({"email": account})
        return senders.load(session, store, both, channels=("email",), now=at)["email"]


def _accounts(shop: Shop, accounts: Accounts) -> dict[str, tuple[str, bool, int]]:
    with shop.database.read() as session:
        found = accounts.of(session.get_one(Store, shop.id)).by_channel
    return {channel: (one.kind, one.is_own, one.quota) for channel, one in found.items()}


def _shown(shop: Shop, settings: Settings) -> tuple[screen.View, set[str]]:
    """The e-mail's part of the settings page, and the lines of the home page."""
    runtime = replace(shop.runtime, settings=settings)
    with shop.database.read() as session:
        store = session.get_one(Store, shop.id)
        views = screen.of_store(session, runtime, store, NOW)
        items = attention.of_store(
            session, store, has_sender=True, active_flows=1, grant_url="/", ways_out=views
        )
    return views[0], {item.key for item in items}


def _keep_domain(shop: Shop, domain: str, at: Any, daily: int | None = None) -> None:
    with shop.database.write() as session:
        domains.keep(session, shop.id, DomainFacts(domain, "reject", daily=daily), at)


def _count(shop: Shop, day: date, sent: int) -> None:
    with shop.database.write() as session:
        senders.count(session, shop.id, "email", day=day, counts={"sent": sent})


def _set(shop: Shop, **values: str) -> None:
    with shop.database.write() as session:
        store_settings.write(session, session.get_one(Store, shop.id), values, vault=shop.runtime.vault)


def _midnight(day: date) -> Any:
    return NOW.replace(year=day.year, month=day.month, day=day.day, hour=0)

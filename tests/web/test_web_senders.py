"""The merchant's senders: how each account stands, and what can be done about it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.messaging import senders
from app.models import Chore, Sender, Store
from app.runtime import Runtime
from app.stores import chores, settings
from app.stores.accounts import Accounts
from app.web import catalogue
from tests import seeds
from tests.connectors.sandbox.sandbox_providers import KNOWN, Pair, open_pair, serving
from tests.web.web_shops import NOW, Csrf, Shop, make_app, signed_in

OWN = {
    "consent.import": "declined",
    "sendgrid.api_key": KNOWN.sendgrid_api_key,
    "twilio.account_sid": KNOWN.account_sid,
    "twilio.auth_token": KNOWN.auth_token,
    "twilio.messaging_service_sid": KNOWN.service_sid,
}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both emulated providers."""
    with open_pair(tmp_path) as opened, serving(opened) as found:
        yield found


def test_without_an_account_nothing_leaves_and_the_page_says_so(member: FlaskClient, shop: Shop) -> None:
    page = _settings(member)

    assert catalogue.CATALOGUES["en"]["senders.local"] in page


def test_each_account_says_how_it_stands(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    _give_accounts(runtime, shop, {"email": "domain not authenticated: azure.example", "sms": None})

    page = _settings(member)
    home = member.get("/app/", headers={"Accept-Language": "en"}).text

    assert "the domain azure.example is not authenticated at SendGrid" in page
    assert f"/webhooks/twilio/{shop.store_id}/inbound" in page
    assert "the domain azure.example is not authenticated at SendGrid" in home


def test_the_earlier_list_comes_first(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    _give_accounts(runtime, shop, {"email": None}, **{"consent.import": ""})

    assert "you have not said yet who had unsubscribed" in _settings(member)


def test_an_account_is_checked_on_request(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    with runtime.database.write() as session:
        chores.plan(session, session.get_one(Store, shop.store_id), NOW.replace(year=2030))

    answer = member.post("/app/settings/senders/check", data={"csrf": csrf(member)})

    due = dict(seeds.rows_of(runtime.database, Chore, "name", "next_at"))
    assert answer.status_code == 303
    assert due[chores.SENDERS] == NOW
    assert due[chores.IDENTITY] > NOW


def test_the_merchant_goes_on_after_a_bad_week(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    _give_accounts(runtime, shop, {"email": None})
    with runtime.database.write() as session:
        day = NOW.replace(day=NOW.day - 1).date()
        senders.count(session, shop.store_id, "email", day=day, counts={"sent": 1000, "bounced": 90})
    stopped = _settings(member)

    answer = member.post("/app/settings/senders/trust", data={"csrf": csrf(member), "channel": "email"})
    nobody = member.post("/app/settings/senders/trust", data={"csrf": csrf(member), "channel": "fax"})

    assert "came back in 7 days: 90 / 1000" in stopped
    assert (answer.status_code, nobody.status_code) == (303, 400)
    assert "came back in 7 days" not in _settings(member)


def test_reports_are_connected_by_one_click(runtime: Runtime, shop: Shop, csrf: Csrf, pair: Pair) -> None:
    told = replace(
        runtime, settings=runtime.settings.model_copy(update={"sendgrid_api_url": f"{pair.url}/sendgrid"})
    )
    _give_accounts(told, shop, {"email": None})
    member = signed_in(make_app(told), told)
    before = _settings(member)

    answer = member.post("/app/settings/senders/reports", data={"csrf": csrf(member)})

    with runtime.database.read() as session:
        key = settings.read(session.get_one(Store, shop.store_id), "sendgrid.webhook_public_key")
    (hook,) = pair.providers.webhooks.values()
    assert "Connect SendGrid" in before
    assert answer.status_code == 303
    assert hook["url"].endswith(f"/webhooks/sendgrid/{shop.store_id}")
    assert key
    assert "Connect SendGrid" not in _settings(member)


def test_reports_of_a_shared_account_are_not_the_merchants_to_connect(
    member: FlaskClient, shop: Shop, csrf: Csrf
) -> None:
    answer = member.post("/app/settings/senders/reports", data={"csrf": csrf(member)})

    assert answer.status_code == 400


def _give_accounts(runtime: Runtime, shop: Shop, problems: Mapping[str, str | None], **values: str) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        settings.write(session, store, OWN | values, vault=runtime.vault)
        senders.sync(session, store.id, Accounts(runtime.vault, runtime.settings).of(store))
        for channel, problem in problems.items():
            senders.note_check(session, store.id, channel, problem=problem, now=NOW)
    assert seeds.values_of(runtime.database, Sender, "channel") == ["email", "sms"]


def _settings(member: FlaskClient) -> str:
    return member.get("/app/settings", headers={"Accept-Language": "en"}).text

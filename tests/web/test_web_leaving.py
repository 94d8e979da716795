"""A store leaves by its owner's hand: stopped at once, and erased two days later where that is asked for."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import responses
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import AuditEntry, PrivacyRequest, Store
from app.runtime import Runtime
from jobs import privacy
from tests.privacy.privacy_world import quiet_kit
from tests.web.web_members import act
from tests.web.web_shops import NOW, Shop

PATH = "/app/settings/leaving"


@pytest.fixture(autouse=True)
def _silent_shop() -> Iterator[responses.RequestsMock]:
    """The shop does not answer: whoever revoked the key first must be able to leave, too."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        yield wire


def _store(runtime: Runtime, shop: Shop) -> Store | None:
    with runtime.database.read() as session:
        return session.get(Store, shop.store_id)


def _told(runtime: Runtime) -> list[str]:
    with runtime.database.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


@pytest.mark.parametrize("way", ["disconnect", "erase"])
def test_without_the_stores_name_nothing_is_done(
    member: FlaskClient, runtime: Runtime, shop: Shop, way: str
) -> None:
    page = act(member, f"{PATH}/{way}", domain="azure")

    store = _store(runtime, shop)
    assert page.status_code == 400
    assert "Nothing was done" in page.get_data(as_text=True)
    assert store is not None
    assert (store.state, _told(runtime)) == ("connected", [])


def test_a_disconnected_store_says_so_and_keeps_what_it_has(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    before = _store(runtime, shop)
    assert before is not None

    done = act(member, f"{PATH}/disconnect", domain=f" {before.domain.upper()} ")

    page, after = member.get(PATH).get_data(as_text=True), _store(runtime, shop)
    assert done.status_code == 303
    assert after is not None
    assert (after.state, _told(runtime)) == ("uninstalled", ["store.disconnected"])
    assert "This store is disconnected" in page
    assert f'action="{PATH}/disconnect"' not in page
    assert f'action="{PATH}/erase"' in page


def test_an_erasure_is_asked_for_once_and_carried_out_two_days_later(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    store = _store(runtime, shop)
    assert store is not None

    for _ in range(2):
        act(member, f"{PATH}/erase", domain=store.domain)
    page, told = member.get(PATH).get_data(as_text=True), _told(runtime)
    privacy.run(quiet_kit(runtime), NOW + timedelta(hours=47))
    early = _store(runtime, shop)
    privacy.run(quiet_kit(runtime), NOW + timedelta(hours=48))

    assert told == ["store.disconnected", "store.erasure-asked"]
    assert "all its data is deleted, unless" in page
    assert f'action="{PATH}/erase"' not in page
    assert early is not None
    assert _store(runtime, shop) is None
    with runtime.database.read() as session:
        asked = session.scalars(select(PrivacyRequest)).one()
    assert (asked.source, asked.kind, asked.outcome) == ("screen", "erase-shop", "done")

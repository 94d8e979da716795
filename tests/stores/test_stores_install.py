"""Coming, coming back and going, in whatever order the news arrive."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.errors import BadInput
from app.models import Backfill, Store
from app.runtime import Runtime
from app.stores import backfills, credentials, install, settings, verification
from connectors.base import StoreUpdate
from tests.stores.stores_seed import INSTALLED_AT, arrive, shopify_arrival, woo_arrival
from tests.stores.stores_wire import SHOP, FakePlatforms

HOUR = timedelta(hours=1)
ACCESS: dict[str, object] = {"access_token": "a", "expires_at": 1.0, "refresh_token": "r"}


def _uninstall(runtime: Runtime, store: Store, *, hours_after_install: int) -> bool:
    with runtime.database.write() as session:
        loaded = session.get_one(Store, store.id)
        return install.uninstall(session, loaded, INSTALLED_AT + hours_after_install * HOUR)


def _load(runtime: Runtime, store: Store) -> Store:
    with runtime.database.read() as session:
        return session.get_one(Store, store.id)


def test_a_new_shop_has_its_three_backfills_planned(runtime: Runtime, woo_store: Store) -> None:
    with runtime.database.read() as session:
        planned = session.scalars(select(Backfill).order_by(Backfill.resource)).all()

    assert [row.resource for row in planned] == ["customers", "orders", "products"]
    assert {row.next_at for row in planned} == {INSTALLED_AT}


def test_an_uninstall_stops_everything_at_once(runtime: Runtime, shopify_store: Store) -> None:
    assert _uninstall(runtime, shopify_store, hours_after_install=1)

    store = _load(runtime, shopify_store)
    assert (store.state, store.uninstalled_at) == ("uninstalled", INSTALLED_AT + HOUR)
    assert credentials.unseal(runtime.vault, store.credentials).access == {}
    with runtime.database.read() as session:
        assert session.scalars(select(Backfill)).all() == []


def test_the_news_of_an_uninstall_counts_once(runtime: Runtime, shopify_store: Store) -> None:
    _uninstall(runtime, shopify_store, hours_after_install=1)

    assert not _uninstall(runtime, shopify_store, hours_after_install=2)
    assert _load(runtime, shopify_store).uninstalled_at == INSTALLED_AT + HOUR


def test_a_reinstall_brings_the_same_store_back(runtime: Runtime, shopify_store: Store) -> None:
    _uninstall(runtime, shopify_store, hours_after_install=1)

    back = arrive(runtime, shopify_arrival({**ACCESS, "access_token": "new"}), INSTALLED_AT + 2 * HOUR)

    assert back.id == shopify_store.id
    assert (back.state, back.uninstalled_at) == ("connected", None)
    assert back.installed_at == INSTALLED_AT + 2 * HOUR
    assert credentials.unseal(runtime.vault, back.credentials).access["access_token"] == "new"


def test_an_uninstall_that_arrives_after_the_reinstall_is_old_news(
    runtime: Runtime, shopify_store: Store
) -> None:
    arrive(runtime, shopify_arrival(ACCESS), INSTALLED_AT + 2 * HOUR)

    assert not _uninstall(runtime, shopify_store, hours_after_install=1)
    assert _load(runtime, shopify_store).state == "connected"


def test_an_uninstall_seen_through_a_stale_row_is_still_old_news(
    runtime: Runtime, shopify_store: Store
) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shopify_store.id)
        elsewhere = update(Store).values(installed_at=INSTALLED_AT + 2 * HOUR)
        session.execute(elsewhere.execution_options(synchronize_session=False))

        is_gone = install.uninstall(session, store, INSTALLED_AT + HOUR)

    assert not is_gone


def test_a_return_after_an_absence_reads_the_history_again(runtime: Runtime, shopify_store: Store) -> None:
    _finish_backfills(runtime)
    _uninstall(runtime, shopify_store, hours_after_install=1)

    arrive(runtime, shopify_arrival(ACCESS), INSTALLED_AT + 2 * HOUR)

    with runtime.database.read() as session:
        assert backfills.progress(session, shopify_store.id) == (0, None)


def test_new_keys_without_an_absence_leave_the_history_as_it_is(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    _finish_backfills(runtime)
    with runtime.database.write() as session:
        install.ask_to_reconnect(session, woo_store.id)

    again = arrive(runtime, woo_arrival(platforms), INSTALLED_AT + HOUR)

    assert again.state == "connected"
    with runtime.database.read() as session:
        assert backfills.progress(session, woo_store.id) == (30, 30)


def test_settings_and_provider_keys_outlive_a_reinstall(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    with runtime.database.write() as session:
        settings.write(
            session,
            session.get_one(Store, woo_store.id),
            {"sendgrid.api_key": "SG.secret", "timezone": "Europe/Berlin"},
            vault=runtime.vault,
        )
    _uninstall(runtime, woo_store, hours_after_install=1)

    back = arrive(runtime, woo_arrival(platforms), INSTALLED_AT + 2 * HOUR)

    assert back.timezone == "Europe/Berlin"
    assert settings.secret(runtime.vault, back, "sendgrid.api_key") == "SG.secret"


def test_path_and_secret_of_webhooks_change_together_after_an_absence_only(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    secret = verification.woocommerce_secret(runtime, woo_store, "order.updated")

    reconnected = arrive(runtime, woo_arrival(platforms), INSTALLED_AT + HOUR)
    secret_then = verification.woocommerce_secret(runtime, reconnected, "order.updated")
    path_then = reconnected.webhook_path
    _uninstall(runtime, woo_store, hours_after_install=2)
    back = arrive(runtime, woo_arrival(platforms), INSTALLED_AT + 3 * HOUR)

    assert (path_then, secret_then) == (woo_store.webhook_path, secret)
    assert back.webhook_path != path_then
    assert verification.woocommerce_secret(runtime, back, "order.updated") != secret


def test_the_operators_app_takes_the_place_of_the_merchants_own(runtime: Runtime) -> None:
    own = replace(shopify_arrival(ACCESS), own_app={"client_id": "own", "client_secret": "own-secret"})
    store = arrive(runtime, own)
    before = verification.shopify_secrets(runtime, store)

    store = arrive(runtime, shopify_arrival(ACCESS), INSTALLED_AT + HOUR)

    assert before == ["own-secret"]
    assert verification.shopify_secrets(runtime, store) == ["hush-hush"]


def test_another_shop_cannot_take_over_a_store_by_its_name(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    thief = woo_arrival(platforms)
    thief = replace(thief, url="https://evil.example", identity=replace(thief.identity, store_uid="uid-9"))

    with pytest.raises(BadInput):
        arrive(runtime, thief, INSTALLED_AT + HOUR)

    store = _load(runtime, woo_store)
    assert (store.url, store.installed_at) == (woo_store.url, INSTALLED_AT)


def test_a_shop_that_moved_is_known_by_its_own_id(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    moved = replace(woo_arrival(platforms), url="https://new.example")

    store = arrive(runtime, moved, INSTALLED_AT + HOUR)

    assert (store.id, store.url) == (woo_store.id, "https://new.example")


def test_news_of_the_shop_are_taken_over_as_far_as_they_can_be_used(woo_store: Store) -> None:
    install.update_store(
        woo_store,
        StoreUpdate(name="", timezone="Asia/Tokyo", currency="EURO", country="ITA", scopes=("read_orders",)),
    )

    assert (woo_store.name, woo_store.timezone) == ("The shop", "Asia/Tokyo")
    assert (woo_store.currency, woo_store.country) == ("EUR", "IT")
    assert woo_store.scopes == ["read_orders"]


def test_only_a_connected_shop_is_asked_to_reconnect(runtime: Runtime, shopify_store: Store) -> None:
    _uninstall(runtime, shopify_store, hours_after_install=1)

    with runtime.database.write() as session:
        assert not install.ask_to_reconnect(session, shopify_store.id)

    assert _load(runtime, shopify_store).state == "uninstalled"


def test_progress_has_no_total_while_one_is_not_known(runtime: Runtime, shopify_store: Store) -> None:
    with runtime.database.write() as session:
        session.execute(update(Backfill).where(Backfill.resource == "orders").values(done=5, total=50))

    with runtime.database.read() as session:
        assert backfills.progress(session, shopify_store.id) == (5, None)


def test_shopify_stores_have_no_path_of_their_own(shopify_store: Store) -> None:
    assert (shopify_store.domain, shopify_store.webhook_path) == (SHOP, "")


def _finish_backfills(runtime: Runtime) -> None:
    with runtime.database.write() as session:
        session.execute(update(Backfill).values(done=10, total=10, finished_at=INSTALLED_AT))

"""Registering webhooks, and the secrets that prove them."""

import hashlib
import hmac
from dataclasses import replace

import pytest

from app.models import Store
from app.runtime import Runtime
from app.stores import credentials, install, settings, subscribe, verification
from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.woocommerce.topics import MINIMUM_TOPICS
from tests.stores.stores_seed import INSTALLED_AT, arrive, shopify_arrival
from tests.stores.stores_wire import FakePlatforms


def _load(runtime: Runtime, store: Store) -> Store:
    with runtime.database.read() as session:
        return session.get_one(Store, store.id)


def test_every_topic_gets_a_webhook_at_the_secret_path(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    subscribe.register_webhooks(runtime, woo_store.id)

    path = f"http://app.test/webhooks/woocommerce/{woo_store.id}/{woo_store.webhook_path}"
    assert {hook["topic"] for hook in platforms.webhooks} == set(MINIMUM_TOPICS)
    assert {hook["delivery_url"] for hook in platforms.webhooks} == {path}
    noted = _load(runtime, woo_store).subscriptions
    assert {(one["topic"], one["state"]) for one in noted} == {(topic, "active") for topic in MINIMUM_TOPICS}


def test_every_topic_has_a_secret_of_its_own_that_verification_finds(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    subscribe.register_webhooks(runtime, woo_store.id)

    given = {hook["topic"]: hook["secret"] for hook in platforms.webhooks}
    found = {topic: verification.woocommerce_secret(runtime, woo_store, topic) for topic in given}
    assert given == found
    assert len(set(given.values())) == len(MINIMUM_TOPICS)


def test_registering_again_changes_nothing(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    subscribe.register_webhooks(runtime, woo_store.id)
    before = list(platforms.webhooks)

    subscribe.register_webhooks(runtime, woo_store.id)

    assert platforms.webhooks == before


def test_what_is_missing_disabled_or_left_over_is_mended_and_a_pause_respected(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    subscribe.register_webhooks(runtime, woo_store.id)
    platforms.webhooks[0]["status"] = "disabled"
    platforms.webhooks[1]["status"] = "paused"
    gone = platforms.webhooks.pop()

    subscribe.register_webhooks(runtime, woo_store.id)

    states = {hook["topic"]: hook["status"] for hook in platforms.webhooks}
    assert states[MINIMUM_TOPICS[0]] == "active"
    assert states[MINIMUM_TOPICS[1]] == "paused"
    assert states[gone["topic"]] == "active"
    assert len(platforms.webhooks) == len(MINIMUM_TOPICS)


def test_webhooks_of_an_earlier_install_are_replaced(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    old = f"http://app.test/webhooks/woocommerce/{woo_store.id}/old-path"
    platforms.webhooks.append(
        {"id": 99, "topic": "order.created", "status": "active", "delivery_url": old, "secret": "x"}
    )
    foreign = {
        "id": 98,
        "topic": "order.created",
        "status": "active",
        "delivery_url": "https://other.example/",
    }
    platforms.webhooks.append(foreign)

    subscribe.register_webhooks(runtime, woo_store.id)

    assert old not in {hook["delivery_url"] for hook in platforms.webhooks}
    assert foreign in platforms.webhooks
    assert len(platforms.webhooks) == len(MINIMUM_TOPICS) + 1


def test_a_store_that_refuses_keeps_waiting(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    platforms.silent_paths.add("/woo/wp-json/wc/v3/webhooks")

    with pytest.raises(ConnectorError):
        subscribe.register_webhooks(runtime, woo_store.id)

    assert _load(runtime, woo_store).subscriptions == []


def test_a_revoked_key_is_told_apart(runtime: Runtime, platforms: FakePlatforms, woo_store: Store) -> None:
    platforms.woo_keys.clear()

    with pytest.raises(Unauthorized):
        subscribe.register_webhooks(runtime, woo_store.id)


def test_shopify_is_not_asked_because_the_app_declares_its_topics(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    with runtime.database.write() as session:
        subscribe.declare(runtime, session.get_one(Store, shopify_store.id))

    noted = _load(runtime, shopify_store).subscriptions
    assert {"orders/create", "app/uninstalled", "shop/redact"} <= {one["topic"] for one in noted}
    assert {one["url"] for one in noted} == {"http://app.test/webhooks/shopify"}
    assert platforms.calls == []


def test_an_uninstalled_store_is_left_alone(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    with runtime.database.write() as session:
        install.uninstall(session, session.get_one(Store, woo_store.id), INSTALLED_AT)

    subscribe.register_webhooks(runtime, woo_store.id)

    assert platforms.calls == []


def test_a_topics_secret_is_derived_from_the_stores(runtime: Runtime, woo_store: Store) -> None:
    kept = credentials.unseal(runtime.vault, woo_store.credentials).kept

    secret = verification.woocommerce_secret(runtime, woo_store, "order.created")

    expected = hmac.new(kept["webhook_secret"].encode(), b"order.created", hashlib.sha256).hexdigest()
    assert secret == expected
    assert verification.woocommerce_secret(runtime, woo_store, "order.updated") != expected


def test_the_secret_outlives_an_uninstall_for_what_is_still_on_its_way(
    runtime: Runtime, woo_store: Store
) -> None:
    before = verification.woocommerce_secret(runtime, woo_store, "order.created")
    with runtime.database.write() as session:
        store = session.get_one(Store, woo_store.id)
        install.uninstall(session, store, INSTALLED_AT)

    assert verification.woocommerce_secret(runtime, store, "order.created") == before


def test_a_store_without_a_secret_verifies_nothing(runtime: Runtime, shopify_store: Store) -> None:
    assert verification.woocommerce_secret(runtime, shopify_store, "order.created") == ""


def test_the_operators_secrets_are_tried_newest_first(runtime: Runtime, shopify_store: Store) -> None:
    changes = {"shopify_client_secret": "new", "shopify_previous_client_secret": "old"}
    rotating = replace(runtime, settings=runtime.settings.model_copy(update=changes))
    closed = replace(runtime, settings=runtime.settings.model_copy(update={"shopify_client_secret": ""}))

    assert verification.shopify_secrets(rotating, shopify_store) == ["new", "old"]
    assert verification.shopify_secrets(rotating, None) == ["new", "old"]
    assert verification.shopify_secrets(closed, None) == []


def test_a_merchants_own_app_is_proven_by_its_own_secret_alone(runtime: Runtime) -> None:
    own = {"client_id": "own", "client_secret": "own-secret"}
    arrival = shopify_arrival({"access_token": "a", "is_lasting": True})

    store = arrive(runtime, replace(arrival, own_app=own))

    assert verification.shopify_secrets(runtime, store) == ["own-secret"]


def test_a_changed_secret_is_seen_at_once(runtime: Runtime, woo_store: Store) -> None:
    before = verification.woocommerce_secret(runtime, woo_store, "order.created")
    with runtime.database.write() as session:
        store = session.get_one(Store, woo_store.id)
        credentials.change(
            session, runtime.vault, store, lambda secrets: replace(secrets, kept={"webhook_secret": "other"})
        )

    assert verification.woocommerce_secret(runtime, store, "order.created") != before


def test_setting_a_provider_key_leaves_the_webhook_secret(runtime: Runtime, woo_store: Store) -> None:
    before = verification.woocommerce_secret(runtime, woo_store, "order.created")
    with runtime.database.write() as session:
        store = session.get_one(Store, woo_store.id)
        settings.write(session, store, {"twilio.auth_token": "t"}, vault=runtime.vault)

    assert verification.woocommerce_secret(runtime, store, "order.created") == before
